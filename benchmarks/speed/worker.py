"""One rival in a process of its own, loaded once and told what to time, line by line.

`python -m benchmarks.speed.worker NAME WORK PICTURES COUNT`: so no rival's threads or memory stand in another's way,
and the rounds can take turns. Each line on stdin is one job as JSON, each line on stdout its answer.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from benchmarks.speed.pictures import ROOT, files
from benchmarks.speed.places import Places

LIMIT = "limit"
"""The worker that multiplies matrices."""


class Worker:
    """A worker's process, seen from the run."""

    def __init__(self, name: str, places: Places, pictures: Path, count: int, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "benchmarks.speed.worker", name, str(places.work), str(pictures), str(count)]
        self.name = name
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, job: str, argument: str = "") -> Any:
        """The answer to one job. Raises RuntimeError where the worker has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([job, argument]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker {self.name} ended: what it wrote stands above")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _jobs(name: str, places: Places, directory: Path, count: int) -> dict[str, Callable[[str], Any]]:
    if name == LIMIT:
        from benchmarks.speed.machine_limit import gflops_by_product

        return {"gflops": gflops_by_product}
    from benchmarks.speed.rivals import RIVALS
    from reranker.engine.preprocessing import Preprocessing

    rival = RIVALS[name](places)
    pictures = [Image.open(file).convert("RGB") for file in files(directory)[:count]]
    config = json.loads((places.model / "open_clip_config.json").read_text())
    prepare = Preprocessing.of_config(config["preprocess_cfg"])
    pixels = np.stack([prepare(picture) for picture in pictures])

    def vectors(target: str) -> None:
        tower = rival.tower(pixels[:16])
        np.savez(
            target,
            pictures=rival.encode_pictures(pictures[:16]),
            tower=tower / np.linalg.norm(tower, axis=1, keepdims=True),
            texts=np.stack([rival.encode_text(text) for text in ("two red boats at night", "a cat")]),
        )

    def embeddings(target: str) -> None:
        np.save(target, rival.encode_pictures([Image.open(file).convert("RGB") for file in files(directory)]))

    return {
        "pictures": lambda _: len(pictures) / _seconds(lambda: rival.encode_pictures(pictures)),
        "tower": lambda _: len(pixels) / _seconds(lambda: rival.tower(pixels)),
        "text": lambda text: _seconds(lambda: rival.encode_text(text)),
        "vectors": vectors,
        "embeddings": embeddings,
    }


def _seconds(job: Callable[[], object]) -> float:
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def main() -> None:
    """Answer jobs until stdin ends."""
    name, work, pictures, count = sys.argv[1:]
    answers = sys.stdout
    sys.stdout = sys.stderr  # what the libraries print is no answer
    jobs = _jobs(name, Places(Path(work)), Path(pictures), int(count))
    for line in sys.stdin:
        job, argument = json.loads(line)
        answers.write(json.dumps(jobs[job](argument)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
