"""What is kept of the sources' answers: counting and clearing."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

_COUNT = "SELECT COUNT(*) FROM responses WHERE expires IS NULL OR expires > ?"
_DELETE = "DELETE FROM responses WHERE expires <= ?"


def answer_files(cache_directory: Path) -> list[Path]:
    """The files in which answers are kept, one a source."""
    return sorted(cache_directory.glob("*-answers.sqlite"))


def count_answers(file: Path) -> int:
    """How many answers in `file` are still good. Raises `sqlite3.Error`."""
    return _in(file, lambda db: int(db.execute(_COUNT, (time.time(),)).fetchone()[0]))


def clear_answers(file: Path, *, older_than: timedelta, keep_for: timedelta = timedelta(hours=24)) -> int:
    """Remove the answers `older_than` that, and those too old anyway; how many went. The file shrinks.

    `keep_for` is how long answers are kept. Raises `sqlite3.Error`.
    """
    expiring_by = time.time() + max(keep_for - older_than, timedelta(0)).total_seconds()

    def delete(db: sqlite3.Connection) -> int:
        removed = db.execute(_DELETE, (expiring_by,)).rowcount
        if removed:
            with suppress(sqlite3.OperationalError):  # somebody else is using it: the space is used again
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return removed

    return _in(file, delete)


def _in(file: Path, work: Callable[[sqlite3.Connection], int]) -> int:
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as db:
        return work(db)
