"""From a phrase to the tags to ask for, with what is to be expected of each."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from phrasepix.tags.chunks import Chunk, chunks_of, content_words, has_unspaced_run
from phrasepix.tags.lexicon import Word, english_word
from phrasepix.tags.vocabulary import Vocabulary, vocabulary_of
from phrasepix_core.messages import Hint
from retriever.errors import WrongParameterError

_THING, _KIND, _OTHER = 0.6, 0.3, 0.2
"""How probably a picture that shows what a phrase says is tagged with a noun of the phrase, with a broader word, with
any other word of it: round figures of what people's captions of the same photographs share (`benchmarks/REAL.md`)."""
_SHARE = 0.003
"""Of a site's pictures, roughly how many are tagged with a word that WordNet's counted texts do not have; the others
are more common by the root of their count."""
_SHARE_OF_WEAK = 0.02
_NARROWNESS_OF_THINGS = 8.0
"""By how much, in the logarithm of its count, a word that is a thing in all its uses goes before one that never is."""


@dataclass(frozen=True, slots=True)
class DerivedTag:
    """A `tag` found in a phrase.

    `likelihood` is how probably a picture that fits the phrase has it, `share` how many of a site's pictures do, both
    0…1 and rough. A substitute names the tag `instead_of` which it is asked: only if that one brought nothing.
    """

    tag: str
    likelihood: float = _THING
    share: float = _SHARE
    instead_of: str = ""


def derived_tags(phrase: str, language: str = "en") -> tuple[DerivedTag, ...]:
    """Return the tags to ask for a `phrase` of `language` (two letters), at least one, each once, narrow to broad.

    Nouns come first, in English by how rare they are and how surely they name a thing to be seen; then broader words
    for them, other words, colours, times of day. In other languages grammar tells nouns, and the main thing, what the
    first chunk without a preposition is about, comes first.

    Raises `WrongParameterError`, naming the tag as the way out, if none can be found: in a phrase of stop words, digits
    or pictograms alone, in a script without spaces, in a language whose stop words are not known.
    """
    vocabulary = vocabulary_of(language)
    if has_unspaced_run(phrase):
        raise _no_tag(phrase, "its words are not told apart by spaces")
    found: dict[str, DerivedTag] = {}
    for derived in _english(phrase, vocabulary) if language == "en" else _by_grammar(phrase, vocabulary):
        found.setdefault(derived.tag.lower(), derived)
    if not found:
        raise _no_tag(phrase, "it names no thing")
    return tuple(found.values())


def _no_tag(phrase: str, why: str) -> WrongParameterError:
    shown = phrase if len(phrase) <= 60 else f"{phrase[:59]}…"
    return WrongParameterError(
        f"no tag can be found in the phrase “{shown}”: {why}. Give the main noun of what you look for, such as ",
        Hint("tag", "tiger"),
    )


def _english(phrase: str, vocabulary: Vocabulary) -> Iterator[DerivedTag]:
    """By WordNet: what names a thing, and how common it is."""
    things: list[tuple[float, DerivedTag]] = []
    last: list[DerivedTag] = []
    for token in content_words(phrase, vocabulary):
        word = english_word(token) or Word(token, thing=_THING)
        forms = {token, word.lemma}
        if forms & vocabulary.colours or forms & vocabulary.weak:
            last.append(DerivedTag(token, _OTHER, _SHARE_OF_WEAK))
            continue
        if scenery := next((vocabulary.nouns[form] for form in sorted(forms) if form in vocabulary.nouns), ""):
            token, word = scenery, english_word(scenery) or Word(scenery, thing=1.0)
        narrowness = math.log(word.count + 1) - _NARROWNESS_OF_THINGS * word.thing
        tag = DerivedTag(token, _THING if word.is_thing else _OTHER, _share_of(word))
        things.append((narrowness, tag))
    ordered = [tag for _, tag in sorted(things, key=lambda one: one[0])]
    yield from ordered
    said = {_lemma(tag.tag) for tag in (*ordered, *last)}
    for tag in ordered:
        yield from (kind for kind in _broader(tag) if _lemma(kind.tag) not in said)
    yield from last


def _lemma(form: str) -> str:
    word = english_word(form)
    return word.lemma if word else form


def _share_of(word: Word) -> float:
    return min(1.0, _SHARE * math.sqrt(word.count + 1))


def _broader(tag: DerivedTag) -> Iterator[DerivedTag]:
    word = english_word(tag.tag)
    if word is None or not word.is_thing:
        return
    for kind in word.broader:
        yield DerivedTag(kind, _KIND, _share_of(english_word(kind) or Word(kind)), instead_of=tag.tag)


def _by_grammar(phrase: str, vocabulary: Vocabulary) -> Iterator[DerivedTag]:
    """By stop words and the little grammar of `words.toml`."""
    chunks = chunks_of(phrase, vocabulary)
    strong = [chunk for chunk in chunks if chunk.words and not chunk.is_weak]
    heads = [_head(chunk, vocabulary) for chunk in strong if not chunk.is_placed]
    for chunk in chunks:
        heads += chunk.scenery
        if chunk.is_placed and not chunk.is_weak and chunk.words:
            heads.append(_head(chunk, vocabulary))
    yield from map(DerivedTag, heads)
    for head in heads:
        if broader := vocabulary.head_of_compound(head):
            yield DerivedTag(broader, _KIND, instead_of=head)
    rest = [word for chunk in strong for word in chunk.words if word not in heads]
    weak = [_head(chunk, vocabulary) for chunk in chunks if chunk.is_weak]
    for word in rest:
        yield DerivedTag(word, _OTHER)
    for word in (*weak, *(colour for chunk in chunks for colour in chunk.colours)):
        yield DerivedTag(word, _OTHER, _SHARE_OF_WEAK)


def _head(chunk: Chunk, vocabulary: Vocabulary) -> str:
    return chunk.words[0 if vocabulary.head == "first" else -1]
