"""One process at a time in a directory, and what the others are told while they wait."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix_core.files import reason_of, shown_path
from phrasepix_core.lock_holders import holder_of

logger = logging.getLogger(__name__)

_SILENT_S = 2.0


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
                holder_of(lock), shown_path(lock.parent), patience_s,
            )  # fmt: skip
            file_lock.acquire(timeout=patience_s - silent_s)
    except Timeout:
        raise FolderBusyError(
            f"{holder_of(lock)} has held {name} for {patience_s:g} s, as one does that saves into this folder; try "
            "again when it has ended, or end it"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise NotWrittenError(f"cannot write to {shown_path(lock.parent)}: {name}: {reason_of(error)}") from None
    try:
        yield
    finally:
        file_lock.release()
