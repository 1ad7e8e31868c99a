"""Fingerprints on disk, so that a remembered picture need not be fetched to know it again."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from phrasepix_core.sqlite_file import Schema, SqliteFile
from reranker.dedup import Fingerprint
from reranker.memory.embedding_store import Identity

logger = logging.getLogger(__name__)

_DAY_S = 24 * 60 * 60

_SCHEMA: Schema = (
    (
        "CREATE TABLE fingerprints (source TEXT NOT NULL, picture TEXT NOT NULL, fingerprint BLOB NOT NULL, "
        "size INTEGER NOT NULL, last_used INTEGER NOT NULL, PRIMARY KEY (source, picture))",
        "CREATE INDEX fingerprints_by_use ON fingerprints (last_used, size)",
    ),
)


class FingerprintStore:
    """Fingerprints by source and picture, in one SQLite file: of no model, and so beside the embeddings.

    Many threads and processes may use it at once, and what goes wrong with the file never raises (see `SqliteFile`).
    `clock` gives the seconds of the epoch.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0, clock: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, holds="fingerprints", schema=_SCHEMA, busy_timeout_s=busy_timeout_s)
        self._clock = clock

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def get_many(self, identities: Iterable[Identity]) -> dict[Identity, Fingerprint]:
        """Those that are kept; one that is damaged is not found. What is found counts as used today."""
        wanted = list(identities)
        if not wanted:
            return {}
        today = self._today()
        found: dict[Identity, Fingerprint] = {}
        unused_today: list[Identity] = []
        nothing: list[tuple[Identity, object, object]] = []
        for identity, data, last_used in self._file.read(lambda db: _rows(db, wanted), nothing):
            if (fingerprint := Fingerprint.from_bytes(data)) is None:
                logger.warning("the remembered fingerprint of %s:%s is unusable", *identity)
                continue
            found[identity] = fingerprint
            if last_used != today:
                unused_today.append(identity)
        if unused_today:
            used = "UPDATE fingerprints SET last_used = ? WHERE source = ? AND picture = ?"
            rows = [(today, *identity) for identity in unused_today]
            self._file.write(lambda db: db.executemany(used, rows).rowcount, 0)
        return found

    def put_many(self, fingerprints: Mapping[Identity, Fingerprint]) -> None:
        """Keep them, in place of what was kept before, in one commit."""
        today = self._today()
        rows = [
            (*identity, data := fingerprint.to_bytes(), len(data), today)
            for identity, fingerprint in fingerprints.items()
        ]
        put = (
            "INSERT OR REPLACE INTO fingerprints (source, picture, fingerprint, size, last_used) VALUES (?, ?, ?, ?, ?)"
        )
        if rows:
            self._file.write(lambda db: db.executemany(put, rows).rowcount, 0)

    def count(self) -> int:
        """How many are kept."""
        query = "SELECT COUNT(*) FROM fingerprints"
        return self._file.read(lambda db: int(db.execute(query).fetchone()[0]), 0)

    def size(self) -> int:
        """The bytes of the file."""
        return self._file.size()

    def clear(self, *, unused_for_days: float = 0) -> int:
        """Remove those unused for so many days; how many went. The file shrinks.

        Without an age all go; with one, also those used at a time to come: the clock was wrong.
        """
        today = self._today()
        latest = today - unused_for_days if unused_for_days else None
        delete = "DELETE FROM fingerprints WHERE ? IS NULL OR last_used <= ? OR last_used > ?"
        if removed := self._file.write(lambda db: db.execute(delete, (latest, latest, today)).rowcount, 0):
            self._file.compact()
        return removed

    def shrink_to(self, most_bytes: int) -> int:
        """Remove the least recently used until the file has at most `most_bytes`; how many went."""
        return self._file.shrink_to(most_bytes, "fingerprints", now=self._today())

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()

    def _today(self) -> int:
        return int(self._clock() // _DAY_S)


def _rows(db: sqlite3.Connection, wanted: list[Identity]) -> list[tuple[Identity, object, object]]:
    query = "SELECT fingerprint, last_used FROM fingerprints WHERE source = ? AND picture = ?"
    return [(identity, *row) for identity in wanted if (row := db.execute(query, identity).fetchone())]
