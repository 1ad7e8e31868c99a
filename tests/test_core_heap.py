"""Memory that is free goes back to the system."""

import subprocess
import sys

import pytest

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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the allocator is not glibc's")
def test_what_was_freed_below_something_that_stays_goes_back_to_the_system() -> None:
    given_back = int(subprocess.run([sys.executable, "-c", _FREED], capture_output=True, check=True).stdout)
    assert given_back > 40_000_000
