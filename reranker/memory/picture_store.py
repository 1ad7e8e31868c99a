"""Picture files on disk for a day, so that a repeated search need not fetch what it shows."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from phrasepix_core.sqlite_file import Schema, SqliteFile, drop_least_recently_used
from reranker.memory.embedding_store import Identity

LONGEST = timedelta(hours=24)
"""As long as answers: the terms of stock sites let results be shown for a while, not a collection be made."""

_SCHEMA: Schema = (
    (
        "CREATE TABLE pictures (source TEXT NOT NULL, picture TEXT NOT NULL, file BLOB NOT NULL, "
        "to_show INTEGER NOT NULL, size INTEGER NOT NULL, fetched_at REAL NOT NULL, last_used REAL NOT NULL, "
        "PRIMARY KEY (source, picture))",
        "CREATE INDEX pictures_by_use ON pictures (last_used, size)",
        "CREATE INDEX pictures_by_age ON pictures (fetched_at)",
    ),
)


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture's file. `to_show` says that it is the one for people, however large it turned out to be."""

    data: bytes
    to_show: bool


class PictureStore:
    """Files by source and picture, in one SQLite file: for `keep_for` since they were fetched, at most `largest_bytes`.

    The least recently used go first. Many threads and processes may use it at once, and what goes wrong with the file
    never raises (see `SqliteFile`). `clock` gives the seconds of the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_for: timedelta = LONGEST,
        largest_bytes: int = 256 << 20,
        busy_timeout_s: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = SqliteFile(path, holds="pictures", schema=_SCHEMA, busy_timeout_s=busy_timeout_s)
        self._keep_for_s = keep_for.total_seconds()
        self._largest_bytes = largest_bytes
        self._clock = clock

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def get(self, identity: Identity) -> KeptPicture | None:
        """The file that is kept; None where there is none, or only one that is too old."""
        query = (
            "SELECT file, to_show FROM pictures WHERE source = ? AND picture = ? AND fetched_at > ? AND fetched_at <= ?"
        )

        def kept(db: sqlite3.Connection) -> Any:
            now = self._clock()
            return db.execute(query, (*identity, now - self._keep_for_s, now)).fetchone()

        row = self._file.read(kept, None)
        if row is None or not isinstance(row[0], bytes):
            return None
        used = "UPDATE pictures SET last_used = ? WHERE source = ? AND picture = ?"
        self._file.write(lambda db: db.execute(used, (self._clock(), *identity)).rowcount, 0)
        return KeptPicture(row[0], bool(row[1]))

    def put_many(self, pictures: Mapping[Identity, KeptPicture]) -> None:
        """Keep files fetched just now, in one commit; those too old or beyond the limit go."""

        def keep(db: sqlite3.Connection) -> None:
            # Its time is read when it is this thread's turn: a file kept meanwhile would seem to be of a time to come.
            now = self._clock()
            rows = [(*identity, one.data, one.to_show, len(one.data), now, now) for identity, one in pictures.items()]
            self._keep(db, rows, now)

        if pictures:
            self._file.write(keep, None)

    def count(self) -> int:
        """How many are kept. Those too old go first."""

        def of_those_left(db: sqlite3.Connection) -> int:
            self._expire(db, self._clock())
            return int(db.execute("SELECT COUNT(*) FROM pictures").fetchone()[0])

        return self._file.write(of_those_left, 0)

    def size(self) -> int:
        """The bytes of the file."""
        return self._file.size()

    def clear(self, *, older_than_days: float = 0) -> int:
        """Remove those fetched so many days ago or earlier; how many went. The file shrinks.

        Without an age all go; with one, also those fetched at a time to come: the clock was wrong.
        """
        now = self._clock()
        latest = now - older_than_days * 24 * 60 * 60 if older_than_days else None
        delete = "DELETE FROM pictures WHERE ? IS NULL OR fetched_at <= ? OR fetched_at > ?"
        if removed := self._file.write(lambda db: db.execute(delete, (latest, latest, now)).rowcount, 0):
            self._file.compact()
        return removed

    def shrink_to(self, most_bytes: int) -> int:
        """Remove the least recently used until the file has at most `most_bytes`; how many went."""
        return self._file.shrink_to(most_bytes, "pictures", now=self._clock())

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()

    def _keep(
        self, db: sqlite3.Connection, rows: list[tuple[str, str, bytes, bool, int, float, float]], now: float
    ) -> None:
        self._expire(db, now)
        db.executemany(
            "INSERT INTO pictures (source, picture, file, to_show, size, fetched_at, last_used) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, picture) DO UPDATE SET "
            "file = excluded.file, to_show = excluded.to_show, size = excluded.size, "
            "fetched_at = excluded.fetched_at, last_used = excluded.last_used "
            "WHERE excluded.to_show >= pictures.to_show",  # the one for people is the better of the two
            rows,
        )
        excess = int(db.execute("SELECT SUM(size) FROM pictures").fetchone()[0]) - self._largest_bytes
        if excess > 0:
            drop_least_recently_used(db, "pictures", excess, now)

    def _expire(self, db: sqlite3.Connection, now: float) -> None:
        # What was fetched at a time to come has the stamp of a clock that was wrong.
        db.execute("DELETE FROM pictures WHERE fetched_at <= ? OR fetched_at > ?", (now - self._keep_for_s, now))
