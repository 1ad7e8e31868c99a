"""What is kept of the sources' answers: counting and clearing."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

_COUNT = "SELECT COUNT(*) FROM responses"
_DELETE = "DELETE FROM responses WHERE expires <= ? OR expires > ?"
_DELETE_ALL = "DELETE FROM responses"
_DELETE_EXPIRED = "DELETE FROM responses WHERE expires <= ?"


def answer_files(cache_directory: Path) -> list[Path]:
    """The files in which answers are kept, one a source."""
    return sorted(cache_directory.glob("*-answers.sqlite"))


def count_answers(file: Path) -> int:
    """How many answers are kept in `file`. Those past their time go first. Raises `sqlite3.Error`."""

    def of_those_left(db: sqlite3.Connection) -> int:
        with suppress(sqlite3.OperationalError):  # it cannot be written now: they count once more
            db.execute(_DELETE_EXPIRED, (time.time(),))
        return int(db.execute(_COUNT).fetchone()[0])

    return _in(file, of_those_left)


def clear_answers(file: Path, *, older_than: timedelta, keep_for: timedelta = timedelta(hours=24)) -> int:
    """Remove the answers `older_than` that, and those too old anyway; how many went. The file shrinks.

    Without an age all go, whatever their stamps say. With one, those from a time to come go too: the clock was wrong.
    `keep_for` is how long answers are kept. Raises `sqlite3.Error`.
    """
    now = time.time()
    expiring_by = now + max(keep_for - older_than, timedelta(0)).total_seconds()
    latest = now + keep_for.total_seconds()

    def delete(db: sqlite3.Connection) -> int:
        removed = (db.execute(_DELETE, (expiring_by, latest)) if older_than else db.execute(_DELETE_ALL)).rowcount
        if removed:
            with suppress(sqlite3.OperationalError):  # somebody else is using it: the space is used again
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return removed

    return _in(file, delete)


def _in(file: Path, work: Callable[[sqlite3.Connection], int]) -> int:
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as db:
        return work(db)
