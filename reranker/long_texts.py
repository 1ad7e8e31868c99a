"""What of a text a model does not read because its context is shorter."""

import logging
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Tokenize = Callable[[Sequence[str]], NDArray[np.int64]]
"""Texts to token ids, padded with zeros: int64 [len(texts), context]."""


def warn_of_unread(texts: Iterable[str], tokenize: Tokenize) -> None:
    """Tell the log which words of which text lie beyond the context."""
    for text in texts:
        if unread := unread_words(text, tokenize):
            logger.warning("the phrase is longer than the model reads; not read: “%s”", unread)


def unread_words(text: str, tokenize: Tokenize) -> str:
    """The words of `text` beyond the context, found by how many of its first words give the same tokens."""
    tokens = tokenize([text])[0]
    if int(tokens[-1]) == 0 or not text.strip():
        return ""  # padding at the end: all of it was read

    def gives_the_same(part: str) -> bool:
        return np.array_equal(tokenize([part])[0], tokens)

    words = text.split()
    read, beyond = 0, len(words)
    while read < beyond:  # the fewest first words that already give these tokens
        middle = (read + beyond) // 2
        if gives_the_same(" ".join(words[:middle])):
            beyond = middle
        else:
            read = middle + 1
    if gives_the_same(" ".join(words[:beyond])[:-1]):
        beyond -= 1  # this word's own end was not read
    return " ".join(words[beyond:])
