"""Phrase to answer in a fresh process, over libraries of several sizes: `python -m benchmarks.library_fresh`.

The libraries are those of `benchmarks.library`, below `--work` by their number of rows, or made there; the model is a
ViT-B-32 of random weights, as large as a trained one. The real command is asked phrases that it was never asked; the
pictures that it will show are put where the rows say they are. Prints a table as Markdown.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import library_times
from benchmarks.clip_shaped import REAL
from benchmarks.library import TOWER, Run
from benchmarks.speed import weights
from benchmarks.speed.pictures import PHOTOGRAPHS
from benchmarks.speed.processes import environment
from phrasepix.library.description import EncoderColumn, write_description
from phrasepix.library.location import Location
from phrasepix.library.retriever import LibraryRetriever
from phrasepix.library.table import Library
from reranker.encoder import Encoder, image_tower_name
from reranker.engine.factory import load_encoder
from reranker.models.model_spec import ModelSpec
from reranker.pictures.local_files import path_of
from retriever.folder.profile import FOLDER

_PHRASES = ("two red boats by the sea wall", "an old man reads a newspaper", "a dog on a green sofa", "a girl jumps")
_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Finished:
    """A process: its seconds by the clock and of the processors, and its peak memory in MB."""

    seconds: float
    of_processors: float
    megabytes: float


def prepared(run: Run, directory: Path, encoder: Encoder, model: Path) -> LibraryRetriever:
    """Return the library of a run as the command finds it below `directory`; it is built if it is not there."""
    run.step("build")
    place = Location("measured", str(directory / "libraries" / f"rows-{run.rows}"))
    if not Path(place.base).is_dir():
        Path(place.base).parent.mkdir(parents=True, exist_ok=True)
        # Hard links: the files of a table never change.
        shutil.copytree(run.library.base, place.base, copy_function=os.link)
        Path(place.description).unlink()
        made = Library.open(run.library).description
        ((column, encoder_column),) = made.encoders.items()
        assert encoder_column.tower == TOWER
        named = EncoderColumn(
            tower=image_tower_name(encoder), dimensions=encoder.dimensions, model=f"local-dir:{model}"
        )
        write_description(place, type(made)(written_by=made.written_by, encoders={column: named}))
    return LibraryRetriever(Library.open(place), profile=FOLDER)


def with_pictures(source: LibraryRetriever, encoder: Encoder, phrase: str, photographs: list[Path]) -> None:
    """Put photographs where the candidates for a phrase are said to be."""
    vectors = encoder.encode_texts([phrase])
    for number, (candidate, _) in enumerate(source.nearest(vectors, image_tower_name(encoder), limit=_CANDIDATES)):
        path = path_of(candidate.renditions[-1].url)
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            shutil.copy(photographs[number % len(photographs)], path)


def asked(python: str, phrase: str, rows: int, model: Path, work: Path, surroundings: dict[str, str]) -> Finished:
    """Ask the command in a process of its own."""
    words = ["--source", f"library:rows-{rows}", "--model", f"local-dir:{model}", "--json", "--gallery", "page.html"]
    with (work / "answer.json").open("w+", encoding="utf-8") as answer:
        began = time.perf_counter()
        process = subprocess.Popen(
            [python, "-m", "phrasepix", phrase, *words],
            cwd=work,
            env=surroundings,
            stdout=answer,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        answer.seek(0)
        if process.returncode or not json.load(answer)["matches"]:
            raise SystemExit(f"phrasepix ended with {process.returncode} for {phrase!r} over {rows} rows")
    return Finished(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, default=REAL)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the command, with phrasepix[library]")
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/LIBRARY_TIMES.md")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    surroundings = environment(given.work, PHRASEPIX_DATA_DIR=str(given.work / "data"))
    model = weights.random_model(given.work)
    encoder = load_encoder(ModelSpec(f"local-dir:{model}"), given.work / "cache")
    photographs = sorted(given.photographs.glob("*.jpg"))
    sources = {
        rows: prepared(
            Run(rows, 250, 10, 1, given.vectors, given.work / str(rows)), given.work / "data", encoder, model
        )
        for rows in given.rows
    }
    took: dict[int, list[Finished]] = {rows: [] for rows in sources}
    for number in range(-1, given.rounds):  # the first one reads every file once
        for rows, source in sources.items():
            phrase = f"{_PHRASES[number % len(_PHRASES)]} {number}"
            with_pictures(source, encoder, phrase, photographs)
            took[rows].append(asked(given.python, phrase, rows, model, given.work, surroundings))
    has_pandas = subprocess.run([given.python, "-c", "import pandas"], capture_output=True).returncode == 0
    lines = [
        f"{given.rounds} rounds; pandas is {'' if has_pandas else 'not '}installed.",
        "",
        "| rows | s | least | s of processors | MB |",
        "|---:|---:|---:|---:|---:|",
    ]
    for rows, (_, *runs) in took.items():
        seconds = [one.seconds for one in runs]
        used = statistics.median(one.of_processors for one in runs)
        peak = max(one.megabytes for one in runs)
        lines.append(f"| {rows:,} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {used:.2f} | {peak:.0f} |")
    print("\n".join(lines))
    if given.write:
        library_times.write("library_fresh", "\n".join(lines))


if __name__ == "__main__":
    main()
