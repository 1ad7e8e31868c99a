"""One process at a time in a directory, and what the others are told while they wait."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix_core.files import reason_of, shown_path

logger = logging.getLogger(__name__)

_SILENT_S = 2.0
_LOCKS = Path("/proc/locks")


class FolderBusyError(NotWrittenError):
    """Another process has held the directory's lock for too long."""


@contextmanager
def locked(lock: Path, *, patience_s: float) -> Iterator[None]:
    """Hold the file `lock`; wait up to `patience_s` seconds for whoever has it, and say so after two.

    Raises `FolderBusyError`, which names who has it where the system tells, and `NotWrittenError`.
    """
    from filelock import FileLock, Timeout

    name = shown_path(lock)
    silent_s = min(_SILENT_S, patience_s)
    try:
        file_lock = FileLock(lock)
        try:
            file_lock.acquire(timeout=silent_s)
        except Timeout:
            logger.warning(
                "waiting for %s, which is saving into %s; giving up after %g s",
                _holder(lock), shown_path(lock.parent), patience_s,
            )  # fmt: skip
            file_lock.acquire(timeout=patience_s - silent_s)
    except Timeout:
        raise FolderBusyError(
            f"{_holder(lock)} has held {name} for {patience_s:g} s, as one does that saves into this folder; try again "
            "when it has ended, or end it"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise NotWrittenError(f"cannot write to {shown_path(lock.parent)}: {name}: {reason_of(error)}") from None
    try:
        yield
    finally:
        file_lock.release()


def _holder(lock: Path) -> str:
    """Who has the lock, as Linux tells it."""
    try:
        found = lock.stat()
        place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        rows = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines()]
        process = next(row[4] for row in rows if len(row) > 5 and row[1] != "->" and row[5] == place)
        name = Path("/proc", process, "comm").read_text(encoding="utf-8", errors="replace").strip()
        return f"process {process} ({shown_path(name)})"
    except (OSError, ValueError, StopIteration, AttributeError):
        return "another process"
