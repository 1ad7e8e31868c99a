"""CLIP's tokenizer without open_clip: its cleaning and word pattern, and the `tokenizers` library."""

import gzip
import html
import json
import re
import string
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOCABULARY, MERGES = "vocab.json", "merges.txt"
"""The files a tokenizer is made from."""

_START, _END = "<start_of_text>", "<end_of_text>"
_WORD_END = "</w>"
_MERGES_USED = 49152 - 256 - 2

# Not case-sensitive, as open_clip's: “'S” is one word.
_WORDS = rf"(?i){_START}|{_END}|'s|'t|'re|'ve|'m|'ll|'d|{{letters}}+|{{digit}}|[^\s{{others}}]+"
_ASCII_WORDS = re.compile(_WORDS.format(letters="[a-z]", digit="[0-9]", others="a-z0-9"), re.ASCII)
_PLAIN = re.compile(r"[ -%'-~\t\n\r]*")  # printable ASCII without “&”: nothing in it can be repaired or unescaped


class ClipTokenizer:
    """Texts to token ids, padded with zeros, cut to `context` with the end-of-text token last.

    `directory` holds the vocabulary as `write_vocabulary` leaves it; `clean` is lower, whitespace or canonicalize.
    """

    def __init__(self, directory: Path, *, context: int, clean: str = "lower") -> None:
        from tokenizers.models import BPE

        self._bpe = BPE.from_file(
            str(directory / VOCABULARY), str(directory / MERGES), end_of_word_suffix=_WORD_END, cache_capacity=10_000
        )
        self._special = {token: int(self._bpe.token_to_id(token) or 0) for token in (_START, _END)}
        self._letters = _byte_letters()
        self._clean = CLEANINGS[clean]
        self.context = context

    def __call__(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """Token ids: int64 [len(texts), context]."""
        rows = [self._ids(text) for text in texts]
        tokens = np.zeros((len(rows), self.context), dtype=np.int64)
        for row, ids in zip(tokens, rows, strict=True):
            row[: len(ids)] = ids
        return tokens

    def _ids(self, text: str) -> list[int]:
        ids = [self._special[_START]]
        for word in _words(self._clean(text)):
            if word in self._special:
                ids.append(self._special[word])
            else:
                letters = "".join(self._letters[byte] for byte in word.encode())
                ids += (token.id for token in self._bpe.tokenize(letters))
            if len(ids) >= self.context:  # the rest of a long text need not be looked at
                break
        return [*ids[: self.context - 1], self._special[_END]]


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


def write_vocabulary(packed_merges: Path, directory: Path) -> None:
    """Write `vocab.json` and `merges.txt` from the gzipped list of merges that open_clip ships."""
    lines = gzip.decompress(packed_merges.read_bytes()).decode().split("\n")[1 : 1 + _MERGES_USED]
    letters = _byte_letters()
    # The printable bytes come first, in their order.
    ordered = [letter for letter in letters if ord(letter) < 256] + [letter for letter in letters if ord(letter) > 255]
    words = [*ordered, *(letter + _WORD_END for letter in ordered), *("".join(line.split()) for line in lines)]
    vocabulary = {word: number for number, word in enumerate([*words, _START, _END])}
    (directory / VOCABULARY).write_text(json.dumps(vocabulary), encoding="utf-8")
    (directory / MERGES).write_text("\n".join(["#version: CLIP", *lines]) + "\n", encoding="utf-8")
