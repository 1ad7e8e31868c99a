"""Answers kept on disk for a while; looked up without what it takes to ask anybody."""

import json
import logging
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")

_TABLE = "CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, value BLOB, expires INTEGER)"
_READ = "SELECT value FROM responses WHERE key = ? AND expires > ? AND expires <= ?"
_WRITE = "INSERT OR REPLACE INTO responses VALUES (?, ?, ?)"
_DELETE_EXPIRED = "DELETE FROM responses WHERE expires <= ?"
_BUSY_TIMEOUT_S = 10.0


class AnswerStore:
    """JSON objects in `file` (SQLite; several threads and processes may share it), each kept for `keep_for`.

    A damaged file is set aside; where none can be written, or `file` is None, or `keep_for` is zero, nothing is kept.
    The log says so.
    """

    def __init__(self, file: Path | None, keep_for: timedelta) -> None:
        self._keep_for_s = keep_for.total_seconds()
        self._lock = Lock()
        self._db = _opened(file) if file is not None and keep_for else None

    def get(self, question: str) -> dict[str, Any] | None:
        """The answer kept to `question`; None where none is, or none that can be read."""
        now = time.time()
        # One that expires later than if it had been kept just now was kept by a clock that was wrong.
        row = self._use(lambda db: db.execute(_READ, (question, now, now + self._keep_for_s)).fetchone())
        return json_object(row[0]) if row else None

    def put(self, question: str, answer: dict[str, Any]) -> None:
        """Keep `answer`, in place of an older one."""
        try:
            # JSON, not pickles: a file from elsewhere cannot run anything, and what is kept can be looked at.
            text = json.dumps(answer)
        except RecursionError:
            return
        self._use(lambda db: db.execute(_WRITE, (question, text, time.time() + self._keep_for_s)))

    def close(self) -> None:
        """Close the file; from now on nothing is kept."""
        with self._lock:
            db, self._db = self._db, None
            if db is not None:
                with suppress(sqlite3.Error):
                    db.close()

    def _use(self, work: Callable[[sqlite3.Connection], Outcome]) -> Outcome | None:
        try:
            with self._lock:
                return None if self._db is None else work(self._db)
        except sqlite3.Error as error:
            logger.warning("answers cannot be kept on this machine (%s); going on without", error)
        self.close()
        return None


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object a text holds; None where it holds anything else."""
    try:
        answer = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _opened(file: Path) -> sqlite3.Connection | None:
    try:
        _try_writing(file)
        try:
            return _connected(file)
        except sqlite3.OperationalError:
            raise  # locked or out of reach, not damaged
        except sqlite3.DatabaseError as error:
            _set_aside(file, error)
        return _connected(file)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        logger.warning("answers cannot be kept in %s (%s); going on without", file, reason)
        return None


def _connected(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute(_TABLE)  # finds out whether the file is sound
        db.execute(_DELETE_EXPIRED, (time.time(),))
    except sqlite3.Error:
        db.close()
        raise
    return db


def _try_writing(file: Path) -> None:
    """Raise `OSError` where `file` cannot be written: it says why, as SQLite does not."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=file.parent), file.open("ab"):
        pass


def _set_aside(file: Path, error: sqlite3.Error) -> None:
    aside = file.with_suffix(".damaged")
    logger.warning("the kept answers in %s are damaged (%s); set aside as %s", file, error, aside.name)
    file.replace(aside)
    for journal in ("-wal", "-shm", "-journal"):  # they belong to the damaged file and would be played into the new one
        file.with_name(file.name + journal).unlink(missing_ok=True)
