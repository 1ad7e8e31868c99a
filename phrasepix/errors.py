"""Every error phrasepix raises on purpose, in one place: `except PhrasepixError` catches them all.

PhrasepixError
├── UnknownSourceError   no source of that name (also a ValueError)
├── NotKeptError         what shall be cleared is not there (also a ValueError)
├── WrongPickError       what shall be saved is not among the results, or too much (also a ValueError)
├── NotWrittenError      a file could not be written
├── RetrieverError       stage 1; its tree is drawn in `retriever.errors`
└── RerankerError        stage 2; its tree is drawn in `reranker.errors`
"""

from phrasepix_core.errors import NotWrittenError, PhrasepixError
from reranker.errors import (
    EncoderFaultError,
    ForbiddenAddressError,
    ForkedProcessError,
    ModelError,
    NotExportableError,
    PictureError,
    PictureUnreachableError,
    PictureUnreadableError,
    RerankerError,
    TransientPictureError,
    UnknownModelError,
    WeightsUnavailableError,
    WrongQueryError,
)
from retriever.errors import (
    AnswerNotKeptError,
    ConfigFileError,
    KeyMissingError,
    KeyRefusedError,
    KeyUnusableError,
    RateLimitError,
    RetrieverError,
    SourceAnswerError,
    SourceFaultError,
    SourceUnreachableError,
    WrongParameterError,
)

__all__ = [
    "AnswerNotKeptError",
    "ConfigFileError",
    "EncoderFaultError",
    "ForbiddenAddressError",
    "ForkedProcessError",
    "KeyMissingError",
    "KeyRefusedError",
    "KeyUnusableError",
    "ModelError",
    "NotExportableError",
    "NotKeptError",
    "NotWrittenError",
    "PhrasepixError",
    "PictureError",
    "PictureUnreachableError",
    "PictureUnreadableError",
    "RateLimitError",
    "RerankerError",
    "RetrieverError",
    "SourceAnswerError",
    "SourceFaultError",
    "SourceUnreachableError",
    "TransientPictureError",
    "UnknownModelError",
    "UnknownSourceError",
    "WeightsUnavailableError",
    "WrongParameterError",
    "WrongPickError",
    "WrongQueryError",
]


class UnknownSourceError(PhrasepixError, ValueError):
    """There is no source of that name."""


class NotKeptError(PhrasepixError, ValueError):
    """Nothing of that name is kept."""


class WrongPickError(PhrasepixError, ValueError):
    """What shall be saved is not among the results, or is more than is saved at a time."""


WRONG_USAGE = (
    UnknownSourceError,
    NotKeptError,
    WrongPickError,
    WrongParameterError,
    KeyMissingError,
    KeyUnusableError,
    ConfigFileError,
    WrongQueryError,
    UnknownModelError,
)
"""Those that another call mends, rather than another time."""
