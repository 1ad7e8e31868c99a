"""A phrase cut into chunks: runs of words about one thing, with stop words and punctuation between them."""

from dataclasses import dataclass, field

import regex

from phrasepix.tags.vocabulary import Vocabulary
from phrasepix_core.text import same_text

_TOKEN = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*|[.,;:!?()\[\]…–—/،。、]")
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"  # scripts without spaces between words
)
_LONGEST_UNSPACED_WORD = 4
_LONGEST_WORD = 40


@dataclass(slots=True)
class Chunk:
    """Words about one thing, in their order, in the form in which sites tag.

    `is_placed` where a preposition says that it is the where, the when or the weather. `scenery` are nouns that
    adjectives of weather and ground stand for; `colours` were said with it. `is_weak` where it is a time of day or the
    like.
    """

    words: list[str] = field(default_factory=list)
    scenery: list[str] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    is_placed: bool = False
    is_weak: bool = False


def has_unspaced_run(phrase: str) -> bool:
    """Whether words of a script without spaces run together, so that they cannot be told apart here."""
    return any(
        _UNSPACED.match(token) and len(token) > _LONGEST_UNSPACED_WORD for token in _TOKEN.findall(same_text(phrase))
    )


def chunks_of(phrase: str, vocabulary: Vocabulary) -> list[Chunk]:
    """The chunks of `phrase`, in its order; none of digits, pictograms and stop words alone."""
    tokens = _TOKEN.findall(same_text(phrase))
    cutter = _Cutter(vocabulary, vocabulary.writes_nouns_large and any(token[0].isupper() for token in tokens[1:]))
    for number, token in enumerate(tokens):
        cutter.take(token, is_first=number == 0)
    cutter.close()
    return cutter.chunks


def content_words(phrase: str, vocabulary: Vocabulary) -> list[str]:
    """Return the words of `phrase` in lower case, each once, less stop words, digits and what the phrase calls the
    picture itself."""
    words = [token.lower() for token in _TOKEN.findall(same_text(phrase)) if not _is_no_word(token)]
    return [
        word
        for word in dict.fromkeys(words)
        if word[0].isalnum()
        and word not in vocabulary.stop
        and not {word, vocabulary.dictionary_form(word).lower()} & vocabulary.frame
    ]


class _Cutter:
    """Takes a phrase's tokens one by one; with `capitals_tell`, a capital inside the phrase marks a noun."""

    def __init__(self, vocabulary: Vocabulary, capitals_tell: bool) -> None:
        self.chunks: list[Chunk] = []
        self._words = vocabulary
        self._capitals_tell = capitals_tell
        self._open = Chunk()
        self._is_placed = False  # behind a preposition,
        self._has_led = False  # that has led to something already
        self._is_one = False  # behind an article of one thing

    def take(self, token: str, *, is_first: bool) -> None:
        words = self._words
        lower = token.lower()
        is_noun = self._capitals_tell and not is_first and token[0].isupper()
        if not token[0].isalnum():
            self.close()
            self._is_placed = self._has_led = self._is_one = False
        elif lower in words.placing and not is_noun:
            self.close()
            self._is_placed, self._has_led = True, False
        elif (lower in words.stop and not is_noun) or _is_no_word(token):
            self.close()
            if self._has_led:  # in "at night in the rain a boat" the article ends what "in" led to
                self._is_placed = self._has_led = False
            self._is_one = self._is_one or lower in words.singular
        else:
            self._take_content(token, {lower, words.dictionary_form(lower).lower()})

    def close(self) -> None:
        if self._open.words or self._open.scenery or self._open.colours:
            self.chunks.append(self._open)
            self._has_led, self._is_one = True, False
        self._open = Chunk()

    def _take_content(self, token: str, forms: set[str]) -> None:
        words = self._words
        if forms & words.colours:
            self._open.colours.append(token.lower())
        elif nouns := [words.nouns[form] for form in forms if form in words.nouns]:
            self._open.scenery.append(nouns[0])
        elif forms & words.weak:
            if self._open.words:
                self.close()
            self._open.words.append(self._form(token))
            self._open.is_weak = True
            self.close()
        elif self._is_adverb(token):
            pass
        elif forms & words.frame or self._is_no_noun(token):
            if self._open.words:
                self.close()
            self._has_led = self._is_placed
        else:
            self._open.words.append(self._form(token))
            self._open.is_placed = self._is_placed

    def _is_adverb(self, token: str) -> bool:
        return self._words.language == "en" and token.endswith("ly") and self._words.knows(token[:-2].lower())

    def _is_no_noun(self, token: str) -> bool:
        """Whether grammar tells that `token` is a verb (in German: anything but a noun)."""
        if self._capitals_tell:
            return token[0].islower()
        lower = token.lower()
        if not self._open.words or (form := self._words.dictionary_form(lower)) == lower:
            return False
        if self._words.language != "en":
            return form.endswith(self._words.infinitives) and not lower.startswith(form)  # not mujer in mujeres
        if lower.endswith(("ing", "ed")):  # behind its noun, as in "a tiger playing"; before it, it tells which
            return True
        return self._is_one and lower.endswith("s")  # behind "a tiger" no plural can stand

    def _form(self, token: str) -> str:
        """As sites tag: in English the word as it stands, for sites know its plurals; else as a dictionary has it."""
        if self._words.language == "en":
            return token.lower()
        if self._words.writes_nouns_large:
            return self._words.dictionary_form(token[0].upper() + token[1:])
        return self._words.dictionary_form(token).lower()


def _is_no_word(token: str) -> bool:
    return (len(token) == 1 and not _UNSPACED.match(token)) or token.isnumeric() or len(token) > _LONGEST_WORD
