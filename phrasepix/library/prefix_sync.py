"""Keeping a library in step with a prefix of a store, whose pictures stay there."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from phrasepix.errors import LibraryError
from phrasepix.library.list_sync import FetchingSync
from phrasepix.library.object_prefix import ObjectPrefix
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.table import FileState
from reranker.errors import PictureError
from reranker.pictures.objects import etag_of, read_object
from retriever.folder.facts import Facts

_ASKED_AT_ONCE: Final = 16


class PrefixSync(FetchingSync):
    """Brings a library in step with one `ObjectPrefix`.

    An object is read when it is new, or its size or its ETag differs from what its row says. A listing has no ETags:
    the store is asked for that of an object which was written anew.
    """

    def _pictures(self, known: Mapping[str, FileState]) -> Mapping[str, tuple[WebEntry, Facts]]:
        found = self._prefix.pictures()
        if not found and known:
            raise LibraryError(f"{self._prefix} has no picture now, as if it were elsewhere")
        return {url: (entry, Facts()) for url, entry in found.items()}

    def _to_fetch(
        self, pictures: Mapping[str, tuple[WebEntry, Facts]], known: Mapping[str, FileState]
    ) -> list[tuple[WebEntry, Facts]]:
        entries = [entry for entry, _ in pictures.values()]
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as asking:
            are_same = asking.map(lambda entry: is_as_known(entry, known.get(entry.url), self._prefix), entries)
            return [pictures[entry.url] for entry, is_same in zip(entries, are_same, strict=True) if not is_same]

    def _fetch(self, entry: WebEntry) -> tuple[WebEntry, bytes]:
        return read_entry(entry, self._prefix)

    @property
    def _prefix(self) -> ObjectPrefix:
        assert isinstance(self._folder, ObjectPrefix)  # noqa: S101
        return self._folder


def is_as_known(entry: WebEntry, state: FileState | None, prefix: ObjectPrefix) -> bool:
    """Whether an object is encoded as it is; the store is asked if it was written anew."""
    if state is None or not state.is_encoded or state.size != entry.size:
        return False
    if entry.modified_ns and state.modified_ns == entry.modified_ns:
        return True
    try:
        return etag_of(entry.url, prefix.access) == state.beside
    except PictureError:  # said when it is read
        return False


def read_entry(entry: WebEntry, prefix: ObjectPrefix) -> tuple[WebEntry, bytes]:
    """The object of an entry, and the entry with its ETag and size. Raises `PictureError`."""
    read = read_object(entry.url, prefix.access)
    return replace(entry, beside=read.etag, size=len(read.data)), read.data
