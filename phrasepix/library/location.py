"""Where a library is: by its name in the data directory, or at a URI."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from phrasepix.errors import NoLibraryError
from phrasepix_core.s3_access import S3, S3Access
from phrasepix_core.urls import shown_url
from retriever import directories

USUAL_NAME = "mine"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_URI = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_RETRIES, _RETRIED_FOR_S = 4, 30
"""How often, and for how many seconds, Lance asks a store again that is busy or cannot be reached."""
_TABLE, _DESCRIPTION, _LOCK = "pictures.lance", "library.json", "library.lock"


def is_library_name(name: str) -> bool:
    """Whether a library of this machine can be called so."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Location:
    """The place of a library: `name` as people give it, `base` its directory or URI, and how a store is reached."""

    name: str
    base: str
    access: S3Access | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the place of the library `name`, or of the one at a URI. Raises `NoLibraryError` for no such name."""
        if _URI.match(name):
            is_s3 = name.startswith(S3)
            return cls(shown_url(name), name.rstrip("/"), S3Access.from_environment() if is_s3 else None)
        if not is_library_name(name):
            raise NoLibraryError(
                f"{name!r} is no name of a library; it takes letters, digits, “.”, “-” and “_”, or it is a URI such as "
                "s3://bucket/pictures"
            )
        return cls(name, str(libraries_directory() / name))

    @property
    def is_uri(self) -> bool:
        """Whether it is at a URI, where no file can be locked."""
        return _URI.match(self.base) is not None

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What Lance is told of the store; None where it finds that out itself."""
        return None if self.access is None else _told_to_lance(self.access)

    @property
    def table(self) -> str:
        """Path or URI of the table."""
        return f"{self.base}/{_TABLE}"

    @property
    def description(self) -> str:
        """Path or URI of the description beside the table."""
        return f"{self.base}/{_DESCRIPTION}"

    @property
    def lock(self) -> Path | None:
        """The file that whoever writes holds; None at a URI."""
        return None if self.is_uri else Path(self.base, _LOCK)


def _told_to_lance(access: S3Access) -> dict[str, str]:
    given = {
        "aws_access_key_id": access.key_id,
        "aws_secret_access_key": access.secret,
        "aws_session_token": access.token,
        "aws_endpoint": access.endpoint,
        "aws_region": access.region or ("us-east-1" if access.endpoint else ""),
        "allow_http": "true" if access.endpoint.startswith("http://") else "",
        "client_max_retries": str(_RETRIES),
        "client_retry_timeout": str(_RETRIED_FOR_S),
        "connect_timeout": "10s",
        "timeout": "60s",
    }
    return {name: value for name, value in given.items() if value}


def libraries_directory() -> Path:
    """The directory of the libraries that have a name."""
    return directories.data_directory() / "libraries"


def library_names() -> tuple[str, ...]:
    """The names of the libraries in the data directory."""
    try:
        found = sorted(libraries_directory().iterdir())
    except OSError:
        return ()
    return tuple(one.name for one in found if (one / _DESCRIPTION).is_file())
