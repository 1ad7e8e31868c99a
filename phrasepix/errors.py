"""Every error phrasepix raises on purpose, in one place: `except PhrasepixError` catches them all.

PhrasepixError
├── WrongValueError      a value that is not allowed (also a ValueError), of any kind of the three packages
│   ├── UnknownSourceError   no source of that name
│   ├── NotKeptError         what shall be cleared is not there
│   ├── NoSuchNameError      no such name was taught
│   ├── SearchGoneError      no search of that id is kept
│   ├── OutsideRootError     a path that does not lie below the root
│   └── WrongPickError       what shall be saved is not among the results, or too much
├── NotWrittenError      a file could not be written
├── RetrieverError       stage 1; its tree is drawn in `retriever.errors`
│   ├── LibraryError         a library cannot be read or written
│   └── NoLibraryError       no library of that name, or without vectors of that model (also a WrongValueError)
└── RerankerError        stage 2; its tree is drawn in `reranker.errors`
"""

from phrasepix_core.errors import NotWrittenError, OutsideRootError, PhrasepixError, WrongValueError
from reranker.errors import (
    EncoderFaultError,
    ForbiddenAddressError,
    ForkedProcessError,
    ModelError,
    NotExportableError,
    NoTextsError,
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
    "LibraryError",
    "ModelError",
    "NoLibraryError",
    "NoSuchNameError",
    "NoTextsError",
    "NotExportableError",
    "NotKeptError",
    "NotWrittenError",
    "OutsideRootError",
    "PhrasepixError",
    "PictureError",
    "PictureUnreachableError",
    "PictureUnreadableError",
    "RateLimitError",
    "RerankerError",
    "RetrieverError",
    "SearchGoneError",
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
    "WrongValueError",
]


class UnknownSourceError(WrongValueError):
    """There is no source of that name."""


class NoLibraryError(WrongParameterError):
    """There is no library of that name, or it lacks what is asked of it."""


class LibraryError(RetrieverError):
    """A library cannot be read or written."""


class NotKeptError(WrongValueError):
    """Nothing of that name is kept."""


class NoSuchNameError(WrongValueError):
    """No such name was taught."""


class SearchGoneError(WrongValueError):
    """No search of that id is kept, or no longer."""


class WrongPickError(WrongValueError):
    """What shall be saved is not among the results, or is more than is saved at a time."""


WRONG_USAGE = (WrongValueError, KeyMissingError, KeyUnusableError, ConfigFileError)
"""Those that another call mends, rather than another time."""
