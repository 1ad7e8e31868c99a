"""Index of the files in folders: what each contains, so that a second search need not read them again."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from phrasepix_core.sqlite_file import Schema, SqliteFile
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts, place_of
from retriever.folder.walk import FileEntry

NOTES_FILE = "folder-notes.sqlite"

_SCHEMA: Schema = (
    (),
    (
        "DROP TABLE IF EXISTS files",
        "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, "
        "inode BLOB NOT NULL, digest TEXT NOT NULL, facts TEXT, problem TEXT NOT NULL, head TEXT NOT NULL, "
        "seen_on INTEGER NOT NULL)",
    ),
    ("DELETE FROM files",),  # more is read of XMP since
    ("DELETE FROM files",),  # camera and rating too
    (  # and sidecars, and places
        "DROP TABLE files",
        "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, "
        "inode BLOB NOT NULL, beside TEXT NOT NULL, digest TEXT NOT NULL, facts TEXT, latitude REAL, longitude REAL, "
        "problem TEXT NOT NULL, head TEXT NOT NULL, damaged BLOB NOT NULL, seen_on INTEGER NOT NULL)",
    ),
)
"""To be begun anew in a further version whenever more is read of the same file: what was noted would hide it."""
_SETTLED_NS = 2_000_000_000
"""A file that was written this short ago may change once more and its time stay the same: clocks are coarse."""
_DAY_S = 24 * 60 * 60
_KEPT_DAYS = 180
"""Notes of files that no search came across for so long go: the files are gone, or their disk."""
_BETWEEN_NAMES = b"/"
_COMMIT_AFTER = 256
"""How many files are seen for the first time on a day before that is written."""


class FileIndex:
    """Digest and facts by path, size, time of change and inode, in an SQLite file.

    Many threads and processes may use it at once, and what goes wrong with the file never raises (see `SqliteFile`):
    files are read instead. `clock` gives the seconds of the epoch.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, holds="notes of what is in folders", schema=_SCHEMA, tidy=self._tidy)
        self._clock = clock
        self._seen: list[tuple[int, bytes]] = []

    def get(self, place: FileEntry) -> Contents | None:
        """Return what was noted of the file, unless it changed since."""
        query = (
            "SELECT digest, facts, latitude, longitude, problem, head, damaged, seen_on FROM files "
            "WHERE path = ? AND size = ? AND modified_ns = ? AND inode = ? AND beside = ?"
        )
        row = self._file.read(lambda db: db.execute(query, _key(place)).fetchone(), None)
        if row is None:
            return None
        digest, facts, latitude, longitude, problem, head, damaged, seen_on = row
        if seen_on != (today := self._today()):
            self._seen.append((today, os.fsencode(place.path)))
            if len(self._seen) >= _COMMIT_AFTER:
                self._write_seen()
        try:
            said = None if facts is None else Facts.from_json(facts).but(place=place_of(latitude, longitude))
            names = tuple(os.fsdecode(name) for name in damaged.split(_BETWEEN_NAMES) if name)
            return Contents(digest, said, problem, head, names)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None  # damaged in a way that SQLite does not see

    def put_many(self, contents: Iterable[tuple[FileEntry, Contents]]) -> None:
        """Note what was read just now, in one commit."""
        settled_ns = int(self._clock() * 1e9) - _SETTLED_NS
        today = self._today()
        rows = [
            (*_key(place), one.digest, *_said(one.facts), one.problem, one.head, _joined(one.damaged), today)
            for place, one in contents
            if max(place.modified_ns, *(sidecar.modified_ns for sidecar in place.sidecars), 0) < settled_ns
        ]
        if rows:
            keep = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            self._file.write(lambda db: db.executemany(keep, rows).rowcount, 0)

    def count(self) -> int:
        """Return how many files are noted."""
        return self._file.read(lambda db: int(db.execute("SELECT COUNT(*) FROM files").fetchone()[0]), 0)

    def size(self) -> int:
        """Return the bytes of the file."""
        return self._file.size()

    def clear(self, *, unseen_for_days: float = 0) -> int:
        """Remove the notes of files no search came across for so many days; return how many. The file shrinks.

        Without an age all go; with one, also those seen at a time to come: the clock was wrong.
        """
        today = self._today()
        latest = today - unseen_for_days if unseen_for_days else None
        delete = "DELETE FROM files WHERE ? IS NULL OR seen_on <= ? OR seen_on > ?"
        removed = self._file.write(lambda db: db.execute(delete, (latest, latest, today)).rowcount, 0)
        if removed:
            self._file.compact()
        return removed

    def close(self) -> None:
        """Close the file; from now on nothing is noted."""
        self._write_seen()
        self._file.close(for_good=True)

    def _write_seen(self) -> None:
        seen, self._seen = self._seen, []
        if seen:
            update = "UPDATE files SET seen_on = ? WHERE path = ?"
            self._file.write(lambda db: db.executemany(update, seen).rowcount, 0)

    def _tidy(self, db: sqlite3.Connection) -> None:
        today = self._today()
        db.execute("DELETE FROM files WHERE seen_on < ?", (today - _KEPT_DAYS,))
        # What was seen at a time to come, by a clock that was wrong, would stay for good.
        db.execute("UPDATE files SET seen_on = ? WHERE seen_on > ?", (today, today))

    def _today(self) -> int:
        return int(self._clock() // _DAY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _key(place: FileEntry) -> tuple[bytes, int, int, bytes, str]:
    inode = place.inode.to_bytes(16, "big")  # Windows has some that SQLite's integers do not hold
    return os.fsencode(place.path), place.size, place.modified_ns, inode, place.beside


def _said(facts: Facts | None) -> tuple[str | None, float | None, float | None]:
    """Facts as they are noted, and the place apart."""
    return (None, None, None) if facts is None else (facts.to_json(), *(facts.place or (None, None)))


def _joined(names: tuple[str, ...]) -> bytes:
    return _BETWEEN_NAMES.join(map(os.fsencode, names))
