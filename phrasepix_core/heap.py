"""Memory that the C allocator holds free, given back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Give back what is free in the heap of this process; nothing happens where the allocator is not glibc's.

    What is freed stays with the process as long as something lies above it: loading a model and many threads leave
    tens of megabytes so. By `malloc_trim` (https://man7.org/linux/man-pages/man3/malloc_trim.3.html), which looks at
    the heaps of all threads and takes some milliseconds.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
