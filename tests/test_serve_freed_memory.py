"""A server gives back what its searches freed."""

import subprocess
import sys

import pytest

from tests.first_often import first_often

_SERVED = """
import sys, time
from pathlib import Path
import anyio
from phrasepix.server.freed_memory import give_back_from_time_to_time

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def work(seconds):
    before = time.process_time()
    while time.process_time() - before < seconds:
        pass

async def main():
    blocks = [bytearray(4000) for _ in range(20_000)]
    last = bytearray(4000)
    del blocks
    before = resident()
    async with anyio.create_task_group() as group:
        group.start_soon(give_back_from_time_to_time, 0.9)
        await anyio.sleep(0)
        await anyio.to_thread.run_sync(work, float(sys.argv[1]))
        await anyio.sleep(0.95)
        group.cancel_scope.cancel()
    print(before - resident())

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the allocator is not glibc's")
@pytest.mark.parametrize(("worked_s", "gives_back"), first_often(1, [("0.8", True), ("0", False)]))
def test_what_was_freed_goes_back_once_there_was_work(worked_s: str, gives_back: bool) -> None:
    command = [sys.executable, "-c", _SERVED, worked_s]
    given_back = int(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert given_back > 40_000_000 if gives_back else given_back < 20_000_000
