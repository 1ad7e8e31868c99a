"""The root of every error phrasepix raises on purpose, and the errors of the ground floor itself.

PhrasepixError
├── NotWrittenError    a file could not be written
├── WrongValueError    a value that is not allowed (also a ValueError); each package has its own kinds of it
│   └── OutsideRootError   a path that does not lie below the root
├── RetrieverError     stage 1: `retriever.errors`
├── RerankerError      stage 2: `reranker.errors`
└── …                  the joined tool: `phrasepix.errors`, which exports all of them
"""

from collections.abc import Iterable
from typing import Self

from phrasepix_core.messages import Words, nearest_in_words, worded


class PhrasepixError(Exception):
    """The root of all errors: `except PhrasepixError` catches whatever phrasepix raises on purpose.

    It takes the parts of its message, texts and `Hint`s, which are joined. As a string it words hints as Python does.
    """

    def __str__(self) -> str:
        return worded(self.args)

    def worded(self, words: Words) -> str:
        """Return the message with its hints in the words of another face."""
        return worded(self.args, words)


class NotWrittenError(PhrasepixError):
    """A file could not be written."""


class WrongValueError(PhrasepixError, ValueError):
    """A value that is not allowed: another value mends it, not another time."""

    @classmethod
    def not_among(cls, what: str, value: object, allowed: Iterable[str]) -> Self:
        """Return an error for an enumeration, naming the allowed values."""
        allowed = list(allowed)
        return cls(f"{what} {value!r} is not known{nearest_in_words(value, allowed)}; allowed: {', '.join(allowed)}")


class OutsideRootError(WrongValueError):
    """A path that a program names, and that does not lie below the root given at start."""
