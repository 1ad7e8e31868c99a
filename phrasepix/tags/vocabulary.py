"""What is known of a language's words: its stop words, a little grammar, dictionary forms."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import stopwordsiso

from phrasepix.tags.lexicon import english_word
from phrasepix_core.messages import Hint
from retriever.errors import WrongParameterError

_DICTIONARY = {"no": "nb"}
"""Where simplemma calls a language otherwise than the sources do."""
_SHORTEST_PART = 4
_LANGUAGES_REMEMBERED = 128
_WORDS_REMEMBERED = 4096
"""Words of users' phrases whose forms are kept in memory."""
_COMPOUNDING = frozenset({"da", "de", "fi", "nl", "no", "sv"})
"""Languages that write compounds in one word, with what the thing is at their end."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of `language` that shape its phrases; `words.toml` says what each kind is for."""

    language: str
    stop: frozenset[str]
    head: str = "last"
    infinitives: tuple[str, ...] = ()
    placing: frozenset[str] = frozenset()
    singular: frozenset[str] = frozenset()
    frame: frozenset[str] = frozenset()
    colours: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    nouns: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes_nouns_large(self) -> bool:
        """Whether a capital tells a noun from other words."""
        return self.language == "de"

    def dictionary_form(self, word: str) -> str:
        """The form under which a dictionary has `word`; the word itself where no dictionary is at hand."""
        return _dictionary_form(word, _DICTIONARY.get(self.language, self.language))

    def knows(self, word: str) -> bool:
        """Whether a dictionary has `word`, large or small."""
        return known_in(word, self.language)

    def head_of_compound(self, word: str) -> str:
        """What a compound is, such as boat for sailboat; empty where `word` is none."""
        if self.language not in _COMPOUNDING:
            return ""
        lower = word.lower()
        for cut in range(_SHORTEST_PART, len(lower) - _SHORTEST_PART + 1):
            if self.knows(lower[:cut]) and self.knows(lower[cut:]):
                head = lower[cut:]
                return head.capitalize() if self.writes_nouns_large else head
        return ""


@lru_cache(maxsize=_LANGUAGES_REMEMBERED)
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language of two letters, in lower case; none of a language that has no list of them."""
    if not stopwordsiso.has_lang(language):
        return frozenset()
    return frozenset(word.casefold() for word in stopwordsiso.stopwords(language))


@lru_cache(maxsize=_LANGUAGES_REMEMBERED)
def vocabulary_of(language: str) -> Vocabulary:
    """The vocabulary of a language of two letters.

    Raises `WrongParameterError` where it has no list of stop words.
    """
    if not stopwordsiso.has_lang(language):
        raise WrongParameterError(
            f"no tag can be found in a phrase of the language {language!r}: its stop words are not known, but those of "
            f"{', '.join(sorted(stopwordsiso.langs()))}; give the main noun of what you look for, such as ",
            Hint("tag", "tiger"),
        )
    table = _table("words.toml").get(language, {})
    sets = {name: frozenset(table.get(name, ())) for name in ("placing", "singular", "frame", "colours", "weak")}
    stop = stop_words(language)
    return Vocabulary(
        language,
        stop - frozenset(table.get("things", ())) - sets["weak"] - sets["frame"] - sets["colours"],
        table.get("head", "last"),
        tuple(table.get("infinitives", ())),
        **sets,
        nouns=table.get("nouns", {}),
    )


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


@lru_cache(maxsize=_WORDS_REMEMBERED)
def _dictionary_form(word: str, dictionary: str) -> str:
    if dictionary == "en":
        known = english_word(word.lower())
        return known.lemma if known else word
    import simplemma  # reads a language's dictionary when first asked: 0.1 s

    try:
        return simplemma.lemmatize(word, lang=dictionary)
    except ValueError:  # a language that simplemma has no dictionary of
        return word


@lru_cache(maxsize=_WORDS_REMEMBERED)
def known_in(word: str, language: str) -> bool:
    """Whether a dictionary of the language has `word`, large or small; False if there is no dictionary."""
    if language == "en":
        # WordNet has no articles, prepositions and pronouns.
        return word.lower() in stop_words("en") or english_word(word.lower()) is not None
    import simplemma

    dictionary = _DICTIONARY.get(language, language)
    try:
        return any(simplemma.is_known(one, lang=dictionary) for one in (word, word.capitalize()))
    except ValueError:
        return False
