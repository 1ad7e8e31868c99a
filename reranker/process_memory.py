"""Memory that this process holds and no longer needs, given back to the system; all of it for Linux only.

The C library of Linux keeps what a thread freed for that thread, so that ten threads that decode pictures one after the
other keep ten times what one picture took. And a file that is mapped counts as the process's own, as far as it was
read, until memory is short everywhere: OpenVINO maps a tower's weights, packs a copy of them for the CPU's kernels
while the tower runs for the first time, and does not look at the mapped ones again.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any

from phrasepix_core import environment
from reranker.threads import cores

_MAPS = Path("/proc/self/maps")
_MADV_DONTNEED = 4
"""Of madvise(2): whoever reads such a page again finds it in the file."""
_M_ARENA_MAX = -8
"""Of mallopt(3)."""
_EVERY_S = 0.02
"""In so long a CPU packs some ten megabytes."""


def give_back_freed() -> None:
    """Give back what was freed. Takes milliseconds."""
    if (trim := getattr(_c_library(), "malloc_trim", None)) is not None:  # musl has none, and keeps nothing
        trim(0)


@cache
def share_arenas() -> None:
    """Have threads share what they freed, but for as many as there are cores, unless MALLOC_ARENA_MAX says how many.

    It counts for threads to come, all of the process's.
    """
    if not environment.is_set("MALLOC_ARENA_MAX") and (option := getattr(_c_library(), "mallopt", None)) is not None:
        option(_M_ARENA_MAX, cores())


@contextmanager
def giving_back_mapped(file: Path) -> Iterator[None]:
    """Give back what is mapped of `file` again and again while the body runs, and once after it.

    Whoever reads the file meanwhile still can: it takes longer then, and reads the same.
    """
    if _c_library() is None:
        yield
        return
    over = Event()

    def again() -> None:
        while not over.wait(_EVERY_S):
            give_back_mapped(file)

    thread = Thread(target=again, name="give-back-mapped", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        give_back_mapped(file)


def give_back_mapped(file: Path) -> int:
    """Give back what is mapped of `file` and cannot be written; how many bytes long that is in all."""
    advise = getattr(_c_library(), "madvise", None)
    if advise is None:
        return 0
    path, length = os.fsencode(file.resolve()), 0
    try:
        for line in _MAPS.read_bytes().splitlines():
            span, permissions, *_, name = line.split(maxsplit=5)
            if name != path or b"w" in permissions:
                continue
            begin, end = (int(address, 16) for address in span.split(b"-"))
            if advise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED) == 0:
                length += end - begin
    except OSError:  # without /proc the pages stay
        pass
    return length


@cache
def _c_library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
