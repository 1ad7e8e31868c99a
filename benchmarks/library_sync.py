"""How fast a library is kept in step: `python -m benchmarks.library_sync --files 100000`.

Tiny files that are in the library already are compared by the real command, in a fresh process: all of them
unchanged, in folders of a hundred and in one folder. With `--add N` as many photographs of 12 megapixels are made and
added by the sample's model, which costs next to nothing beside reading and decoding them. Prints a table as Markdown.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import library_times
from phrasepix.library.description import EncoderColumn
from phrasepix.library.location import Location
from phrasepix.library.maintenance import tidy
from phrasepix.library.schema import Row
from phrasepix.library.table import Library
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.folder.walk import places

_DIMENSIONS = 512
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the command: seconds, those of its processors, peak memory in MB, and what it counted."""

    seconds: float
    of_processors: float
    megabytes: float
    counts: dict[str, int]


def plant(folder: Path, files: int, of_each: int) -> None:
    """Write `files` tiny files below `folder`, `of_each` in a folder; no picture is in them."""
    for number in range(files):
        place = folder / f"{number // of_each:04}"
        if number % of_each == 0:
            place.mkdir(parents=True)
        (place / f"{number:06}.jpg").write_bytes(b"x" * (1 + number % 7))


def filled(location: Location, folder: Path) -> None:
    """Make a library that knows the files below `folder`, with random vectors."""
    library = Library.open_or_create(location)
    library.change(folders=[str(folder)])
    column = library.column_for(EncoderColumn(tower="random", dimensions=_DIMENSIONS, model="sample"))
    random = np.random.default_rng(17)

    def rows() -> Iterator[Row]:
        for number, entry in enumerate(places(folder, lambda path, reason: None)):
            vector = random.standard_normal(_DIMENSIONS, dtype=np.float32)
            contents = Contents(f"{number:024x}", None)
            yield Row(entry, folder, contents, Facts(width=8, height=8), {column: vector / np.linalg.norm(vector)})

    coming = rows()
    while batch := list(islice(coming, _ROWS_AT_ONCE)):
        library.upsert(batch)
    tidy(library)


def command(*words: str, environment: dict[str, str]) -> Run:
    """Run `phrasepix library …` in a process of its own."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "phrasepix", "library", *words, "--json"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"phrasepix library {' '.join(words)} ended with {process.returncode}")
    seconds = time.monotonic() - started
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, json.loads(said))


def photograph(path: Path, seed: int) -> None:
    """A JPEG of 12 megapixels: noise that was enlarged, as smooth as a photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (188, 250, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((4000, 3000), Image.Resampling.BICUBIC).save(path, quality=88)


def line(what: str, run: Run) -> str:
    """Return a line of the table."""
    return f"| {what} | {run.seconds:.1f} | {run.of_processors:.1f} | {run.megabytes:.0f} |"


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--add", type=int, default=0, metavar="N")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/LIBRARY_TIMES.md")
    given = parser.parse_args()
    lines = ["| what | s | CPU s | MB |", "|---|---:|---:|---:|"]
    for name, of_each in (("folders of a hundred", 100), ("one folder", given.files)):
        with tempfile.TemporaryDirectory() as directory:
            data, folder = Path(directory, "data"), Path(directory, "pictures")
            plant(folder, given.files, of_each)
            filled(Location("mine", str(data / "libraries" / "mine")), folder)
            environment = {"PHRASEPIX_DATA_DIR": str(data), "PHRASEPIX_CACHE_DIR": str(Path(directory, "cache"))}
            runs = [command("sync", environment=environment) for _ in range(given.runs)]
            assert all(run.counts["unchanged"] == given.files for run in runs)
            median = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
            lines.append(line(f"sync of {given.files:,} unchanged files, {name}", median))
    if given.add:
        with tempfile.TemporaryDirectory() as directory:
            data, folder = Path(directory, "data"), Path(directory, "pictures")
            folder.mkdir()
            distinct = min(given.add, 100)
            for number in range(distinct):
                photograph(folder / f"{number:05}.jpg", number)
            for number in range(distinct, given.add):  # a few bytes behind the end make another content
                same = (folder / f"{number % distinct:05}.jpg").read_bytes()
                (folder / f"{number:05}.jpg").write_bytes(same + number.to_bytes(4, "big"))
            environment = {"PHRASEPIX_DATA_DIR": str(data)}
            run = command("add", str(folder), "--model", "sample", environment=environment)
            assert run.counts["written"] == given.add
            lines.append(line(f"{given.add} photographs of 12 MP added ({given.add / run.seconds:.0f} a second)", run))
    print("\n".join(lines))
    if given.write:
        library_times.write("library_sync", "\n".join(lines))


if __name__ == "__main__":
    main()
