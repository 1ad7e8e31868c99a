"""Pages of a file that is mapped into this process, given back to the system once they were read; on Linux.

Such pages count as the process's own until memory is short everywhere. OpenVINO maps a tower's weights, packs a copy of
them for the CPU's kernels while the tower runs for the first time, and does not look at the mapped ones again.
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

_MAPS = Path("/proc/self/maps")
_MADV_DONTNEED = 4
"""Of madvise(2): whoever reads such a page again finds it in the file."""
_EVERY_S = 0.02
"""In so long a CPU packs some ten megabytes."""


@contextmanager
def giving_back_pages(file: Path) -> Iterator[None]:
    """Give back what is mapped of `file` again and again while the body runs, and once after it.

    Whoever reads the file meanwhile still can: it takes longer then, and reads the same.
    """
    if sys.platform != "linux":
        yield
        return
    over = Event()

    def again() -> None:
        while not over.wait(_EVERY_S):
            give_back_pages(file)

    thread = Thread(target=again, name="give-back-pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        give_back_pages(file)


def give_back_pages(file: Path) -> int:
    """Give back what is mapped of `file` and cannot be written; how many bytes long that is in all."""
    if sys.platform != "linux":
        return 0
    advise = _c_library().madvise
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
    return ctypes.CDLL(None)
