"""Prefixes of a store of the S3 kind, below which pictures are that stay there: `s3://bucket/pictures`."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self

from phrasepix.errors import LibraryError, WrongParameterError
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.store_faults import is_refused, store_fault
from phrasepix_core.s3_access import S3, S3Access
from phrasepix_core.urls import shown_url
from reranker.pictures.objects import object_url, store_of
from retriever.folder.walk import PICTURES

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""Amazon S3 User Guide, “General purpose bucket naming rules”."""
_SETTLED_NS: Final = 60_000_000_000
"""A store says in whole seconds when an object was written; one that is younger than this may be written again in the
same second, and is looked at the next time too."""


@dataclass(frozen=True, slots=True)
class ObjectPrefix:
    """The objects below `path`, which is `bucket` or `bucket/folder`; where a library has a folder's path, it has one.

    With `deep` False those in it alone, and none further below.
    """

    path: str
    access: S3Access = field(default_factory=S3Access.from_environment, repr=False, compare=False)
    deep: bool = True

    @classmethod
    def of(cls, url: str) -> Self:
        """Return the prefix of a URL, such as s3://bucket/pictures. Raises `WrongParameterError` for another."""
        path = url[len(S3) :].rstrip("/")
        if not url.startswith(S3) or not _BUCKET.fullmatch(path.partition("/")[0]):
            raise WrongParameterError(f"{shown_url(url)} is none of s3://BUCKET and s3://BUCKET/FOLDER")
        return cls(path)

    def __str__(self) -> str:
        return S3 + self.path

    @property
    def name(self) -> str:
        """How it is called, as a folder is."""
        return PurePosixPath(self.path).name

    def as_uri(self) -> str:
        """Its key: the beginning of those of its pictures."""
        return object_url(self.path)

    def demand_any(self) -> None:
        """Raise `LibraryError` if nothing is below it, it is a picture itself, or its store does not answer or refuses.

        One request tells, but of a whole bucket, and where the store lets nobody ask but for a list.
        """
        from pyarrow import fs

        found = fs.FileType.Unknown
        try:
            found = self._store().get_file_info(self.path).type
        except OSError as error:
            if not is_refused(error):
                raise self._unlisted(error) from None
        if found == fs.FileType.File:
            raise LibraryError(f"{shown_url(str(self))} is an object, with no pictures below it; name its folder")
        is_to_be_listed = found == fs.FileType.Unknown or "/" not in self.path
        if found == fs.FileType.NotFound or (is_to_be_listed and not self._listed(deep=False)):
            raise self._empty()

    def pictures(self) -> dict[str, WebEntry]:
        """Return its pictures by their URLs, in the order of their names; none is opened.

        Raises `LibraryError` if they cannot be listed: then none is known to be gone.
        """
        now_ns = time.time_ns()
        found: dict[str, WebEntry] = {}
        for one in self._listed():
            if one.is_file and PurePosixPath(one.path).suffix.lower() in PICTURES:
                modified_ns = one.mtime_ns or 0
                is_settled = modified_ns < now_ns - _SETTLED_NS
                url = object_url(one.path)
                found[url] = WebEntry(url, "", one.size or 0, modified_ns if is_settled else 0)
        return found

    def parts(self) -> list[Self]:
        """Return prefixes that may be listed at once and have all its pictures. Raises as `pictures`."""
        folders = [one.path for one in self._listed(deep=False) if not one.is_file]
        make = type(self)
        return [make(self.path, self.access, deep=False), *(make(path, self.access) for path in folders)]

    def _listed(self, *, deep: bool | None = None) -> list[Any]:
        from pyarrow import fs

        recursive = self.deep if deep is None else deep
        try:
            found: list[Any] = self._store().get_file_info(fs.FileSelector(self.path, recursive=recursive))
        except FileNotFoundError:
            raise self._empty() from None
        except OSError as error:
            raise self._unlisted(error) from None
        return sorted(found, key=lambda one: str(one.path))

    def _store(self) -> Any:
        return store_of(self.access, self.path.partition("/")[0])

    def _empty(self) -> LibraryError:
        return LibraryError(f"there is nothing below {shown_url(str(self))} now")

    def _unlisted(self, error: OSError) -> LibraryError:
        return LibraryError(f"{shown_url(str(self))} cannot be listed: {store_fault(error, self.access)}")


Place = Path | ObjectPrefix
"""Where pictures of a library are: a folder, a list or an archive of this machine, or a prefix of a store."""


def place_of(described: str) -> Place:
    """Return the place that a library's description names."""
    return ObjectPrefix.of(described) if described.startswith(S3) else Path(described)


def is_below(place: Place, other: Place) -> bool:
    """Return whether a place is the `other`, or below it."""
    if isinstance(place, ObjectPrefix) and isinstance(other, ObjectPrefix):
        return f"{place.path}/".startswith(f"{other.path}/")
    return isinstance(place, Path) and isinstance(other, Path) and place.is_relative_to(other)
