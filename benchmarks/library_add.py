"""How fast photographs are added to a library, beside rclip: `python -m benchmarks.library_add --rclip-venv DIR`.

Photographs as cameras write them are made of smaller ones: cut, enlarged to 12 megapixels and encoded anew, a hundred
distinct ones; the others are the same with a few bytes behind the end, which are another content to both programs.
Both have the same random ViT-B-32 weights, for pictures of 256 pixels, and take turns. Prints a table as Markdown.
"""

import argparse
import itertools
import random
import shutil
import sys
import time
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks import library_times
from benchmarks.speed import weights
from benchmarks.speed.pictures import PHOTOGRAPHS
from benchmarks.speed.places import Places
from benchmarks.speed.processes import environment, run
from benchmarks.speed.rclip import Rclip, make_environment
from benchmarks.speed.rounds import interleaved

_SIZE = (4000, 3000)
_DISTINCT = 100
_QUALITY = 90


def photographs(folder: Path, count: int, originals: Path) -> Path:
    """Return a folder of `count` photographs, which are made if they are not there."""
    if folder.is_dir():
        return folder
    sources = sorted(originals.glob("*.jpg"))
    if not sources:
        raise SystemExit(f"{originals} has no *.jpg to make photographs of")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    chance = random.Random(5)
    made: list[bytes] = []
    for number, source in zip(range(min(count, _DISTINCT)), itertools.cycle(sources), strict=False):
        with Image.open(source) as opened:
            picture = opened.convert("RGB")
        share = chance.uniform(0.7, 1)
        width, height = (int(side * share) for side in picture.size)
        left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
        cut = picture.crop((left, top, left + width, top + height))
        file = partial / f"{number:05}.jpg"
        ImageOps.fit(cut, _SIZE, Image.Resampling.BICUBIC).save(file, quality=_QUALITY)
        made.append(file.read_bytes())
    for number in range(len(made), count):
        (partial / f"{number:05}.jpg").write_bytes(made[number % len(made)] + number.to_bytes(4, "big"))
    return partial.rename(folder)


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, required=True, help="where pictures, weights and libraries are kept")
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--rclip-venv", type=Path, help="environment of rclip, made if it is not there")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/LIBRARY_TIMES.md")
    given = parser.parse_args()
    places = Places(given.work)
    given.work.mkdir(parents=True, exist_ok=True)
    folder = photographs(given.work / f"{given.pictures}-of-12-megapixels", given.pictures, given.photographs)
    model = weights.random_model(given.work, weights.RCLIP_ARCHITECTURE)
    surroundings = environment(given.work, PHRASEPIX_DATA_DIR=str(given.work / "data"))

    def added(pictures: Path, count: int) -> float:
        for one in (given.work / "data", *places.cache.glob("*.sqlite*")):
            shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)
        words = ["library", "add", str(pictures), "--model", f"local-dir:{model}", "--json"]
        done = run([sys.executable, "-m", "phrasepix", *words], surroundings)
        if f'"written": {count}' not in done.stdout:
            raise RuntimeError(f"not all were added: {done.stdout}{done.stderr[-2000:]}")
        return done.seconds

    def ours(number: int) -> float:
        return added(folder, given.pictures)

    jobs = {"phrasepix": ours}
    if given.rclip_venv is not None:
        make_environment(given.rclip_venv)
        weights.as_rclip_data(model, places.rclip_data)
        rclip = Rclip(given.rclip_venv, places)

        def theirs(number: int) -> float:
            rclip.forget()
            return rclip.index(folder, "a boat")

        jobs[f"rclip {rclip.version}"] = theirs
    few = min(given.pictures, _DISTINCT)
    added(photographs(given.work / f"{few}-of-12-megapixels", few, given.photographs), few)  # which exports the model
    began = time.monotonic()
    found = interleaved(jobs, given.rounds, lambda text: None)
    size = sum(file.stat().st_size for file in folder.iterdir()) / given.pictures / 1e6
    ours_s = found["phrasepix"].median
    lines = [
        f"{given.pictures} photographs of 12 megapixels, {size:.1f} MB each; rounds: {given.rounds}, "
        f"{time.monotonic() - began:.0f} s in all.",
        "",
        "| who | pictures/s | s | phrasepix is so many times as fast |",
        "|---|---:|---:|---:|",
    ]
    for who, spread in found.items():
        times = f"{spread.median / ours_s:.1f}" if who != "phrasepix" else ""
        lines.append(f"| {who} | {given.pictures / spread.median:.1f} | {spread.median:.1f} | {times} |")
    print("\n".join(lines))
    if given.write:
        library_times.write("library_add", "\n".join(lines))


if __name__ == "__main__":
    main()
