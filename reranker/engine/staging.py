"""Staging of exports: written to a directory of their own and moved into place when complete."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from reranker.engine.exported_model import partial_directory

Found = TypeVar("Found")

_ABANDONED_AFTER_S = 3600.0


@contextmanager
def staged(engines: Path, name: str) -> Iterator[Path]:
    """An empty directory of one's own below `engines`, which is gone afterwards unless it was moved."""
    engines.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(engines)
    partial = partial_directory(engines, name)
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def moved_into_place(partial: Path, place: Path, read: Callable[[Path], Found | None]) -> Found:
    """What `read` makes of `place`, where `partial` is moved to, unless something whole is there. Raises OSError."""
    try:
        partial.rename(place)
    except OSError:
        if (found := read(place)) is not None:
            return found  # of another process or thread, which was first
        shutil.rmtree(place)  # damaged: what this export replaces
        partial.rename(place)
    if (found := read(place)) is None:
        raise OSError(f"what was made in {place} cannot be read back")
    return found


def _remove_abandoned(engines: Path) -> None:
    for path in engines.glob("*.partial"):
        with suppress(OSError):  # another process removes it meanwhile
            # One from a time to come is of a clock that was wrong: nobody can say how old it is, and it goes too.
            if not 0 <= time.time() - path.stat().st_mtime <= _ABANDONED_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)
