"""A Ray cluster of two nodes on this machine, in processes of its own: `python -m tests.ray_cluster DIRECTORY`.

The directory is short, for Ray's sockets are below it. Each line that is read on stdin adds a node; the end of stdin
ends them all. Addresses and process numbers are written to stdout.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
_SMALL_STORE = 80 << 20
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "180",  # on a machine that is busy
    "RAY_agent_register_timeout_ms": "180000",
    "RAY_memory_monitor_refresh_ms": "0",
    "OMP_NUM_THREADS": "1",
}

_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
"""Of ports that nobody names, a node waits fifteen seconds to hear, and dies if its helpers begin more slowly."""


class RayCluster:
    """The cluster at an `address`; `workers` are the processes of its nodes beside the first."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._line()
        self.workers = [int(self._line())]

    def add_node(self) -> Self:
        """Add a node, in place of one that was killed."""
        assert self._process.stdin is not None
        self._process.stdin.write("add\n")
        self._process.stdin.flush()
        self.workers.append(int(self._line()))
        return self

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the cluster ended"
        return line


@contextmanager
def cluster(cache_directory: Path, **environment: str) -> Iterator[RayCluster]:
    """Start two nodes, whose models are exported below `cache_directory`; they end with the context."""
    directory = tempfile.mkdtemp(prefix="ray")  # sockets' paths have a hundred characters at most
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.ray_cluster", directory],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | _SETTINGS | {"PHRASEPIX_CACHE_DIR": str(cache_directory)} | environment,
    )
    try:
        with process:
            try:
                yield RayCluster(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(timeout=120)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def main() -> None:
    """Start the nodes, and wait."""
    os.environ["RAY_TMPDIR"] = sys.argv[1]
    from ray.cluster_utils import Cluster

    cpus = int(os.environ.get("TESTS_CPUS_OF_A_NODE", "2"))

    def node() -> dict[str, int]:
        return {"num_cpus": cpus, "object_store_memory": _SMALL_STORE} | {name: free_port() for name in _PORTS}

    own_stdout = os.dup(1)
    os.dup2(2, 1)  # what Ray says
    running = Cluster(initialize_head=True, head_node_args={**node(), "include_dashboard": False})
    os.write(own_stdout, f"{running.address}\n".encode())
    try:
        while True:
            added = running.add_node(**node())
            (raylet,) = added.all_processes["raylet"]
            os.write(own_stdout, f"{raylet.process.pid}\n".encode())
            if not sys.stdin.readline():
                break
    finally:
        running.shutdown()


if __name__ == "__main__":
    main()
