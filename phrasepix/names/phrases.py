"""Phrases in which taught names stand: the name for what its pictures share, the rest of the phrase for itself."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from phrasepix.names.store import Taught
from phrasepix.request import SearchRequest
from reranker.query import Part, Phrase, Query, TaughtName
from retriever.errors import WrongParameterError

NAME_WEIGHT: Final = 1.0
"""How much a name counts beside the rest of its phrase, of which both are measured by their spread in the pool.

Chosen by `benchmarks/teach.py` on other scenes than those that it measures.
"""

_UNSPACED: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that write no spaces between words, by the beginnings of their letters' names in Unicode."""


def with_names(request: SearchRequest, names: Sequence[Taught], say: Callable[[str], None]) -> SearchRequest:
    """Return the request with each taught name in its phrases as a part of its own; the same one if none stands there.

    A name is meant as it was taught, capitals included: `say` is told of one that is written otherwise.
    """
    known = _Known(names)
    query = request.query
    for phrase in query.phrases:
        for words, name in known.nearly_in(phrase.text):
            say(f"“{words}” stands for itself; the name that was taught is written “{name}”")
    wanted, unwanted = (_parted(parts, known) for parts in (query.wanted, query.unwanted))
    if wanted == query.wanted and unwanted == query.unwanted:
        return request
    parted = request.with_query(Query(wanted, unwanted))
    if request.words_for_tags:
        return replace(parted, words_for_tags=known.rest_of(request.words_for_tags))
    return parted


class _Known:
    """Finds names in texts, the longest first, each as a word of its own."""

    def __init__(self, names: Sequence[Taught]) -> None:
        self._by_name = {one.name: one for one in sorted(names, key=lambda one: len(one.name), reverse=True)}
        pattern = "|".join(map(_bounded, self._by_name))
        self._written = re.compile(pattern)
        self._nearly = re.compile(pattern, re.IGNORECASE)

    def names_in(self, text: str) -> list[Taught]:
        """The names in a text, each once."""
        found = (self._written_as(one[0]) for one in self._written.finditer(text))
        return [self._by_name[name] for name in dict.fromkeys(found)]

    def nearly_in(self, text: str) -> Iterator[tuple[str, str]]:
        """Words that differ from a name in capitals alone, and that name."""
        for found in self._nearly.finditer(text):
            if not any(found[0].startswith(name) for name in self._by_name):
                folded = found[0].casefold()
                name = next((name for name in self._by_name if folded.startswith(name.casefold())), "")
                yield found[0], name

    def rest_of(self, text: str) -> str:
        """The text without names, and without the space and the marks that they leave at its ends."""
        return " ".join(self._written.sub(" ", text).split()).strip(" ,;:.–—-")

    def _written_as(self, words: str) -> str:
        return next(name for name in self._by_name if words.startswith(name))


def _parted(parts: Sequence[Part], known: _Known) -> tuple[Part, ...]:
    found: dict[object, Part] = {}
    for part in parts:
        names = known.names_in(part.text) if isinstance(part, Phrase) else []
        if not names or not isinstance(part, Phrase):
            found[id(part)] = part
            continue
        for taught in names:
            found.setdefault(taught.name, TaughtName(taught.name, taught, NAME_WEIGHT * part.weight))
        if _says_something(rest := known.rest_of(part.text)):
            found[id(part)] = Phrase(rest, part.weight)
    return tuple(found.values())


def _says_something(rest: str) -> bool:
    """Whether a word is left that is more than one such as “and”."""
    words = re.findall(r"\w+", rest.casefold())
    if not words:
        return False
    from phrasepix.tags import language_of  # brings dictionaries: whoever names nobody does without
    from phrasepix.tags.vocabulary import vocabulary_of

    try:
        stop = vocabulary_of(language_of(rest)).stop
    except WrongParameterError:  # of that language none are known
        return True
    return any(word not in stop for word in words)


def _bounded(name: str) -> str:
    """The pattern of a name as a word of its own, with an “’s” behind it."""
    before = "" if _is_unspaced(name[0]) else r"(?<!\w)"
    behind = "" if _is_unspaced(name[-1]) else r"(?:['’]s)?(?!\w)"
    return before + re.escape(name) + behind


def _is_unspaced(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_UNSPACED)
