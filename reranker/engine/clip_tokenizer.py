"""CLIP's tokenizer without open_clip: its cleaning and word pattern, and the `tokenizers` library."""

import hashlib
import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reranker.models.open_clip_registry import DATA

MERGES = "merges.txt"
"""The file a tokenizer is made from."""

_HEADER = "#version: CLIP\n"
_MERGES_DIGEST = "35eadb2816c6041d2b2a52a6d76b29a1b2f28d9dae13516b4921bef45f291423"
_START, _END = "<start_of_text>", "<end_of_text>"
_WORD_END = "</w>"
_LONGEST = 32
"""Letters of the longest token."""
_FEW_LETTERS = 200
"""For words of so many letters together a model is made sooner of the merges they can use than of all."""

# Not case-sensitive, as open_clip's: “'S” is one word.
_WORDS = rf"(?i){_START}|{_END}|'s|'t|'re|'ve|'m|'ll|'d|{{letters}}+|{{digit}}|[^\s{{others}}]+"
_ASCII_WORDS = re.compile(_WORDS.format(letters="[a-z]", digit="[0-9]", others="a-z0-9"), re.ASCII)
_PLAIN = re.compile(r"[ -%'-~\t\n\r]*")  # printable ASCII without “&”: nothing in it can be repaired or unescaped


class ClipTokenizer:
    """Texts to token ids, padded with zeros, cut to `context` with the end-of-text token last.

    `directory` holds the merges as `write_merges` leaves them; `clean` is lower, whitespace or canonicalize. Raises
    OSError or ValueError where the file is damaged.

    A token is a byte, a byte that ends a word, or what a merge makes of two tokens, numbered in this order; behind them
    come the start and the end of the text.
    """

    def __init__(self, directory: Path, *, context: int, clean: str = "lower") -> None:
        content = (directory / MERGES).read_text(encoding="utf-8")
        if _digest(content) != _MERGES_DIGEST:
            raise ValueError(f"{MERGES} is not what was written")
        self._merges = content.split("\n")[1:-1]
        self._letters = _byte_letters()
        self._bytes = {token: number for number, token in enumerate(_byte_tokens())}
        first_special = len(self._bytes) + len(self._merges)
        self._special = {_START: first_special, _END: first_special + 1}
        self._bpe: Any = None
        self._words: set[str] | None = set()
        """Those that `_bpe` is made for; None where it is made for all."""
        self._clean = CLEANINGS[clean]
        self.context = context

    def __call__(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """Token ids: int64 [len(texts), context]."""
        worded = [[self._spelt(word) for word in _words(self._clean(text))] for text in texts]
        self._make_for({word for words in worded for word in words} - self._special.keys())
        tokens = np.zeros((len(worded), self.context), dtype=np.int64)
        for row, words in zip(tokens, worded, strict=True):
            ids = self._ids(words)
            row[: len(ids)] = ids
        return tokens

    def _spelt(self, word: str) -> str:
        """The word in the letters of its bytes."""
        return word if word in self._special else "".join(self._letters[byte] for byte in word.encode())

    def _ids(self, words: Iterable[str]) -> list[int]:
        ids = [self._special[_START]]
        for word in words:
            if word in self._special:
                ids.append(self._special[word])
            else:
                ids += (token.id for token in self._bpe.tokenize(word))
            if len(ids) >= self.context:  # the rest of a long text need not be looked at
                break
        return [*ids[: self.context - 1], self._special[_END]]

    def _make_for(self, words: Set[str]) -> None:
        """Make the library's model with the merges that these words and those before can use, or at last with all."""
        if self._words is None or (self._bpe is not None and words <= self._words):
            return
        self._words |= words
        ranked: Iterable[tuple[int, str]] = enumerate(self._merges)
        if sum(map(len, self._words)) > _FEW_LETTERS:
            self._words = None
        else:
            pairs = {pair for word in self._words for pair in _pairs(word)}
            ranked = ((rank, merge) for rank, merge in ranked if merge in pairs)
        self._bpe = self._with_merges(ranked)

    def _with_merges(self, ranked: Iterable[tuple[int, str]]) -> Any:
        from tokenizers.models import BPE

        vocabulary, merges = dict(self._bytes), []
        for rank, merge in ranked:
            left, right = merge.split(" ")
            merges.append((left, right))
            vocabulary[left + right] = len(self._bytes) + rank
        return BPE(vocabulary, merges, end_of_word_suffix=_WORD_END, cache_capacity=10_000)


def _pairs(word: str) -> Iterator[str]:
    """All two tokens that may ever stand side by side in a word, as merges name them."""
    letters = [*word[:-1], word[-1:] + _WORD_END]
    for cut in range(1, len(letters)):
        for start in range(max(0, cut - _LONGEST), cut):
            left = "".join(letters[start:cut])
            for end in range(cut + 1, min(len(letters), start + _LONGEST) + 1):
                yield f"{left} {''.join(letters[cut:end])}"


def _words(text: str) -> Sequence[str]:
    if text.isascii():
        return list(_ASCII_WORDS.findall(text))
    return list(_any_words().findall(text))


_compiled: list[Any] = []


def _any_words() -> Any:
    """The pattern for all scripts; `regex` is imported when one is met."""
    if not _compiled:
        import regex

        _compiled.append(regex.compile(_WORDS.format(letters=r"\p{L}", digit=r"\p{N}", others=r"\p{L}\p{N}")))
    return _compiled[0]


def _repaired(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text.strip()
    import html

    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _lower(text: str) -> str:
    return " ".join(_repaired(text).split()).lower()


def _whitespace(text: str) -> str:
    return " ".join(_repaired(text).split())


_NO_PUNCTUATION = str.maketrans("_", " ", string.punctuation.replace("_", ""))


def _canonicalize(text: str) -> str:
    return " ".join(_repaired(text).translate(_NO_PUNCTUATION).lower().split())


CLEANINGS: dict[str, Callable[[str], str]] = {
    "lower": _lower, "whitespace": _whitespace, "canonicalize": _canonicalize,
}  # fmt: skip
"""open_clip's ways to clean a text, by its names."""


def _byte_letters() -> list[str]:
    """The letter for each byte in the vocabulary: its own where it is printable, else one from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


def _byte_tokens() -> list[str]:
    """Those of the bytes, then those of bytes that end a word; the printable bytes come first, in their order."""
    letters = _byte_letters()
    ordered = [letter for letter in letters if ord(letter) < 256] + [letter for letter in letters if ord(letter) > 255]
    return [*ordered, *(letter + _WORD_END for letter in ordered)]


def write_merges(directory: Path) -> None:
    """Write `merges.txt`, two tokens a line, from the list of merges that all of CLIP's models share."""
    import lzma  # needed where a model is prepared only

    merges = lzma.decompress((DATA / "clip_merges.txt.xz").read_bytes()).decode()
    (directory / MERGES).write_text(_HEADER + merges, encoding="utf-8")


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
