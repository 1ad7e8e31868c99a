"""One export of a model at a time, over all processes that keep their exports in the same place."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from phrasepix_core.lock_holders import holder_of

logger = logging.getLogger(__name__)

_SILENT_S = 1.0
_LOOK_AGAIN_S = 0.1


def log_notice(message: str) -> None:
    """Say on the log what people should know: what happens if nobody listens."""
    logger.warning("%s", message)


@contextmanager
def export_lock(lock: Path, *, patience_s: float, on_notice: Callable[[str], None] = log_notice) -> Iterator[bool]:
    """Hold the file `lock`, if another process holds it as soon as that has exported the model, or has died.

    The context is whether it is held: it begins without the lock where that cannot be had, after `patience_s` seconds,
    for anybody may hold a lock for ever, or where the file system has no locks. An export is whole without it too, and
    merely made twice.
    `on_notice` is told who is waited for.
    """
    from filelock import FileLock, Timeout  # needed where something is exported only

    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file_lock = FileLock(lock)
        silent_s = min(_SILENT_S, patience_s)
        try:
            file_lock.acquire(timeout=silent_s, poll_interval=_LOOK_AGAIN_S)
        except Timeout:
            on_notice(f"{holder_of(lock)} prepares this model already; waiting for it, at most {patience_s:g} s")
            file_lock.acquire(timeout=patience_s - silent_s, poll_interval=_LOOK_AGAIN_S)
    except Timeout:
        on_notice(f"{holder_of(lock)} has not prepared it after {patience_s:g} s; preparing it here too")
        yield False
    except (OSError, NotImplementedError) as error:
        logger.debug("the export is not locked: %s", error)
        yield False
    else:
        try:
            yield True
        finally:
            file_lock.release()
