"""Keeping a library in step with a tar archive of pictures, which stay in it."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from phrasepix.errors import LibraryError
from phrasepix.library.archive import contents_in, pictures_in
from phrasepix.library.folder_sync import FolderSync, SyncCounts
from phrasepix.library.object_prefix import Place
from phrasepix.library.schema import Row
from phrasepix_core.candidate import Candidate
from phrasepix_core.files import reason_of
from reranker.pictures.local_files import local_name
from retriever.folder.as_candidate import candidate_at


class ArchiveSync(FolderSync):
    """Brings a library in step with one archive: it is read again from where it changed on."""

    def run(self, folder: Place) -> SyncCounts:
        """Bring the library in step with the archive at the path `folder`. Raises `LibraryError`."""
        self._counts = counts = SyncCounts()
        self._folder = folder
        self._unusable: set[str] = set()
        known = self._library.states(folder, self._column)
        try:
            entries = pictures_in(self._path)
        except LibraryError as error:  # it may come back whole
            counts.kept_without_files = len(known)
            self._skip(folder, f"{error}; its {len(known)} pictures stay in the library" if known else str(error))
            return counts
        to_read = [
            entry
            for entry in entries
            if (state := known.get(entry.url)) is None
            or not state.is_encoded
            or (state.size, state.modified_ns, state.beside) != (entry.size, entry.modified_ns, entry.beside)
        ]
        counts.unchanged = len(entries) - len(to_read)
        self._total = len(to_read)
        if to_read:
            try:
                self._read(to_read)
            finally:
                self._commit()
        if gone := known.keys() - {entry.url for entry in entries} | (self._unusable & known.keys()):
            self._library.delete(gone)
        counts.deleted = len(gone)
        return counts

    def _all_rows(self, entries: Sequence[Any]) -> Iterator[Row]:
        try:
            for entry, contents in contents_in(list(entries)):
                if contents.facts is None:
                    self._refuse_entry(entry.url, entry.name, contents.problem)
                else:
                    yield Row(entry, self._folder, contents, contents.facts)
        except OSError as error:
            self._skip(self._folder, f"cannot be read: {reason_of(error)}")

    def _candidate(self, row: Row) -> Candidate:
        return candidate_at([row.key], row.contents, row.facts, "", called=PurePosixPath(local_name(row.key)).stem)

    def _refuse_row(self, row: Row, reason: str) -> None:
        self._refuse_entry(row.key, local_name(row.key), reason)

    def _refuse_entry(self, key: str, name: str, reason: str) -> None:
        self._unusable.add(key)
        self._skip(self._folder, f"{name}: {reason}")
