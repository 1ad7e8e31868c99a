"""How fast and how completely a library finds: `python -m benchmarks.library --rows 100000`.

Vectors are drawn by `benchmarks.clip_shaped`, fitted to the real ones of `--vectors`, questions are its real captions.
Each shape of filter is asked through the real planner and conditions; the truth is the exact answer of the same run.
Prints a table as Markdown; `--write` puts it into `benchmarks/LIBRARY.md`.
"""

import argparse
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.clip_shaped import REAL, Shape, Vectors
from phrasepix.library.description import EncoderColumn
from phrasepix.library.location import Location
from phrasepix.library.maintenance import tidy
from phrasepix.library.planner import nearest, plan_of
from phrasepix.library.predicates import condition_of
from phrasepix.library.schema import KEY, schema_of
from phrasepix.library.table import Library
from retriever.filters import Filters

REPORT = Path(__file__).with_name("LIBRARY.md")
_AT_ONCE = 50_000
_FIRST_DAY = date(2000, 1, 1)
_DAYS = 25 * 365

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rows say beside their vectors, drawn by chance but for `subject`, which goes with the vectors."""

    day: NDArray[np.intp]
    rating: NDArray[np.intp]
    camera: NDArray[np.intp]
    subject: NDArray[np.intp]
    tag: NDArray[np.intp]

    @classmethod
    def drawn(cls, subjects: NDArray[np.intp], seed: int) -> "Facts":
        """Return the facts of as many rows as there are subjects."""
        random, count = np.random.default_rng(seed), len(subjects)
        return cls(
            day=random.integers(0, _DAYS, count),
            rating=random.integers(1, 6, count),
            camera=random.integers(0, 10_000, count),
            subject=subjects % 40,
            tag=random.integers(0, 100, count),
        )


def _date(day: int) -> date:
    return _FIRST_DAY + timedelta(days=int(day))


def shapes(facts: Facts) -> Mapping[str, tuple[Filters, Mask]]:
    """Return each shape of filter with the rows that fit it."""
    months = np.array([_date(day).month for day in range(_DAYS)])[facts.day]
    start, end = date(2010, 3, 1), date(2011, 8, 31)
    first, last = ((one - _FIRST_DAY).days for one in (start, end))
    everything = np.ones(len(facts.day), dtype=bool)
    tags = (facts.tag < 3, facts.tag == 7)
    return {
        "none": (Filters(), everything),
        "20 % (four stars or more, half the months)": (
            Filters(min_rating=4, months=(1, 2, 3, 4, 5, 6)),
            (facts.rating >= 4) & (months <= 6),
        ),
        "4 % by two conditions": (Filters(months=(1, 2), where="rating = 3"), (facts.rating == 3) & (months <= 2)),
        "1 % (a keyword)": (Filters(all_tags=("tag 7",)), tags[1]),
        "3 % (any of three keywords)": (Filters(any_tags=("tag 0", "tag 1", "tag 2")), tags[0]),
        "0.01 % (a camera)": (Filters(camera="camera 7"), facts.camera == 7),
        "a range of days (6 %)": (Filters(since=start, until=end), (facts.day >= first) & (facts.day <= last)),
        "correlated (2.5 %)": (Filters(all_tags=("subject 5",)), facts.subject == 5),
    }


def built(directory: Path, vectors: Vectors, facts: Facts) -> tuple[Library, str, float, float]:
    """Return a library of the rows, its column, and the seconds it took to write and to index."""
    library = Library.open_or_create(Location("measured", str(directory)))
    column = library.column_for(EncoderColumn(tower="measured", dimensions=vectors.shape[1], model="measured"))
    schema = schema_of(library.description)
    began = time.perf_counter()
    for start in range(0, len(vectors), _AT_ONCE):
        some = slice(start, min(start + _AT_ONCE, len(vectors)))
        lance.write_dataset(_rows(vectors, facts, some, column, schema), library.location.table, mode="append")
    written = time.perf_counter()
    library.refresh()
    tidy(library, completely=True)
    return library, column, written - began, time.perf_counter() - written


def _rows(vectors: Vectors, facts: Facts, some: slice, column: str, schema: pa.Schema) -> pa.Table:
    numbers = range(some.start, some.stop)
    days = [_date(day) for day in facts.day[some]]
    tags = [
        [f"tag {tag}", f"subject {subject}"] for tag, subject in zip(facts.tag[some], facts.subject[some], strict=True)
    ]
    cameras = [f"camera {one}" for one in facts.camera[some]]
    known = {
        KEY: [f"file:///pictures/{number}.jpg" for number in numbers],
        "digest": [f"{number:024x}" for number in numbers],
        "folder": ["file:///pictures"] * len(numbers),
        "path": [f"/pictures/{number}.jpg" for number in numbers],
        "taken_on": days,
        "taken_year": [day.year for day in days],
        "taken_month": [day.month for day in days],
        "taken_day": [day.day for day in days],
        "rating": facts.rating[some],
        "camera": cameras,
        "camera_key": cameras,
        "tags": tags,
        "tag_keys": tags,
    }
    arrays = [
        pa.array(known[field.name], field.type) if field.name in known else pa.nulls(len(numbers), field.type)
        for field in schema
        if field.name != column
    ]
    flat = pa.array(np.ascontiguousarray(vectors[some]).ravel())
    arrays.append(pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))
    return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a shape: how many rows fit, how they are found, recall against the exact answer, milliseconds."""

    shape: str
    matching: int
    how: str
    recall: float
    p50_ms: float
    p95_ms: float
    exact_p50_ms: float


def measured(
    library: Library, column: str, vectors: Vectors, facts: Facts, questions: Vectors, top: int
) -> list[Measured]:
    """Ask each question under each shape of filter, warm."""
    found: list[Measured] = []
    for shape, (filters, mask) in shapes(facts).items():
        where = condition_of(filters)
        rows = np.flatnonzero(mask)
        those = vectors if mask.all() else vectors[rows]
        recalls, times, exact_times = [], [], []
        _ = nearest(library.dataset, column, questions[0], top, where, [KEY])
        for question in questions:
            seconds, table = _timed(nearest, library.dataset, column, question, top, where, [KEY])
            times.append(seconds)
            seconds, truth = _timed(_exact, those, question, top)
            exact_times.append(seconds)
            numbers = [
                int(key.removeprefix("file:///pictures/").removesuffix(".jpg")) for key in table[KEY].to_pylist()
            ]
            recalls.append(len(set(numbers) & set(rows[truth].tolist())) / max(1, min(top, len(rows))))
        plan = plan_of(library.dataset, column, where, top)
        how = "all compared" if plan.is_exact else f"index, {plan.probes} parts"
        p50, p95 = (float(np.percentile(times, share) * 1e3) for share in (50, 95))
        exact = float(np.percentile(exact_times, 50) * 1e3)
        found.append(Measured(shape, len(rows), how, float(np.mean(recalls)), p50, p95, exact))
    return found


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - began, result


def _exact(vectors: Vectors, question: Vectors, top: int) -> NDArray[np.intp]:
    scores = vectors @ question
    most = min(top, len(scores))
    best: NDArray[np.intp] = np.argpartition(-scores, most - 1)[:most]
    return best


def report(rows: int, questions: int, top: int, seed: int, vectors_file: Path) -> str:
    """Measure, and return the report."""
    real = np.load(vectors_file)
    captions = real["caption"].astype(np.float32)[:questions]
    captions /= np.linalg.norm(captions, axis=1, keepdims=True)
    vectors, subjects = Shape.of(real["image"].astype(np.float32)).drawn(rows, seed)
    facts = Facts.drawn(subjects, seed + 1)
    with tempfile.TemporaryDirectory() as directory:
        library, column, write_s, index_s = built(Path(directory) / "library", vectors, facts)
        lines = [
            f"| {one.shape} | {one.matching:,} | {one.how} | {one.recall:.3f} | {one.p50_ms:.1f} | {one.p95_ms:.1f} | "
            f"{one.exact_p50_ms:.1f} |"
            for one in measured(library, column, vectors, facts, captions, top)
        ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return "\n".join(
        [
            f"{rows:,} × {vectors.shape[1]}, {len(captions)} questions, recall@{top}; pylance {version('pylance')}, "
            f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}. Written in "
            f"{write_s:.1f} s, indexed in {index_s:.1f} s; peak memory {peak:.1f} GiB, of which the vectors drawn, "
            f"which the exact answer is made of, are {vectors.nbytes / (1 << 30):.1f}.",
            "",
            "| filter | rows that fit | found by | recall | p50 ms | p95 ms | numpy over those rows, p50 ms |",
            "|---|---:|---|---:|---:|---:|---:|",
            *lines,
        ]
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vectors", type=Path, default=REAL)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    text = report(asked.rows, asked.questions, asked.top, asked.seed, asked.vectors)
    print(text)
    if asked.write:
        command = (
            f"python -m benchmarks.library --rows {asked.rows} --questions {asked.questions} --top {asked.top} "
            f"--seed {asked.seed} --write"
        )
        head = f"# A library\n\n`{command}` (vectors drawn, filters by chance).\n\n"
        REPORT.write_text(head + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
