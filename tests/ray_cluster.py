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
from typing import Any

ROOT = Path(__file__).parents[1]
_SMALL_STORE = 80 << 20
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "40",
    "RAY_agent_register_timeout_ms": "180000",  # on a machine that is busy
    "RAY_memory_monitor_refresh_ms": "0",
    "OMP_NUM_THREADS": "1",
}
_STARTING = "import sys\nsys.modules['rfc3987_syntax'] = None\n"
"""What each of Ray's processes begins with: without a grammar of jsonschema's, which takes seconds to read."""
_PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port")
"""Of ports that nobody names, a node waits fifteen seconds to hear, and dies if its helpers begin more slowly."""
_TRIES = 4
_TOLD = "told"
"""The file of what the cluster says."""


class RayCluster:
    """The cluster at an `address`, below a `directory`; `workers` are the processes of its nodes beside the first."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self._process = process
        self.directory = directory
        self.address = self._line()
        self.workers = [int(self._line())]

    def add_node(self) -> None:
        """Add a node, in place of one that was killed."""
        assert self._process.stdin is not None
        self._process.stdin.write("add\n")
        self._process.stdin.flush()
        self.workers.append(int(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, (
            f"the cluster ended: {(self.directory / _TOLD).read_text(encoding='utf-8', errors='replace')[-2000:]}"
        )
        return line


@contextmanager
def cluster(cache_directory: Path, *, cpus: int = 2) -> Iterator[RayCluster]:
    """Start two nodes of `cpus` each, whose models are exported below `cache_directory`; they end with the context."""
    directory = Path(tempfile.mkdtemp(prefix="ray"))  # sockets' paths have a hundred characters at most
    (directory / "sitecustomize.py").write_text(_STARTING, encoding="utf-8")
    surroundings = {
        "PHRASEPIX_CACHE_DIR": str(cache_directory),
        "PYTHONPATH": str(directory),
        "RAY_TMPDIR": str(directory),
    }
    try:
        with (
            (directory / _TOLD).open("wb") as stderr,
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.ray_cluster", str(cpus)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=os.environ | _SETTINGS | surroundings,
            ) as process,
        ):
            try:
                yield RayCluster(process, directory)
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


def _settings_of_a_node(cpus: int) -> dict[str, Any]:
    return {"num_cpus": cpus, "object_store_memory": _SMALL_STORE} | {name: free_port() for name in _PORTS}


def _begun(cpus: int) -> Any:
    """A cluster with a first node; tried again where its helpers began too slowly."""
    from ray.cluster_utils import Cluster

    for _ in range(_TRIES):
        begun = Cluster(initialize_head=False)
        try:
            begun.add_node(**_settings_of_a_node(cpus), include_dashboard=False)
            return begun
        except Exception as error:  # Ray raises no class of its own
            print(error, file=sys.stderr)
    raise SystemExit("no first node could be started")


def _with_node(running: Any, cpus: int) -> Any:
    for _ in range(_TRIES):
        try:
            return running.add_node(**_settings_of_a_node(cpus))
        except Exception as error:
            print(error, file=sys.stderr)
    raise SystemExit("no node could be added")


def main() -> None:
    """Start the nodes, and wait."""
    cpus = int(sys.argv[1])
    own_stdout = os.dup(1)
    os.dup2(2, 1)  # what Ray says
    running = _begun(cpus)
    try:
        os.write(own_stdout, f"{running.address}\n".encode())
        while True:
            (raylet,) = _with_node(running, cpus).all_processes["raylet"]
            os.write(own_stdout, f"{raylet.process.pid}\n".encode())
            if not sys.stdin.readline():
                break
    finally:
        running.shutdown()


if __name__ == "__main__":
    main()
