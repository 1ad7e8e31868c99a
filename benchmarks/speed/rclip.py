"""rclip 3 in an environment of its own, with our weights where it looks for those it downloads.

Nothing of rclip is changed: it loads any ONNX model that lies in its data directory under the right name. It is built
for pictures of 256 pixels, so it and phrasepix are compared with a ViT-B-32-256; its text tower is ViT-B-32's.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.speed.places import Places
from benchmarks.speed.processes import environment, run

_REQUIREMENT = "rclip>=3,<4"
_SCRIPT = Path(__file__).parent / "scripts" / "rclip_vectors.py"


class Rclip:
    """rclip as installed in the virtual environment `venv`."""

    def __init__(self, venv: Path, places: Places) -> None:
        programs = venv / ("Scripts" if os.name == "nt" else "bin")
        self._command, self._python = str(programs / "rclip"), str(programs / "python")
        self._data = places.rclip_data
        self._environment = environment(places.work, RCLIP_DATADIR=str(self._data))
        self._environment.pop("PYTHONPATH", None)

    @property
    def version(self) -> str:
        """Such as 3.3.0."""
        return run([self._command, "--version"], self._environment).stdout.split()[-1]

    def forget(self) -> None:
        """Have all pictures encoded anew by the next search."""
        for file in self._data.glob("db.sqlite3*"):
            file.unlink()

    def index(self, pictures: Path, phrase: str) -> float:
        """Seconds for a first search in a folder: all its pictures are encoded."""
        return self._search(pictures, [phrase])

    def query(self, pictures: Path, phrase: str) -> float:
        """Seconds for a search in a folder whose pictures are known; whether there are new ones is not looked at."""
        return self._search(pictures, ["--no-indexing", phrase])

    def _search(self, pictures: Path, arguments: list[str]) -> float:
        done = run([self._command, *arguments], self._environment, pictures)
        if len(done.stdout.splitlines()) != 11:  # a heading and the ten best
            raise RuntimeError(f"rclip found nothing: {done.stdout}{done.stderr[-2000:]}")
        return done.seconds

    def largest_difference(self, files: list[Path], model: Path) -> float:
        """Of a component of rclip's unit vectors from those open_clip makes with the same weights."""
        import open_clip
        import torch
        from PIL import Image

        target = self._data / "vectors.npy"
        run([self._python, str(_SCRIPT), str(target), *map(str, files)], self._environment)
        clip, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{model}", device="cpu")
        with torch.inference_mode():
            pixels = torch.stack([prepare(Image.open(file)) for file in files])
            theirs = np.asarray(clip.eval().encode_image(pixels, normalize=True))
        return float(np.abs(np.load(target) - theirs).max())


def make_environment(venv: Path) -> None:
    """Install rclip into `venv`, unless it is there. Raises CalledProcessError where that fails."""
    if venv.is_dir():
        return
    print(f"installing {_REQUIREMENT} into {venv}", file=sys.stderr, flush=True)
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", _REQUIREMENT], check=True)
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)  # half of it must not be taken for the whole next time
        raise
