"""How fast and how completely a library finds: `python -m benchmarks.library --rows 100000`.

Vectors are drawn by `benchmarks.clip_shaped`, fitted to the real ones of `--vectors`, questions are its real captions.
Each shape of filter is asked through the real source and conditions; the truth is the exact answer of the same run.
What is drawn and built is kept in `--work`, and used again by the next run. Each step has a process of its own, whose
peak memory is told. With `--rivals PYTHON`, an interpreter that has numpy, faiss-cpu, qdrant-edge-py, lancedb and
sqlite-vec, other engines are asked the same. Prints a table as Markdown; `--write` puts it into
`benchmarks/LIBRARY.md`.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lance
import numpy as np

from benchmarks.clip_shaped import REAL, Shape, Vectors
from benchmarks.library_rivals import ENGINES
from benchmarks.library_rows import SHAPES, Numbers, Rows, number_of
from phrasepix.library.description import EncoderColumn
from phrasepix.library.location import Location
from phrasepix.library.maintenance import tidy
from phrasepix.library.planner import plan_of
from phrasepix.library.predicates import condition_of
from phrasepix.library.retriever import LibraryRetriever
from phrasepix.library.schema import schema_of
from phrasepix.library.table import Library
from phrasepix.library.vector_search import coverage_of
from retriever.folder.profile import FOLDER

REPORT = Path(__file__).with_name("LIBRARY.md")
RIVALS = Path(__file__).with_name("library_rivals.py")
TOWER = "measured"
_RIVALS_ARE_ASKED = 10
_RIVAL_TIMEOUT_S = 300
_WARMING = 3
"""Questions under each filter that are not counted: the first reads the indexes."""


@dataclass(frozen=True, slots=True)
class Built:
    """Seconds that a library took to be written and to be indexed, and the peak memory of the process in MB."""

    write_s: float
    index_s: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a shape: how many rows fit, how they are found, recall against the exact answer, milliseconds of the clock and
    of the processors."""

    shape: str
    matching: int
    how: str
    recall: float
    p50_ms: float
    p95_ms: float
    processor_ms: float


def built(place: Location, rows: Rows) -> Built:
    """Write a library of the rows, as it is kept; its column is `TOWER`'s."""
    library = Library.open_or_create(place)
    dimensions = next(rows.blocks())[1].shape[1]
    column = library.column_for(EncoderColumn(tower=TOWER, dimensions=dimensions, model=TOWER))
    schema = schema_of(library.description)
    began = time.perf_counter()
    for some, vectors in rows.blocks():
        lance.write_dataset(rows.table(some, vectors, column, schema), library.location.table, mode="append")
    written = time.perf_counter()
    library.refresh()
    tidy(library, completely=True)
    return Built(written - began, time.perf_counter() - written, _peak_mb())


def measured(place: Location, rows: Rows, questions: Vectors, truth: Mapping[str, Numbers], top: int) -> list[Measured]:
    """Ask each question under each shape of filter, warm, as a search does."""
    library = Library.open(place)
    column = library.description.column_of(TOWER)
    assert column is not None
    source = LibraryRetriever(library, profile=FOLDER)
    found: list[Measured] = []
    for name, shape in SHAPES.items():
        filters = shape.filters
        for question in questions[:_WARMING]:
            _ = [*source.nearest(question[None], TOWER, limit=top, filters=filters)]
        times, recalls = [], []
        processors = time.process_time()
        for question, best in zip(questions, truth[name], strict=True):
            began = time.perf_counter()
            candidates = [*source.nearest(question[None], TOWER, limit=top, filters=filters)]
            times.append(time.perf_counter() - began)
            recalls.append(_recall([number_of(candidate.renditions[-1].url) for candidate, _ in candidates], best))
        processors = (time.process_time() - processors) / len(questions)
        found.append(
            Measured(
                name,
                int(rows.mask(shape).sum()),
                _how(library, column, condition_of(filters), top),
                float(np.mean(recalls)),
                float(np.percentile(times, 50) * 1e3),
                float(np.percentile(times, 95) * 1e3),
                processors * 1e3,
            )
        )
    return found


def _how(library: Library, column: str, where: str | None, top: int) -> str:
    """How rows are found, in words."""
    coverage = coverage_of(library, column)
    if coverage is None:
        plan = plan_of(library.dataset, column, where, top)
        return "all compared" if plan.is_exact else f"index, {plan.probes} parts"
    steps = coverage.shortlist.plan(top, coverage.matching(where)[0])
    looked_through = "" if steps.looked_through is None else f"of {steps.looked_through:,} "
    return f"shortlist, {looked_through}{steps.compared:,} compared"


def _recall(found: Sequence[int], best: Numbers) -> float:
    """Which share of the best, -1 where there are fewer, was found."""
    true = {*best.tolist()} - {-1}
    return len(true & {*found}) / max(1, len(true))


def truth_of(rows: Rows, questions: Vectors, top: int) -> dict[str, Numbers]:
    """Return the numbers of the `top` rows nearest to each question, best first, -1 where there are fewer, by shape."""
    nothing = np.full((len(questions), top), -np.inf, np.float32), np.full((len(questions), top), -1, np.intp)
    best = dict.fromkeys(SHAPES, nothing)
    masks = {name: rows.mask(shape) for name, shape in SHAPES.items()}
    for some, vectors in rows.blocks():
        scores = questions @ vectors.T
        for name, mask in masks.items():
            those = np.flatnonzero(mask[some])
            before, numbers = best[name]
            all_scores = np.hstack([before, scores[:, those]])
            all_numbers = np.hstack([numbers, np.broadcast_to(those + some.start, (len(questions), len(those)))])
            order = _best(all_scores, top)
            best[name] = np.take_along_axis(all_scores, order, 1), np.take_along_axis(all_numbers, order, 1)
    return {name: numbers for name, (_, numbers) in best.items()}


def _best(scores: Vectors, top: int) -> Numbers:
    some = np.argpartition(-scores, top - 1, axis=1)[:, :top]
    order = np.argsort(-np.take_along_axis(scores, some, 1), axis=1)
    chosen: Numbers = np.take_along_axis(some, order, 1)
    return chosen


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Run:
    """What is measured: so many `rows`, drawn from `seed` in the shape of `vectors`, kept in `work`."""

    rows: int
    questions: int
    top: int
    seed: int
    vectors: Path
    work: Path

    def load(self) -> tuple[Rows, Vectors]:
        """Return the rows, which are drawn if they are not there, and the questions, float32 [n, d]."""
        real = np.load(self.vectors)
        questions = real["caption"].astype(np.float32)[: self.questions]
        questions /= np.linalg.norm(questions, axis=1, keepdims=True)
        return Rows.kept(self.work, Shape.of(real["image"].astype(np.float32)), self.rows, self.seed), questions

    @property
    def library(self) -> Location:
        """Where the library is built."""
        return Location("measured", str(self.work / "library"))

    def draw(self) -> None:
        """Draw the rows, and keep what all engines are given: the questions, the filters, the exact answers."""
        rows, questions = self.load()
        np.save(self.work / "questions.npy", questions)
        ranges = {name: shape.ranges for name, shape in SHAPES.items()}
        (self.work / "shapes.json").write_text(json.dumps(ranges), encoding="utf-8")
        np.savez(self.work / "truth.npz", **truth_of(rows, questions, self.top))  # type: ignore[arg-type]

    def build(self) -> Built:
        """Build the library, unless it is there."""
        done = self.work / "built.json"
        if not done.is_file():
            rows, _ = self.load()
            done.write_text(json.dumps(asdict(built(self.library, rows))), encoding="utf-8")
        return Built(**json.loads(done.read_text("utf-8")))

    def ask(self) -> dict[str, Any]:
        """Ask the library."""
        rows, questions = self.load()
        truth = dict(np.load(self.work / "truth.npz"))
        before = _peak_mb()
        found = measured(self.library, rows, questions, truth, self.top)
        return {"shapes": [asdict(one) for one in found], "before_mb": before, "peak_mb": _peak_mb()}

    def step(self, name: str) -> Any:
        """Do a step in a process of its own; return what it printed."""
        words = [f"--{word}={getattr(self, word)}" for word in ("rows", "questions", "top", "seed", "vectors", "work")]
        command = [sys.executable, "-m", "benchmarks.library", *words, "--step", name]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def of_rivals(run: Run, python: str) -> Iterator[str]:
    """Yield lines on what other engines take for the same questions, each in a process of its own."""
    yield "| engine | MB | " + " | ".join(SHAPES) + " |"
    yield "|---|---:|" + "---:|" * len(SHAPES)
    for engine in ENGINES:
        command = [python, str(RIVALS), engine, str(run.work), f"--questions={_RIVALS_ARE_ASKED}"]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_RIVAL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            yield f"| {engine} | | was not ready within {_RIVAL_TIMEOUT_S} s, its store included |"
            continue
        if done.returncode:
            yield f"| {engine} | | could not be asked: {done.stderr.strip().rpartition(chr(10))[2][:200]} |"
            continue
        found = json.loads(done.stdout)
        cells = (f"{one['p50_ms']:.1f} / {one['p95_ms']:.0f} ({one['recall']:.3f})" for one in found["shapes"].values())
        yield f"| {engine} {found['version']} | {found['megabytes']:.0f} | {' | '.join(cells)} |"


def report(run: Run, rivals: str | None) -> str:
    """Measure, and return the report."""
    run.step("draw")
    build, asked = Built(**run.step("build")), run.step("ask")
    others = []
    if rivals is not None:
        others = [
            "",
            "Other engines in the same run, asked the first "
            f"{_RIVALS_ARE_ASKED} questions: p50 / p95 in ms (recall). The memory of those that map their files counts "
            "what the system keeps of these.",
            "",
            *of_rivals(run, rivals),
        ]
    lines = [
        f"| {one['shape']} | {one['matching']:,} | {one['how']} | {one['recall']:.3f} | {one['p50_ms']:.1f} | "
        f"{one['p95_ms']:.1f} | {one['processor_ms']:.1f} |"
        for one in asked["shapes"]
    ]
    return "\n".join(
        [
            f"{run.rows:,} rows, {run.questions} questions, recall@{run.top}; pylance {version('pylance')}, "
            f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, "
            f"{os.cpu_count()} cores. Written in {build.write_s:.0f} s, indexed in {build.index_s:.0f} s with a peak "
            f"memory of {build.megabytes:.0f} MB; asked with one of {asked['peak_mb']:.0f} MB.",
            "",
            "| filter | rows that fit | found by | recall | p50 ms | p95 ms | ms of processors |",
            "|---|---:|---|---:|---:|---:|---:|",
            *lines,
            *others,
        ]
    )


def main() -> None:
    """Run the benchmark, or a step of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vectors", type=Path, default=REAL)
    parser.add_argument("--work", type=Path, help="where what is drawn and built is kept; a temporary directory if not")
    parser.add_argument("--rivals", metavar="PYTHON", help="interpreter that has the other engines")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--step", choices=("draw", "build", "ask"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with ExitStack() as opened:
        work = asked.work or Path(opened.enter_context(tempfile.TemporaryDirectory()))
        run = Run(asked.rows, asked.questions, asked.top, asked.seed, asked.vectors, work)
        steps: Mapping[str, Callable[[], Any]] = {
            "draw": run.draw,
            "build": lambda: asdict(run.build()),
            "ask": run.ask,
        }
        if asked.step:
            print(json.dumps(steps[asked.step]()))
            return
        text = report(run, asked.rivals)
    print(text)
    if asked.write:
        rivals = " --rivals PYTHON" if asked.rivals else ""
        command = (
            f"python -m benchmarks.library --rows {asked.rows} --questions {asked.questions} --top {asked.top} "
            f"--seed {asked.seed}{rivals} --write"
        )
        head = f"# A library\n\n`{command}` (vectors drawn, filters by chance).\n\n"
        REPORT.write_text(head + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
