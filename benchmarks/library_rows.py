"""The rows that `benchmarks.library` asks for: vectors drawn into a file, what is said of each, and the filters."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from benchmarks.clip_shaped import BLOCK, Vectors
from benchmarks.clip_shaped import Shape as VectorShape
from phrasepix.library.schema import KEY
from retriever.filters import Filters
from retriever.folder.facts import Facts

VECTORS = "vectors.npy"
_FIRST_DAY = date(2000, 1, 1)
_DAYS = 25 * 365

Mask = NDArray[np.bool_]
Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filter: as people ask for it, and as `ranges` of the drawn columns, the first and the last value that fit."""

    filters: Filters
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)


_START, _END = date(2010, 3, 1), date(2011, 8, 31)
SHAPES: Final[Mapping[str, Shape]] = {
    "none": Shape(Filters()),
    "20 % (four stars or more, half the months)": Shape(
        Filters(min_rating=4, months=(1, 2, 3, 4, 5, 6)), {"rating": (4, 5), "month": (1, 6)}
    ),
    "4 % by two conditions": Shape(Filters(months=(1, 2), where="rating = 3"), {"rating": (3, 3), "month": (1, 2)}),
    "1 % (all of one keyword)": Shape(Filters(all_tags=("tag 7",)), {"tag": (7, 7)}),
    "3 % (any of three keywords)": Shape(Filters(any_tags=("tag 0", "tag 1", "tag 2")), {"tag": (0, 2)}),
    "97 % (none of three keywords)": Shape(Filters(no_tags=("tag 0", "tag 1", "tag 2")), {"tag": (3, 99)}),
    "0.01 % (a camera)": Shape(Filters(camera="camera 7"), {"camera": (7, 7)}),
    "a range of days (6 %)": Shape(
        Filters(since=_START, until=_END), {"day": ((_START - _FIRST_DAY).days, (_END - _FIRST_DAY).days)}
    ),
    "correlated (2.5 %)": Shape(Filters(all_tags=("subject 5",)), {"subject": (5, 5)}),
}


def _columns(subjects: Numbers, seed: int) -> dict[str, Numbers]:
    """What the rows say beside their vectors: by chance but for `subject`, which goes with the vectors."""
    random, count = np.random.default_rng(seed), len(subjects)
    days = random.integers(0, _DAYS, count)
    return {
        "day": days,
        "month": np.array([_date(day).month for day in range(_DAYS)])[days],
        "rating": random.integers(1, 6, count),
        "camera": random.integers(0, 10_000, count),
        "subject": subjects % 40,
        "tag": random.integers(0, 100, count),
    }


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that were drawn: unit vectors, float32 [n, d], in a file of `directory`, and `columns` of n numbers each."""

    directory: Path
    columns: Mapping[str, Numbers]

    @classmethod
    def kept(cls, directory: Path, shape: VectorShape, count: int, seed: int, *, clusters: int = 2000) -> Self:
        """Return the rows that `directory` holds; they are drawn if those there are others, or none."""
        directory.mkdir(parents=True, exist_ok=True)
        drawn, columns = directory / "drawn.json", directory / "columns.npz"
        wanted = json.dumps({"count": count, "dimensions": len(shape.mean), "seed": seed, "clusters": clusters})
        if not drawn.is_file() or drawn.read_text("utf-8") != wanted:
            drawn.unlink(missing_ok=True)
            size = (count, len(shape.mean))
            file = open_memmap(directory / VECTORS, mode="w+", dtype=np.float32, shape=size)
            subjects, place = [], 0
            for block, cluster in shape.blocks(count, seed, clusters=clusters):
                file[place : place + len(block)] = block
                place += len(block)
                subjects.append(cluster)
            file.flush()
            np.savez(columns, **_columns(np.concatenate(subjects), seed + 1))  # type: ignore[arg-type]
            drawn.write_text(wanted, encoding="utf-8")
        return cls(directory, dict(np.load(columns)))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.columns["day"])

    @property
    def pictures(self) -> Path:
        """The folder in which the rows say that their pictures are; there are none."""
        return self.directory.absolute() / "pictures"

    def blocks(self) -> Iterator[tuple[slice, Vectors]]:
        """Yield all vectors, some at once, with where they are; the file is not kept in memory."""
        for start in range(0, len(self), BLOCK):
            some = slice(start, min(start + BLOCK, len(self)))
            yield some, np.array(np.load(self.directory / VECTORS, mmap_mode="r")[some])

    def mask(self, shape: Shape) -> Mask:
        """Return which rows fit a filter, bool [n]."""
        fits = np.ones(len(self), dtype=bool)
        for column, (first, last) in shape.ranges.items():
            fits &= (self.columns[column] >= first) & (self.columns[column] <= last)
        return fits

    def table(self, some: slice, vectors: Vectors, column: str, schema: pa.Schema) -> pa.Table:
        """Return some of the rows as a library has them, with their vectors in `column`."""
        numbers, said = range(some.start, some.stop), Facts(width=4000, height=3000)
        of = {name: values[some].tolist() for name, values in self.columns.items()}
        days = [_date(day) for day in of["day"]]
        tags = [[f"tag {tag}", f"subject {subject}"] for tag, subject in zip(of["tag"], of["subject"], strict=True)]
        cameras = [f"camera {one}" for one in of["camera"]]
        known = {
            KEY: [(self.pictures / f"{number}.jpg").as_uri() for number in numbers],
            "digest": [f"{number:024x}" for number in numbers],
            "folder": [self.pictures.as_uri()] * len(numbers),
            "path": [str(self.pictures / f"{number}.jpg") for number in numbers],
            "media": ["photo"] * len(numbers),
            "taken_on": days,
            "taken_year": [day.year for day in days],
            "taken_month": of["month"],
            "taken_day": [day.day for day in days],
            "rating": of["rating"],
            "camera": cameras,
            "camera_key": cameras,
            "tags": tags,
            "tag_keys": tags,
            "facts": [
                said.but(taken_on=day, camera=camera, keywords=tuple(said_tags)).to_json()
                for day, camera, said_tags in zip(days, cameras, tags, strict=True)
            ],
        }
        arrays = [
            pa.array(known[field.name], field.type) if field.name in known else pa.nulls(len(numbers), field.type)
            for field in schema
            if field.name != column
        ]
        arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]))
        return pa.Table.from_arrays(arrays, schema=schema)


def number_of(key: str) -> int:
    """Return the number of the row that has a key."""
    return int(key.rpartition("/")[2].removesuffix(".jpg"))


def _date(day: int) -> date:
    return _FIRST_DAY + timedelta(days=int(day))
