"""Scenes drawn ahead of training into one file of small squares, with the wear that pictures suffer on their way.

`python -m training.render --work DIR` writes `DIR/squares-<first>-<count>-<side>.npy`: uint8 [count, side, side, 3],
row i being the scene of seed `first + i`. Pictures are worn by JPEG compression; its quality follows from the seed.
"""

import argparse
import io
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.scenes import SIZES, draw, scene_of_seed
from training.scenes.facts import TRAINING_SEEDS, VALIDATION_SEEDS

SIDE = 144
"""Side of a stored square in pixels; the model sees a part of it, at its own size."""
VALIDATION_SCENES = 4000


def worn_square(seed: int, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """The scene of `seed`, drawn, JPEG-compressed and squashed: uint8 [side, side, 3]."""
    scene = scene_of_seed(seed)
    rng = random.Random(f"wear {seed}")
    width, height = SIZES[scene.shape]
    share = rng.choice((0.5, 0.75, 1.0))
    large = draw(scene, round(width * share), round(height * share), supersample=1)
    packed = io.BytesIO()
    large.save(packed, "JPEG", quality=rng.randint(55, 92))
    kernel = rng.choice((Image.Resampling.BICUBIC, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR))
    return np.asarray(Image.open(packed).convert("RGB").resize((side, side), kernel))


def squares(work: Path, first: int, count: int, *, side: int = SIDE, processes: int = 2) -> npt.NDArray[np.uint8]:
    """The squares of `count` seeds from `first` on, read from `work` or drawn into it: uint8 [count, side, side, 3].

    The file is written under a temporary name and moved into place, so a broken-off drawing leaves nothing behind that
    looks finished. The array is a read-only memory map.
    """
    path = work / f"squares-{first}-{count}-{side}.npy"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        store = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(count, side, side, 3))
        seeds = range(first, first + count)
        with ProcessPoolExecutor(processes) as pool:
            for row, square in enumerate(pool.map(worn_square, seeds, [side] * count, chunksize=64)):
                store[row] = square
        store.flush()
        del store
        partial.replace(path)
    loaded: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return loaded


def main() -> None:
    """Draw the squares that training and validation use."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--work", type=Path, required=True, help="directory for the drawn squares (about 3 GB)")
    parser.add_argument("--count", type=int, default=48_000, help="training scenes")
    arguments = parser.parse_args()
    squares(arguments.work, TRAINING_SEEDS.start, arguments.count)
    squares(arguments.work, VALIDATION_SEEDS.start, VALIDATION_SCENES)


if __name__ == "__main__":
    main()
