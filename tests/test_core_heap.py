"""Memory that is free goes back to the system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reranker.threads import cores

_FREED = """
from pathlib import Path
from phrasepix_core.heap import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [bytearray(4000) for _ in range(20_000)]
last = bytearray(4000)
del blocks
before = resident()
give_back()
print(before - resident())
"""


_COUNT_ARENAS = """
import ctypes, sys, threading
from phrasepix.finder import Finder
with Finder():
    together = threading.Barrier(12)
    c = ctypes.CDLL(None)
    c.malloc.restype = ctypes.c_void_p
    def allocate():
        c.malloc(1000)
        together.wait()
    threads = [threading.Thread(target=allocate) for _ in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    c.fopen.restype = ctypes.c_void_p
    c.fclose.argtypes = [ctypes.c_void_p]
    c.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
    stream = c.fopen(sys.argv[1].encode(), b"w")
    c.malloc_info(0, stream)
    c.fclose(stream)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the allocator is not glibc's")


def test_what_was_freed_below_something_that_stays_goes_back_to_the_system() -> None:
    given_back = int(subprocess.run([sys.executable, "-c", _FREED], capture_output=True, check=True).stdout)
    assert given_back > 40_000_000


@pytest.mark.parametrize("said", [None, "9"])
def test_threads_share_what_they_freed_unless_it_is_said_otherwise(said: str | None, tmp_path: Path) -> None:
    others = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    environment = others | ({"MALLOC_ARENA_MAX": said} if said else {})
    info = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", _COUNT_ARENAS, str(info)], env=environment, check=True, timeout=60)
    arenas = info.read_text().count("<heap nr=")
    assert arenas == 9 if said else 1 <= arenas <= 2 * cores()
