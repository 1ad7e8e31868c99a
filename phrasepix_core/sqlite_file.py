"""An SQLite file that may be damaged, full, locked or out of reach, and never ends a search for it."""

import errno
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from phrasepix_core.files import reason_near
from phrasepix_core.forking import pause_for_forks
from phrasepix_core.unwritable import say_unwritable, why_unwritable

logger = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")
Schema = Sequence[Sequence[str]]
"""The statements that lead from each version of a schema to the next; `PRAGMA user_version` counts those done."""

_PAGE = 1 << 14  # a vector takes some 2 KB: only one would fit on the usual page of 4 KB
_JOURNAL_PAGES = 256  # 4 MB: what is still in the journal is copied when the file is closed, and a search would wait
_REST_S = 30.0
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})
"""Codes of a file that is none of ours (any more): unreadable, or without the tables its version has."""
_OUT_OF_REACH = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_JOURNALS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file. The last one is of a file that is not in WAL mode (yet), as older versions wrote."""
_WAIT_FOR_FORK_S = 1.0
"""How long a fork waits for a thread that uses a file."""
_of_the_parent: list[sqlite3.Connection] = []
"""Connections that were in use when this process was forked: SQLite lets a child neither use nor close them."""


class _NewerSchemaError(Exception):
    """The file was written by a newer phrasepix."""


class _Connection:
    """A connection that one thread uses at a time, and the identity of the file it has `opened`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: sqlite3.Connection | None = None
        self.opened: tuple[int, int] | None = None
        self.is_paused = False

    def close(self) -> None:
        connection, self.connection, self.opened = self.connection, None, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


class SqliteFile:
    """One SQLite file in WAL mode, for many threads and many processes at once.

    `holds` says for people what is in it; `schema` is its numbered migrations. It is opened when first used. A damaged
    file is set aside (`.damaged`) and a fresh one begun, also in the middle of use. One that is locked for longer than
    `busy_timeout_s`, on a full disk, read-only or written by a newer version is left as it is: the log says so once,
    for all files of a folder if it is the folder's, and work is answered by its `otherwise`. It is closed while the
    process forks, and both may go on with it.

    `tidy` is done once, in a transaction of its own, when the file is opened first, unless that is not possible at
    once: such as the deletion of what is too old.
    """

    def __init__(
        self,
        path: Path,
        *,
        holds: str,
        schema: Schema,
        tidy: Callable[[sqlite3.Connection], object] | None = None,
        busy_timeout_s: float = 10.0,
    ) -> None:
        self.path = path
        self._holds = holds
        self._schema = schema
        self._tidy = tidy
        self._busy_timeout_s = busy_timeout_s
        # A writer may wait for another process; whoever reads meanwhile has a connection of its own.
        self._reading, self._writing = _Connection(), _Connection()
        self._rests_until = {"read": 0.0, "write": 0.0}
        self._said: set[str] = set()
        pause_for_forks(self)

    def read(self, work: Callable[[sqlite3.Connection], Outcome], otherwise: Outcome) -> Outcome:
        """What `work` finds; `otherwise` where the file cannot be read."""
        return self._use("read", work, otherwise)

    def write(self, work: Callable[[sqlite3.Connection], Outcome], otherwise: Outcome) -> Outcome:
        """What `work` returns, done in one transaction: all of it or, with `otherwise`, nothing."""

        def in_one_transaction(connection: sqlite3.Connection) -> Outcome:
            return _in_transaction(connection, lambda: work(connection))

        return self._use("write", in_one_transaction, otherwise)

    def size(self) -> int:
        """The bytes it takes on the disk, with its journal."""
        return sum(size for name in ("", *_JOURNALS[:1]) if (size := _size(self._beside(name))))

    def shrink_to(self, most_bytes: int, table: str, now: float) -> int:
        """Delete the least recently used rows of `table` until the file fits; how many went.

        `now` is in the units of its column `last_used`.
        """
        dropped = 0
        if self.size() > most_bytes:
            self.compact()
        while (excess := self.read(_bytes_in_use, 0) - most_bytes) > 0:

            def least(connection: sqlite3.Connection, excess: int = excess) -> int:
                return drop_least_recently_used(connection, table, excess, now)

            if not (now := self.write(least, 0)):
                break
            dropped += now
            self.compact()
        return dropped

    def compact(self) -> None:
        """Give the space of deleted rows back to the disk."""

        def vacuum(connection: sqlite3.Connection) -> None:
            try:
                connection.execute("VACUUM")
            except sqlite3.OperationalError:  # somebody else is using it, or there is no room for a copy
                connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        self._use("write", vacuum, None)

    def close(self, *, for_good: bool = False) -> None:
        """Close the connections; the next use opens them again, or with `for_good` is answered by its `otherwise`."""
        if for_good:
            self._rests_until = {"read": math.inf, "write": math.inf}
        for side in (self._reading, self._writing):
            with side.lock:
                side.close()

    def pause_for_fork(self) -> None:
        """Close the connections and keep the locks until the fork is done; do not wait long for one that is in use."""
        for side in (self._reading, self._writing):
            side.is_paused = side.lock.acquire(timeout=_WAIT_FOR_FORK_S)
            if side.is_paused:
                side.close()

    def resume_after_fork(self) -> None:
        """Let the parent process use the file again."""
        for side in (self._reading, self._writing):
            if side.is_paused:
                side.is_paused = False
                side.lock.release()

    def reset_after_fork(self) -> None:
        """Let the child use the file, unless the parent had it in use: then SQLite's own locks would not hold here."""
        for side in (self._reading, self._writing):
            if not side.is_paused and side.connection is not None:
                _of_the_parent.append(side.connection)
                self._rests_until = {"read": math.inf, "write": math.inf}
        self._reading, self._writing = _Connection(), _Connection()

    def _use(self, kind: str, work: Callable[[sqlite3.Connection], Outcome], otherwise: Outcome) -> Outcome:
        side = self._reading if kind == "read" else self._writing
        with side.lock:
            if time.monotonic() < self._rests_until[kind]:
                return otherwise
            for already_afresh in (False, True):
                connection = None
                try:
                    connection = self._connected(side)
                    return work(connection)
                except _NewerSchemaError as error:
                    self._rest(("read", "write"), error, f"{error}; it is left as it is")
                except (OSError, sqlite3.DatabaseError) as error:
                    if _is_damage(error) and not already_afresh and self._set_aside(side, error):
                        continue
                    # Where it could be opened, reading may go on though writing cannot.
                    kinds = (kind,) if connection else ("read", "write")
                    self._rest(kinds, error, reason_near(self.path.parent, error))
                return otherwise
        return otherwise

    def _rest(self, kinds: Sequence[str], error: Exception, reason: str) -> None:
        """Leave the file alone for a while: each try may wait for a lock, and a search must not."""
        for kind in kinds:
            self._rests_until[kind] = time.monotonic() + _REST_S
        what = "kept" if "write" in kinds else "read"
        level = logging.DEBUG if what in self._said else logging.WARNING
        self._said.add(what)
        if why := self._why_of_the_folder(error):
            say_unwritable(self.path.parent, why)
            level = logging.DEBUG  # the other files there meet the same
        logger.log(level, "%s cannot be %s in %s (%s); going on without", self._holds, what, self.path, reason)

    def _why_of_the_folder(self, error: Exception) -> str:
        """Why nothing can be written in the file's folder, if that is what went wrong; else empty."""
        if _code(error) == sqlite3.SQLITE_FULL:
            return os.strerror(errno.ENOSPC)
        if isinstance(error, OSError) or _code(error) in _OUT_OF_REACH:
            return why_unwritable(self.path.parent)
        return ""

    def _connected(self, side: "_Connection") -> sqlite3.Connection:
        if side.connection is not None and _identity(self.path) != side.opened:
            side.close()  # somebody set it aside or cleared the directory: what is written there would be lost
        if side.connection is None:
            side.connection = self._open()
            side.opened = _identity(self.path)
        return side.connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connect(self.path.absolute().as_uri())
        try:
            try:
                self._prepare(connection)
            except sqlite3.OperationalError as error:
                if _code(error) not in _OUT_OF_REACH or not self._never_changes():
                    raise
                connection.close()
                connection = self._connect(self.path.absolute().as_uri() + "?immutable=1")
                self._check_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, uri: str) -> sqlite3.Connection:
        return sqlite3.connect(
            uri, uri=True, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )

    def _never_changes(self) -> bool:
        """Whether it lies whole on what cannot be written, such as a read-only disk."""
        in_use = any(self._beside(journal).exists() for journal in ("-wal", "-journal"))
        return self.path.exists() and not in_use and not os.access(self.path.parent, os.W_OK)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._check_version(connection) == 0:  # both take effect on a new file only
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._to_wal(connection)
        # A killed process loses nothing that was committed; a power cut may lose the last commits, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_JOURNAL_PAGES}")
        if self._check_version(connection) < len(self._schema):
            _in_transaction(connection, lambda: self._migrate(connection))
        self._tidy_once(connection)

    def _tidy_once(self, connection: sqlite3.Connection) -> None:
        tidy, self._tidy = self._tidy, None
        if tidy is None:
            return
        connection.execute("PRAGMA busy_timeout = 0")  # it is not worth waiting for
        try:
            _in_transaction(connection, lambda: tidy(connection))
        except sqlite3.OperationalError as error:
            if _is_damage(error):
                raise
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout_s * 1000)}")

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        gives_up_at = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                # SQLite itself does not wait here where two processes begin a file at once.
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > gives_up_at:
                    raise
                time.sleep(0.02)

    def _check_version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if not 0 <= version <= len(self._schema):
            raise _NewerSchemaError(f"its version is {version}, and this phrasepix knows {len(self._schema)}")
        return version

    def _migrate(self, connection: sqlite3.Connection) -> None:
        done = self._check_version(connection)  # again: another process may have done it meanwhile
        for statements in self._schema[done:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(self._schema)}")

    def _set_aside(self, side: "_Connection", error: Exception) -> bool:
        """Move the damaged file out of the way; False where that cannot be done."""
        damaged = side.opened or _identity(self.path)
        side.close()  # the other one finds out by the file's identity
        if damaged is None or _identity(self.path) != damaged:
            return True  # another process was faster
        aside = self.path.with_suffix(".damaged")
        try:
            self.path.replace(aside)
            for journal in _JOURNALS:  # they belong to the damaged file and would be played into the new one
                self._beside(journal).unlink(missing_ok=True)
        except OSError:
            return False
        logger.warning(
            "%s in %s are damaged (%s); set aside as %s, begun afresh", self._holds, self.path, error, aside.name
        )
        return True

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def _in_transaction(connection: sqlite3.Connection, work: Callable[[], Outcome]) -> Outcome:
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcome = work()
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.rollback()
        raise
    return outcome


def _bytes_in_use(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _code(error: BaseException) -> int:
    """SQLite's primary result code."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and _code(error) in _DAMAGE


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def drop_least_recently_used(db: sqlite3.Connection, table: str, size: int, now: float) -> int:
    """Delete rows of at least `size` bytes from `table`, by its columns `last_used` and `size`; how many went.

    Those used at a time to come, by a clock that was wrong, go first: else they would stay for good.
    """
    order = "last_used <= ?, last_used, rowid"
    before = f"SELECT rowid, SUM(size) OVER (ORDER BY {order}) - size AS before FROM {table}"  # noqa: S608
    return db.execute(
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM ({before}) WHERE before < ?)",  # noqa: S608
        (now, size),
    ).rowcount
