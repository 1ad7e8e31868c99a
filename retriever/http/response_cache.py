"""On-disk cache of answers, read without importing an HTTP client."""

import json
import sqlite3
import time
from collections import OrderedDict
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Self

from phrasepix_core.sqlite_file import Schema, SqliteFile

_SUFFIX = "-answers.sqlite"

_SCHEMA: Schema = (
    (
        # Older versions made the table in a file without a version.
        "CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, value BLOB, expires INTEGER)",
        "CREATE INDEX responses_by_expiry ON responses (expires)",
    ),
)


_MOST_DECODED = 8


class ResponseCache:
    """JSON objects in `file` (see `SqliteFile`: many threads and processes may share it), each kept for `keep_for`.

    If `file` is None or `keep_for` is zero, nothing is kept. What was read last stays decoded: an object is not to be
    changed by whoever gets it.
    """

    def __init__(self, file: Path | None, keep_for: timedelta = timedelta(hours=24)) -> None:
        self._keep_for_s = keep_for.total_seconds()
        self._decoded: OrderedDict[str, tuple[str | bytes, dict[str, Any]]] = OrderedDict()
        self._decoding = Lock()
        self._file: SqliteFile | None = None
        if file is None or not keep_for:
            return
        self._file = SqliteFile(file, holds="answers", schema=_SCHEMA, tidy=_delete_expired)
        if file.exists():
            self._file.read(lambda db: None, None)  # opened, it is tidied

    def get(self, question: str) -> dict[str, Any] | None:
        """Return the answer kept to `question`; None if there is none, or none that can be read."""
        if self._file is None:
            return None
        # One that expires later than if it had been kept just now was kept by a clock that was wrong.
        query = "SELECT value FROM responses WHERE key = ? AND expires > ? AND expires <= ?"

        def kept(db: sqlite3.Connection) -> Any:
            now = time.time()
            return db.execute(query, (question, now, now + self._keep_for_s)).fetchone()

        row = self._file.read(kept, None)
        return self._object(question, row[0]) if row else None

    def _object(self, question: str, text: str | bytes) -> dict[str, Any] | None:
        with self._decoding:
            before = self._decoded.get(question)
        if before is not None and before[0] == text:
            return before[1]
        if (answer := json_object(text)) is not None:
            with self._decoding:
                self._decoded[question] = text, answer
                self._decoded.move_to_end(question)
                while len(self._decoded) > _MOST_DECODED:
                    self._decoded.popitem(last=False)
        return answer

    def put(self, question: str, answer: dict[str, Any]) -> None:
        """Keep `answer`, in place of an older one."""
        if self._file is None:
            return
        try:
            # JSON, not pickles: a file from elsewhere cannot run anything, and what is kept can be looked at.
            row = (question, json.dumps(answer), time.time() + self._keep_for_s)
        except RecursionError:
            return
        keep = "INSERT OR REPLACE INTO responses (key, value, expires) VALUES (?, ?, ?)"
        self._file.write(lambda db: db.execute(keep, row).rowcount, 0)

    def count(self) -> int:
        """Return how many answers are kept that are not past their time."""
        if self._file is None:
            return 0
        query = "SELECT COUNT(*) FROM responses WHERE expires > ?"
        return int(self._file.read(lambda db: db.execute(query, (time.time(),)).fetchone()[0], 0))

    def size(self) -> int:
        """Return the bytes of the file."""
        return 0 if self._file is None else self._file.size()

    def clear(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Remove the answers `older_than` that, and those past their time; return how many. The file shrinks.

        Without an age all go, whatever their stamps say. With one, those from a time to come go too: the clock was
        wrong.
        """
        if self._file is None:
            return 0
        now = time.time()
        expiring_by = now + max(self._keep_for_s - older_than.total_seconds(), 0) if older_than else None
        delete = "DELETE FROM responses WHERE ? IS NULL OR expires <= ? OR expires > ?"
        parameters = (expiring_by, expiring_by, now + self._keep_for_s)
        removed = self._file.write(lambda db: db.execute(delete, parameters).rowcount, 0)
        if removed:
            self._file.compact()
        return removed

    def close(self) -> None:
        """Close the file; from now on nothing is kept."""
        if self._file is not None:
            self._file.close(for_good=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def answer_file(cache_directory: Path, source: str) -> Path:
    """Return the file in which the answers of `source` are kept."""
    return cache_directory / f"{source}{_SUFFIX}"


def answer_files(cache_directory: Path) -> dict[str, Path]:
    """Return the files in which answers are kept, by source."""
    return {file.name.removesuffix(_SUFFIX): file for file in sorted(cache_directory.glob(f"*{_SUFFIX}"))}


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object a text holds; None if it holds anything else."""
    try:
        answer = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _delete_expired(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM responses WHERE expires <= ?", (time.time(),))
