"""A phrase in its parts, as it is written: what the picture is of, where, when."""

from collections.abc import Iterator

import regex

from phrasepix.tags.vocabulary import Vocabulary, vocabulary_of
from retriever.errors import WrongParameterError

_WORD_OR_MARK = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}'’-]*|[.,;:!?()\[\]…–—/،。、]")
_MOST = 6
_LEADS_ON = 3
"""Letters of a stop word that may go from a part's end, such as “and”."""


def parts_of_phrase(phrase: str, language: str = "en") -> tuple[str, ...]:
    """The parts of `phrase`, in its order and words: “a red fox”, “in the snow”, “at night”; at most six, each once.

    A part begins at a preposition that leads to where, when or in what weather, at the article of a thing behind such a
    place, and behind punctuation. A phrase of one part, or of a language of which no prepositions are known, is its
    only part.
    """
    try:
        vocabulary = vocabulary_of(language)
    except WrongParameterError:  # no stop words are known
        vocabulary = Vocabulary(language, frozenset())
    parts = [part for words in _runs(phrase, vocabulary) if (part := _part(phrase, words, vocabulary))]
    return tuple(dict.fromkeys(parts))[:_MOST] or (phrase.strip(),)


def _runs(phrase: str, vocabulary: Vocabulary) -> Iterator[list[regex.Match[str]]]:
    run: list[regex.Match[str]] = []
    for found in _WORD_OR_MARK.finditer(phrase):
        word = found[0].casefold()
        if not word[0].isalnum():
            yield run
            run = []
            continue
        leads = word in vocabulary.placing
        is_next_thing = (
            word in vocabulary.singular
            and bool(run)
            and run[0][0].casefold() in vocabulary.placing
            and _says_something(run, vocabulary)
        )
        if leads or is_next_thing:
            yield run
            run = []
        run.append(found)
    yield run


def _part(phrase: str, words: list[regex.Match[str]], vocabulary: Vocabulary) -> str:
    """As it is written, without what only leads on to the next part; empty where it says nothing."""
    while words and words[-1][0].casefold() in vocabulary.stop and len(words[-1][0]) <= _LEADS_ON:
        words = words[:-1]
    return phrase[words[0].start() : words[-1].end()] if _says_something(words, vocabulary) else ""


def _says_something(words: list[regex.Match[str]], vocabulary: Vocabulary) -> bool:
    return any(word[0].casefold() not in vocabulary.stop | vocabulary.placing for word in words)
