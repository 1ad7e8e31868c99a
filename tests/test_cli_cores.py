"""The cores of a process that answers several at once: each search multiplies by itself."""

import os
import subprocess
import sys

import pytest

_THREADS = """
import os, sys
from phrasepix.cli.main import main
sys.argv = ["phrasepix", *sys.argv[1:], "--help"]
try:
    main()
except SystemExit:
    pass
import numpy
matrix = numpy.ones((512, 512))
matrix @ matrix
print(len(os.listdir("/proc/self/task")))
"""


def threads_after(command: str, said: str | None = None) -> int:
    """How many threads a command's process has once it has multiplied matrices."""
    others = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment = others | ({"OPENBLAS_NUM_THREADS": said} if said else {})
    done = subprocess.run(
        [sys.executable, "-c", _THREADS, command],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(done.stdout.splitlines()[-1])


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="threads are counted by Linux, on several cores"
)
@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_what_serves_several_at_once_multiplies_in_one_thread_unless_it_is_said_otherwise(command: str) -> None:
    assert threads_after(command) == 1
    assert threads_after(command, said="2") == threads_after("find", said="2") == 2
