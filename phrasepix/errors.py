"""The errors of the joined tool, and all there are together.

    PhrasepixError
    ├── UnknownSourceError   no source of that name (also a ValueError)
    ├── NotKeptError         what shall be cleared is not there (also a ValueError)
    ├── WrongPickError       what shall be saved is not among the results, or too much (also a ValueError)
    └── NotWrittenError      a file could not be written

Stage 1's errors stand in `retriever.errors`, stage 2's in `reranker.errors`.
"""

from reranker.errors import RerankerError, UnknownModelError, WrongQueryError
from retriever.errors import ConfigFileError, KeyMissingError, RetrieverError, WrongParameterError


class PhrasepixError(Exception):
    """The root of the joined tool's own errors."""


class UnknownSourceError(PhrasepixError, ValueError):
    """There is no source of that name."""


class NotKeptError(PhrasepixError, ValueError):
    """Nothing of that name is kept."""


class WrongPickError(PhrasepixError, ValueError):
    """What shall be saved is not among the results, or is more than is saved at a time."""


class NotWrittenError(PhrasepixError):
    """A file could not be written."""


EVERY_ERROR = (PhrasepixError, RetrieverError, RerankerError)
"""For `except EVERY_ERROR`: whatever a search can raise on purpose."""

WRONG_USAGE = (
    UnknownSourceError,
    NotKeptError,
    WrongPickError,
    WrongParameterError,
    KeyMissingError,
    ConfigFileError,
    WrongQueryError,
    UnknownModelError,
)
"""Those that another call mends, rather than another time."""
