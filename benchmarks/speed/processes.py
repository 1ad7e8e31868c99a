"""Whole processes: started afresh each time, timed from outside."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.pictures import ROOT


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that did its work: its wall time in seconds and what it wrote."""

    seconds: float
    stdout: str
    stderr: str


def run(command: Sequence[str], environment: Mapping[str, str], directory: Path = ROOT) -> Finished:
    """Run to the end. Raises RuntimeError, with what the process said, where it fails."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return Finished(seconds, done.stdout, done.stderr)


def environment(work: Path, **more: str) -> dict[str, str]:
    """This process's environment for a child that keeps everything below `work` and downloads nothing.

    Python compiles modules once, as it does for people, also where the environment says otherwise.
    """
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {
        "PYTHONPATH": python_path,
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(work / "compiled"),
        "PHRASEPIX_CACHE_DIR": str(work / "cache"),
        "PHRASEPIX_CONFIG_DIR": str(work / "config"),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NO_COLOR": "1",
    }
    return {**os.environ, **own, **more}
