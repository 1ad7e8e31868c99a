"""Truncation of texts to a model's context, and the warning of what is cut."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

# Thai to Lao, Burmese, Khmer, kana to Han, and beyond; runs of all else stay whole.
_UNSPACED = (  # compiled when a text is too long: that takes 2 ms
    r"\s*[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
    r"|\s*[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]+"
)

Tokenize = Callable[[Sequence[str]], NDArray[np.int64]]
"""Texts to token ids, padded at their ends: int64 [len(texts), context]."""


def unread_words(text: str, tokenize: Tokenize, padding: int = 0) -> str:
    """The words of `text` beyond the context, found by how many of its first words give the same tokens.

    `padding` is the id texts are padded with.
    """
    tokens = tokenize([text])[0]
    if int(tokens[-1]) == padding or not text.strip():
        return ""  # padding at the end: all of it was read

    def gives_the_same(part: str) -> bool:
        return np.array_equal(tokenize([part])[0], tokens)

    words = _pieces(text)
    read, beyond = 0, len(words)
    while read < beyond:  # the fewest first words that already give these tokens
        middle = (read + beyond) // 2
        if gives_the_same("".join(words[:middle])):
            beyond = middle
        else:
            read = middle + 1
    if gives_the_same("".join(words[:beyond])[:-1]):
        beyond -= 1  # this word's own end was not read
    return " ".join("".join(words[beyond:]).split())


def _pieces(text: str) -> list[str]:
    """Its words, each with the space before it; where a script sets none between words, its letters."""
    return [piece for word in re.findall(r"\s*\S+", text) for piece in re.findall(_UNSPACED, word)]
