"""From a phrase to the tags to ask for, narrow to broad."""

from collections.abc import Iterator
from dataclasses import dataclass

from phrasepix.tags.chunks import Chunk, chunks_of, has_unspaced_run
from phrasepix.tags.vocabulary import Vocabulary, vocabulary_of
from retriever.errors import WrongParameterError

_WORDS_OF_A_THING = 3
"""How many words of "hot air balloon" a tag takes."""


@dataclass(frozen=True, slots=True)
class DerivedTag:
    """A `tag` found in a phrase, and the `reason` in a few words.

    `is_main` where the main thing of the phrase is in it. One that is a mere substitute names the tag `instead_of`
    which it is asked: only where that one brought nothing.
    """

    tag: str
    reason: str
    instead_of: str = ""
    is_main: bool = False


def derived_tags(phrase: str, language: str = "en") -> tuple[DerivedTag, ...]:
    """The tags to ask for a `phrase` of `language` (two letters), narrow to broad: at least one, each once.

    The main thing is what the first chunk without a preposition is about ("in the snow a tiger": the tiger). It comes
    first together with the next thing, then alone, then the others, then where and in what weather; times of day and
    what only colours are said of come last.

    Raises `WrongParameterError`, naming `--tag` as the way out, where none can be found: in a phrase of stop words,
    digits or pictograms alone, in a script without spaces, in a language whose stop words are not known.
    """
    vocabulary = vocabulary_of(language)
    if has_unspaced_run(phrase):
        raise _no_tag(phrase, "its words are not told apart by spaces")
    found: dict[str, DerivedTag] = {}
    for derived in _ordered(chunks_of(phrase, vocabulary), vocabulary):
        found.setdefault(derived.tag.lower(), derived)
    if not found:
        raise _no_tag(phrase, "it names no thing")
    return tuple(found.values())


def _no_tag(phrase: str, why: str) -> WrongParameterError:
    shown = phrase if len(phrase) <= 60 else f"{phrase[:59]}…"
    return WrongParameterError(
        f"no tag can be found in the phrase “{shown}”: {why}. "
        "Give the main noun of what you look for, such as --tag tiger"
    )


@dataclass(frozen=True, slots=True)
class _Thing:
    head: str
    whole: str
    reason: str


def _ordered(chunks: list[Chunk], vocabulary: Vocabulary) -> Iterator[DerivedTag]:
    strong = [chunk for chunk in chunks if chunk.words and not chunk.is_weak]
    things = [_thing(chunk, vocabulary, "a thing") for chunk in strong if not chunk.is_placed]
    for chunk in chunks:
        things += [_Thing(noun, noun, "the weather or the ground") for noun in chunk.scenery]
        if chunk.is_placed and not chunk.is_weak and chunk.words:
            things.append(_thing(chunk, vocabulary, "where or how it is"))
    things += [_thing(chunk, vocabulary, "a time of day or the like") for chunk in chunks if chunk.is_weak]
    things += [_Thing(colour, colour, "a colour") for chunk in chunks if not chunk.words for colour in chunk.colours]
    if not things:
        return
    main, others = things[0], [thing for thing in things[1:] if thing.head.lower() not in _words(things[0].whole)]
    if others:
        yield DerivedTag(f"{main.whole} {others[0].head}", "the main thing with the next", is_main=True)
    if main.whole != main.head:
        yield DerivedTag(main.whole, "the main thing", is_main=True)
        if (first := main.whole.split()[0]) != main.head:  # a noun and its verb look like it: the dog runs
            yield DerivedTag(first, "its first word", instead_of=main.whole)
    yield DerivedTag(main.head, "the main thing", is_main=True)
    if kind := vocabulary.kind_of(main.head):
        yield DerivedTag(kind, f"what a {main.head} is", instead_of=main.head, is_main=True)
    for thing in others:
        yield DerivedTag(thing.head, thing.reason)
        if kind := vocabulary.kind_of(thing.head):
            yield DerivedTag(kind, f"what a {thing.head} is", instead_of=thing.head)
    for thing in (main, *others):
        if broader := vocabulary.head_of_compound(thing.head):
            yield DerivedTag(broader, f"what a {thing.head} is", instead_of=thing.head)


def _words(text: str) -> list[str]:
    return text.lower().split()


def _thing(chunk: Chunk, vocabulary: Vocabulary, reason: str) -> _Thing:
    if vocabulary.head == "first":
        words = chunk.words[:_WORDS_OF_A_THING]
        return _Thing(words[0], " ".join(words), reason)
    words = chunk.words[-_WORDS_OF_A_THING:]
    return _Thing(words[-1], " ".join(words), reason)
