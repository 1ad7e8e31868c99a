"""Memory that the C allocator holds free; all of it for glibc's, and nothing where that is another."""

import ctypes
import sys
from functools import cache
from typing import Any

from phrasepix_core import environment

_M_ARENA_MAX = -8
"""Of mallopt(3)."""


def give_back() -> None:
    """Give back to the system what is free in the heap of this process.

    What is freed stays with the process as long as something lies above it: loading a model and many threads leave
    tens of megabytes so. By `malloc_trim` (https://man7.org/linux/man-pages/man3/malloc_trim.3.html), which looks at
    the heaps of all threads and takes some milliseconds.
    """
    if (trim := getattr(_c_library(), "malloc_trim", None)) is not None:
        trim(0)


@cache
def share_arenas(most: int) -> None:
    """Have threads share what they freed, but for as many as `most`; MALLOC_ARENA_MAX says otherwise if it is set.

    By itself the allocator keeps what a thread freed for that thread, so that ten threads that decode pictures one
    after the other keep ten times what one picture took. It counts for all threads of the process that are to come.
    """
    if not environment.is_set("MALLOC_ARENA_MAX") and (option := getattr(_c_library(), "mallopt", None)) is not None:
        option(_M_ARENA_MAX, most)


@cache
def _c_library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
