"""Other engines asked what `benchmarks.library` asks: `python benchmarks/library_rivals.py ENGINE DIRECTORY`.

Runs in an interpreter of its own, which has numpy and the engine, and none of the project. `DIRECTORY` holds what
`benchmarks.library` drew: vectors, columns of facts, filters as ranges of these, questions and exact answers. What an
engine builds stays there for the next run. Prints its figures as JSON.
"""

import argparse
import json
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Ranges = Mapping[str, tuple[int, int]]
"""By column the least and the greatest value, both of which fit."""
Ask = Callable[[Any, Ranges, int], Sequence[int]]
"""Finds the numbers of the rows nearest to a vector, of those in all ranges."""
_BLOCK = 20_000
_WARMING = 2


class Drawn:
    """What was drawn: `vectors`, float32 [n, d], and `columns`, int64 [n] each."""

    def __init__(self, directory: Path) -> None:
        self.vectors: Any = np.load(directory / "vectors.npy", mmap_mode="r")
        self.columns: dict[str, Any] = dict(np.load(directory / "columns.npz"))

    def blocks(self) -> Iterator[slice]:
        """Yield slices of all rows."""
        for start in range(0, len(self.vectors), _BLOCK):
            yield slice(start, min(start + _BLOCK, len(self.vectors)))

    def mask(self, ranges: Ranges) -> Any:
        """Return which rows are in all ranges, bool [n]."""
        fits = np.ones(len(self.vectors), dtype=bool)
        for column, (least, greatest) in ranges.items():
            fits &= (self.columns[column] >= least) & (self.columns[column] <= greatest)
        return fits


def numpy_exact(drawn: Drawn, place: Path) -> Ask:
    """Every row that fits is compared; the vectors lie in a file that is mapped into memory."""
    kept: dict[tuple[Any, ...], Any] = {}

    def ask(vector: Any, ranges: Ranges, top: int) -> Sequence[int]:
        key = tuple(ranges.items())
        if key not in kept:  # as if there were an index of the columns
            kept[key] = np.flatnonzero(drawn.mask(ranges))
        rows = kept[key]
        few = len(rows) < 0.1 * len(drawn.vectors)
        scores = np.asarray(drawn.vectors[rows]) @ vector if few else (drawn.vectors @ vector)[rows]
        most = min(top, len(rows))
        return [int(row) for row in rows[np.argpartition(-scores, most - 1)[:most]]]

    return ask


def faiss_ivf(drawn: Drawn, place: Path) -> Ask:
    """IVF with 2 √n parts, of which a quarter is searched; eight bits a dimension; rows that fit as a bitmap."""
    faiss: Any = import_module("faiss")

    file = place / "ivf.faiss"
    if not file.is_file():
        count, dimensions = drawn.vectors.shape
        quantizer = faiss.IndexFlatIP(dimensions)
        parts = int(2 * count**0.5)
        index = faiss.IndexIVFScalarQuantizer(
            quantizer, dimensions, parts, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.niter = 8
        chosen = np.sort(np.random.default_rng(0).choice(count, min(count, 40 * parts), replace=False))
        index.train(np.asarray(drawn.vectors[chosen]))
        for some in drawn.blocks():
            index.add(np.asarray(drawn.vectors[some]))
        faiss.write_index(index, str(file))
    index = faiss.read_index(str(file))
    kept: dict[tuple[Any, ...], Any] = {}

    def ask(vector: Any, ranges: Ranges, top: int) -> Sequence[int]:
        key = tuple(ranges.items())
        if key not in kept:
            bits = np.packbits(drawn.mask(ranges), bitorder="little")
            kept[key] = bits, faiss.IDSelectorBitmap(bits)
        selector = kept[key][1] if ranges else None
        searched = faiss.SearchParametersIVF(nprobe=index.nlist // 4, sel=selector)
        return [int(row) for row in index.search(vector[None], top, params=searched)[1][0]]

    return ask


def qdrant_edge(drawn: Drawn, place: Path) -> Ask:
    """Exact: its index of a million did not get ready in 25 minutes. Payload is indexed."""
    q: Any = import_module("qdrant_edge")

    shard_at, done = place / "shard", place / "done"
    if not done.is_file():
        shutil.rmtree(shard_at, ignore_errors=True)
        shard_at.mkdir()
        vectors = q.EdgeVectorParams(size=drawn.vectors.shape[1], distance=q.Distance.Dot, on_disk=True)
        shard = q.EdgeShard.create(str(shard_at), q.EdgeConfig(vectors=vectors))
        for column in drawn.columns:
            shard.update(q.UpdateOperation.create_field_index(column, q.PayloadSchemaType.Integer))
        for some in drawn.blocks():
            values = {name: column[some].tolist() for name, column in drawn.columns.items()}
            vectors_of = drawn.vectors[some].tolist()
            points = [
                q.Point(some.start + at, vector, {name: column[at] for name, column in values.items()})
                for at, vector in enumerate(vectors_of)
            ]
            shard.update(q.UpdateOperation.upsert_points(points))
        shard.flush()
        shard.close()
        done.touch()
    shard = q.EdgeShard.load(str(shard_at))

    def ask(vector: Any, ranges: Ranges, top: int) -> Sequence[int]:
        must = [
            q.FieldCondition(column, range=q.RangeFloat(gte=least, lte=greatest))
            for column, (least, greatest) in ranges.items()
        ]
        found = shard.search(
            q.SearchRequest(
                query=q.Query.Nearest(vector.tolist()),
                limit=top,
                filter=q.Filter(must=must) if must else None,
                params=q.SearchParams(exact=True),
            )
        )
        return [int(point.id) for point in found]

    return ask


def lancedb(drawn: Drawn, place: Path) -> Ask:
    """IVF_RQ with five bits, the columns indexed; 150 parts searched, ten times as many compared exactly."""
    engine, indexes, pa = (import_module(name) for name in ("lancedb", "lancedb.index", "pyarrow"))

    database, done = engine.connect(str(place)), place / "done"
    if not done.is_file():
        database.drop_all_tables()
        table = None
        for some in drawn.blocks():
            flat = pa.array(np.asarray(drawn.vectors[some]).ravel())
            columns = {name: pa.array(column[some]) for name, column in drawn.columns.items()}
            columns["id"] = pa.array(np.arange(some.start, some.stop))
            columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, drawn.vectors.shape[1])
            rows = pa.table(columns)
            if table is None:
                table = database.create_table("pictures", rows)
            else:
                table.add(rows)
        assert table is not None
        table.create_index("vector", config=indexes.IvfRq(distance_type="cosine", num_bits=5))
        for name in drawn.columns:
            table.create_index(name, config=indexes.Bitmap())
        done.touch()
    table = database.open_table("pictures")

    def ask(vector: Any, ranges: Ranges, top: int) -> Sequence[int]:
        query = table.search(vector).distance_type("cosine").nprobes(150).refine_factor(10).select(["id"]).limit(top)
        if ranges:
            where = (f"{column} BETWEEN {least} AND {greatest}" for column, (least, greatest) in ranges.items())
            query = query.where(" AND ".join(where), prefilter=True)
        return [int(row) for row in query.to_arrow()["id"].to_pylist()]

    return ask


def sqlite_vec(drawn: Drawn, place: Path) -> Ask:
    """Exact, which is all it has; the facts are metadata columns."""
    engine: Any = import_module("sqlite_vec")

    done = place / "done"
    connection = sqlite3.connect(place / "vectors.sqlite")
    connection.enable_load_extension(True)
    engine.load(connection)
    names = list(drawn.columns)
    if not done.is_file():
        connection.execute("DROP TABLE IF EXISTS pictures")
        facts = ", ".join(f"{name} integer" for name in names)
        dimensions = drawn.vectors.shape[1]
        connection.execute(f"CREATE VIRTUAL TABLE pictures USING vec0(vector float[{dimensions}], {facts})")
        marks = ", ".join("?" * (len(names) + 2))
        for some in drawn.blocks():
            values = [drawn.columns[name][some].tolist() for name in names]
            rows = zip(range(some.start, some.stop), drawn.vectors[some], *values, strict=True)
            connection.executemany(
                f"INSERT INTO pictures(rowid, vector, {', '.join(names)}) VALUES ({marks})",
                ((number, np.asarray(vector).tobytes(), *facts) for number, vector, *facts in rows),
            )
            connection.commit()
        done.touch()

    def ask(vector: Any, ranges: Ranges, top: int) -> Sequence[int]:
        where = "".join(f" AND {column} >= ? AND {column} <= ?" for column in ranges)
        ends = [end for both in ranges.values() for end in both]
        found = connection.execute(
            f"SELECT rowid FROM pictures WHERE vector MATCH ? AND k = ?{where}", [vector.tobytes(), top, *ends]
        )
        return [row for (row,) in found]

    return ask


ENGINES: Mapping[str, tuple[str, Callable[[Drawn, Path], Ask]]] = {
    "numpy exact": ("numpy", numpy_exact),
    "faiss": ("faiss-cpu", faiss_ivf),
    "qdrant-edge": ("qdrant-edge-py", qdrant_edge),
    "lancedb": ("lancedb", lancedb),
    "sqlite-vec": ("sqlite-vec", sqlite_vec),
}


def measure(engine: str, directory: Path, questions: int) -> dict[str, Any]:
    """Build what is missing, ask, and return the figures: by shape recall, and milliseconds at the median and p95."""
    drawn = Drawn(directory)
    asked, truth = np.load(directory / "questions.npy")[:questions], np.load(directory / "truth.npz")
    package, open_engine = ENGINES[engine]
    place = directory / engine.replace(" ", "-")
    place.mkdir(exist_ok=True)
    began = time.perf_counter()
    ask = open_engine(drawn, place)
    opened = time.perf_counter() - began
    found: dict[str, Any] = {}
    for shape, said in json.loads((directory / "shapes.json").read_text("utf-8")).items():
        ranges = {column: (least, greatest) for column, (least, greatest) in said.items()}
        for question in asked[:_WARMING]:
            ask(question, ranges, truth[shape].shape[1])
        times, recalls = [], []
        processors = time.process_time()
        for question, best in zip(asked, truth[shape], strict=False):
            began = time.perf_counter()
            rows = ask(question, ranges, len(best))
            times.append(1e3 * (time.perf_counter() - began))
            true = {*best.tolist()} - {-1}
            recalls.append(len(true & {*rows}) / max(1, len(true)))
        processors = 1e3 * (time.process_time() - processors) / len(asked)
        p50, p95 = np.percentile(times, (50, 95))
        found[shape] = {"recall": float(np.mean(recalls)), "p50_ms": p50, "p95_ms": p95, "processor_ms": processors}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"version": version(package), "opened_s": opened, "megabytes": peak, "shapes": found}


def main() -> None:
    """Measure an engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--questions", type=int, default=20)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.engine, asked.directory, asked.questions)))


if __name__ == "__main__":
    main()
