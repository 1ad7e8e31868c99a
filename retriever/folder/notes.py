"""Notes of what is in the files of folders, so that a second search need not read them again."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.folder.walk import Place

logger = logging.getLogger(__name__)

NOTES_FILE = "folder-notes.sqlite"

_VERSION = 3
"""To be raised whenever more is read of the same file than before: what was noted would hide it."""
_SETTLED_NS = 2_000_000_000
"""A file that was written this short ago may change once more and its time stay the same: clocks are coarse."""
_DAY_S = 24 * 60 * 60
_KEPT_DAYS = 180
"""Notes of files that no search came across for so long go: the files are gone, or their disk."""

_CREATE = (
    "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, "
    "inode BLOB NOT NULL, digest TEXT NOT NULL, facts TEXT, problem TEXT NOT NULL, head TEXT NOT NULL, "
    "seen_on INTEGER NOT NULL)"
)

Outcome = TypeVar("Outcome")


class Notes:
    """Digest and facts by path, size, time of change and inode, in an SQLite file.

    Whatever is wrong with the file never raises: the log says it once, and files are read instead. One that is damaged
    or of another version is begun afresh. May be used from several threads and processes.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._is_given_up = False

    def get(self, place: Place) -> Contents | None:
        """What was noted of the file, unless it changed since."""
        query = (
            "SELECT digest, facts, problem, head, seen_on FROM files "
            "WHERE path = ? AND size = ? AND modified_ns = ? AND inode = ?"
        )
        row = self._use(lambda db: db.execute(query, _key(place)).fetchone(), None)
        if row is None:
            return None
        digest, facts, problem, head, seen_on = row
        if seen_on != (today := self._today()):
            seen = "UPDATE files SET seen_on = ? WHERE path = ?"
            self._use(lambda db: db.execute(seen, (today, os.fsencode(place.path))).rowcount, 0)
        try:
            return Contents(digest, None if facts is None else Facts.from_json(facts), problem, head)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None  # damaged in a way that SQLite does not see

    def put_many(self, contents: Iterable[tuple[Place, Contents]]) -> None:
        """Note what was read just now, in one commit."""
        settled_ns = int(self._clock() * 1e9) - _SETTLED_NS
        today = self._today()
        rows = [
            (*_key(place), one.digest, None if one.facts is None else one.facts.to_json(), one.problem, one.head, today)
            for place, one in contents
            if place.modified_ns < settled_ns
        ]
        if rows:
            keep = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            self._use(lambda db: db.executemany(keep, rows).rowcount, 0)

    def count(self) -> int:
        """How many files are noted."""
        return self._use(lambda db: int(db.execute("SELECT COUNT(*) FROM files").fetchone()[0]), 0)

    def clear(self, *, unseen_for_days: float = 0) -> int:
        """Remove the notes of files no search came across for so many days; how many went. The file shrinks.

        Without an age all go; with one, also those seen at a time to come: the clock was wrong.
        """
        today = self._today()
        latest = today - unseen_for_days if unseen_for_days else None
        delete = "DELETE FROM files WHERE ? IS NULL OR seen_on <= ? OR seen_on > ?"
        removed = self._use(lambda db: db.execute(delete, (latest, latest, today)).rowcount, 0)
        if removed:
            self._use(lambda db: db.execute("VACUUM"), None)
        return removed

    def close(self) -> None:
        """Commit and close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._is_given_up = True
            if self._connection is not None:
                self._connection.close()

    def _use(self, work: Callable[[sqlite3.Connection], Outcome], otherwise: Outcome) -> Outcome:
        with self._lock:
            for is_afresh in (False, True):
                if self._is_given_up:
                    return otherwise
                try:
                    if self._connection is None:
                        self._connection = self._open()
                    with self._connection:
                        return work(self._connection)
                except (OSError, sqlite3.Error) as error:
                    is_damage = type(error) is sqlite3.DatabaseError  # its children say that it is locked, full, …
                    if is_damage and not is_afresh and self._removed():
                        continue
                    self._is_given_up = True
                    logger.warning("what is in folders cannot be noted in %s (%s); reading it again", self._path, error)
                    return otherwise
        return otherwise

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                    connection.execute("DROP TABLE IF EXISTS files")
                    connection.execute(_CREATE)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
                connection.execute("DELETE FROM files WHERE seen_on < ?", (self._today() - _KEPT_DAYS,))
                # What was seen at a time to come, by a clock that was wrong, would stay for good.
                connection.execute("UPDATE files SET seen_on = ? WHERE seen_on > ?", (self._today(), self._today()))
        except BaseException:
            connection.close()
            raise
        return connection

    def _removed(self) -> bool:
        """Remove the damaged file: all that is in it can be read again."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError:
            return False
        logger.warning("the notes in %s are damaged and begun afresh", self._path)
        return True

    def _today(self) -> int:
        return int(self._clock() // _DAY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _key(place: Place) -> tuple[bytes, int, int, bytes]:
    inode = place.inode.to_bytes(16, "big")  # Windows has some that SQLite's integers do not hold
    return os.fsencode(place.path), place.size, place.modified_ns, inode
