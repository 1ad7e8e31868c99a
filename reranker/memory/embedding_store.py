"""Embeddings on disk, so that a picture is encoded once in its life."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phrasepix_core.sqlite_file import Schema, SqliteFile
from reranker.encoder import Embeddings

logger = logging.getLogger(__name__)

Identity = tuple[str, str]
"""A picture's source and id, `Candidate.identity`."""

NO_FEATURES: Mapping[Identity, bytes] = {}

_DAY_S = 24 * 60 * 60
_UNIT_WITHIN = 1e-3

_SCHEMA: Schema = (
    (
        "CREATE TABLE embeddings (source TEXT NOT NULL, picture TEXT NOT NULL, encoder TEXT NOT NULL, "
        "vector BLOB NOT NULL, size INTEGER NOT NULL, last_used INTEGER NOT NULL, "
        "PRIMARY KEY (encoder, source, picture))",
        "CREATE INDEX embeddings_by_use ON embeddings (encoder, last_used, size)",
    ),
    ("ALTER TABLE embeddings ADD COLUMN features BLOB",),  # behind the vector: whoever reads that does not read them
)


@dataclass(frozen=True, slots=True)
class KeptEmbeddings:
    """How many embeddings of one encoder are kept, and the bytes of their vectors and of what is beside these."""

    encoder_name: str
    count: int
    size: int


class EmbeddingStore:
    """Embeddings by source, picture and the encoder's name, in one SQLite file; beside each may stand its features.

    Many threads and processes may use it at once. Each `put_many` is one commit. What goes wrong with the file never
    raises (see `SqliteFile`): then nothing is found, or nothing kept. `holds` is what people call its content; `clock`
    gives the seconds of the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        holds: str = "embeddings",
        busy_timeout_s: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = SqliteFile(path, holds=holds, schema=_SCHEMA, busy_timeout_s=busy_timeout_s)
        self._clock = clock

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def get_many(
        self, encoder_name: str, dimensions: int, identities: Iterable[Identity]
    ) -> dict[Identity, Embeddings]:
        """Those that are kept: float32 [dimensions] each, L2 norm 1.

        A vector that is of another size, not finite or not of unit length is discarded. What is found counts as used
        today.
        """
        wanted = list(identities)
        if not wanted:
            return {}
        today = self._today()
        found: dict[Identity, Embeddings] = {}
        unusable: list[Identity] = []
        unused_today: list[Identity] = []
        nothing: list[tuple[Identity, object, object]] = []
        for identity, vector, last_used in self._file.read(lambda db: _rows(db, encoder_name, wanted), nothing):
            embedding = _embedding(vector, dimensions)
            if embedding is None:
                unusable.append(identity)
                continue
            found[identity] = embedding
            if last_used != today:
                unused_today.append(identity)
        if unusable:
            logger.warning(
                "%d remembered embeddings are unusable and were discarded, such as %s:%s", len(unusable), *unusable[0]
            )
        if unusable or unused_today:
            self._file.write(lambda db: _note(db, encoder_name, unusable, unused_today, today), None)
        return found

    def features(self, encoder_name: str, identities: Iterable[Identity]) -> dict[Identity, bytes]:
        """The features that are kept beside the embeddings of an encoder that `VerifiesPairs`."""
        wanted = list(identities)
        query = "SELECT features FROM embeddings WHERE encoder = ? AND source = ? AND picture = ?"
        nothing: list[tuple[Identity, object]] = []

        def rows(db: sqlite3.Connection) -> list[tuple[Identity, object]]:
            found = ((one, db.execute(query, (encoder_name, *one)).fetchone()) for one in wanted)
            return [(identity, row[0]) for identity, row in found if row]

        found = self._file.read(rows, nothing) if wanted else nothing
        return {identity: kept for identity, kept in found if isinstance(kept, bytes)}

    def put_many(
        self,
        encoder_name: str,
        embeddings: Mapping[Identity, Embeddings],
        features: Mapping[Identity, bytes] = NO_FEATURES,
    ) -> None:
        """Keep them, in place of what was kept before, in one commit, with the `features` of those that have some.

        One that `get_many` would discard is not kept.
        """
        today = self._today()
        rows = [
            (*identity, encoder_name, vector, len(vector) + len(beside or b""), today, beside)
            for identity, embedding in embeddings.items()
            for beside in (features.get(identity),)
            if _embedding(vector := embedding.astype("<f4").tobytes(), embedding.size) is not None
        ]
        if rows:
            self._file.write(lambda db: _keep(db, rows), None)

    def some(self, encoder_name: str, dimensions: int, most: int) -> dict[Identity, Embeddings]:
        """Return up to `most` of one encoder's, by identity, as `get_many`; they do not count as used."""
        query = "SELECT source, picture, vector FROM embeddings WHERE encoder = ? ORDER BY source, picture LIMIT ?"
        nothing: list[tuple[str, str, object]] = []
        rows = self._file.read(lambda db: db.execute(query, (encoder_name, most)).fetchall(), nothing)
        found = {(source, picture): _embedding(vector, dimensions) for source, picture, vector in rows}
        return {identity: embedding for identity, embedding in found.items() if embedding is not None}

    def kept(self) -> list[KeptEmbeddings]:
        """What is kept, by encoder."""
        query = "SELECT encoder, COUNT(*), SUM(size) FROM embeddings GROUP BY encoder ORDER BY encoder"
        nothing: list[tuple[str, int, int]] = []
        return [KeptEmbeddings(*row) for row in self._file.read(lambda db: db.execute(query).fetchall(), nothing)]

    def size(self) -> int:
        """The bytes of the file."""
        return self._file.size()

    def clear(self, encoder_name: str | None = None, *, unused_for_days: float = 0) -> int:
        """Remove those of one encoder, or of all, unused for so many days; how many went. The file shrinks.

        Without an age all go; with one, also those used at a time to come: the clock was wrong.
        """
        today = self._today()
        latest = today - unused_for_days if unused_for_days else None

        def delete(db: sqlite3.Connection) -> int:
            return db.execute(
                "DELETE FROM embeddings WHERE (? IS NULL OR last_used <= ? OR last_used > ?) "
                "AND (? IS NULL OR encoder = ?)",
                (latest, latest, today, encoder_name, encoder_name),
            ).rowcount

        if removed := self._file.write(delete, 0):
            self._file.compact()
        return removed

    def shrink_to(self, most_bytes: int) -> int:
        """Remove the least recently used until the file has at most `most_bytes`; how many went."""
        return self._file.shrink_to(most_bytes, "embeddings", now=self._today())

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()

    def _today(self) -> int:
        return int(self._clock() // _DAY_S)


def _embedding(vector: object, dimensions: int) -> Embeddings | None:
    """The vector of a row; None where it is none of that size, finite and of unit length."""
    if not isinstance(vector, bytes) or len(vector) != 4 * dimensions:
        return None
    embedding = np.frombuffer(vector, dtype="<f4").astype(np.float32)
    with np.errstate(all="ignore"):  # a damaged vector may hold anything
        norm = float(np.linalg.norm(embedding.astype(np.float64)))
    return embedding if abs(norm - 1) <= _UNIT_WITHIN else None  # NaN is within nothing


def _rows(db: sqlite3.Connection, encoder_name: str, wanted: list[Identity]) -> list[tuple[Identity, object, object]]:
    query = "SELECT vector, last_used FROM embeddings WHERE encoder = ? AND source = ? AND picture = ?"
    return [(identity, *row) for identity in wanted if (row := db.execute(query, (encoder_name, *identity)).fetchone())]


def _note(
    db: sqlite3.Connection, encoder_name: str, unusable: list[Identity], used: list[Identity], today: int
) -> None:
    where = "WHERE encoder = ? AND source = ? AND picture = ?"
    db.executemany(f"DELETE FROM embeddings {where}", [(encoder_name, *one) for one in unusable])  # noqa: S608
    db.executemany(
        f"UPDATE embeddings SET last_used = ? {where}",  # noqa: S608
        [(today, encoder_name, *one) for one in used],
    )


def _keep(db: sqlite3.Connection, rows: list[tuple[str, str, str, bytes, int, int, bytes | None]]) -> None:
    # Features stay where only the embedding is kept anew.
    db.executemany(
        "INSERT INTO embeddings (source, picture, encoder, vector, size, last_used, features) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (encoder, source, picture) DO UPDATE SET "
        "vector = excluded.vector, last_used = excluded.last_used, features = COALESCE(excluded.features, features), "
        "size = LENGTH(excluded.vector) + COALESCE(LENGTH(COALESCE(excluded.features, features)), 0)",
        rows,
    )
