"""The shortlist beside a library's table on this machine: which rows may be the nearest to a vector, in milliseconds.

It can be made again at any time, and is believed in nothing but that: rows and distances come from the table. Each row
has two codes. Of the first principal axes of the vectors a product quantiser keeps two bits each (Jégou, Douze, Schmid
2011), which faiss compares in registers (André, Kermarrec, Le Scouarnec 2015: “fast scan”); of all axes a scalar
quantiser keeps eight bits. All rows are compared by the first code, hundreds by the second, and a few in the table.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from math import ceil, sqrt
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from phrasepix.library.location import Location
from reranker.encoder import Embeddings

DIRECTORY: Final = "shortlist"
FORMAT: Final = 1
AXES, COARSE, COARSE_CODES, FINE, FINE_CODES, STATES = FILES = (
    "axes.npy",  # float32 [d + 1, d]: the mean, and the axes as columns
    "coarse.faiss",
    "coarse.npy",  # uint8 [n, bytes]: the codes as they are before faiss packs them, for the next shortlist alone
    "fine.faiss",
    "fine.npy",  # uint8 [n, d]
    "states.npy",  # uint8 [n]
)
HAS_VECTOR, WITHOUT_VECTOR, DELETED = 0, 1, 2
"""What `states` say of a row, as it was when it was encoded."""

_COMPARED: Final = 600
"""How many rows are compared by their second codes, times the root of how many are wanted (`benchmarks/library.py`: the
200 nearest of a million are among 8,000 by their first codes, the ten nearest among 1,500, in 99 % of the cases)."""
_SPARE: Final = 1.2
"""How many times as many are looked through for those that fit a filter as would be enough if it were by chance."""
_SCAN_NS, _FETCH_NS, _COMPARE_NS = 3, 100, 400
"""What it takes to compare a row by its first code, to bring one forth for that, and to compare one by its second."""
_AT_ONCE: Final = 4096
"""Rows compared at once by their second codes: they stay in the processor's cache."""

_MOST_OPENED: Final = 8
"""How many shortlists a process keeps open."""
_opened: dict[Path, tuple[tuple[int, ...], "Shortlist"]] = {}
"""By the file that points to it, whose state tells whether it is still the last: an old one would keep its place on the
disk."""

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """A fragment of the table that is encoded: its number, the files of its vectors, and its rows, deleted ones too."""

    fragment: int
    files: str
    rows: int


@dataclass(frozen=True, slots=True)
class About:
    """What a shortlist is of; `directory` has its files, of so many bytes, `learned_from` rows made its axes."""

    directory: str
    dimensions: int
    learned_from: int
    parts: tuple[Part, ...]
    sizes: Mapping[str, int]

    @property
    def rows(self) -> int:
        """How many rows are encoded."""
        return sum(part.rows for part in self.parts)

    def to_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what was kept. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("a shortlist of another format")
        return cls(**data | {"parts": tuple(Part(**part) for part in data["parts"])})


@dataclass(frozen=True, slots=True)
class ShortlistPlan:
    """How rows are found: `compared` by their second codes, the best of `looked_through` by their first ones."""

    compared: int
    looked_through: int | None = None
    """None: all that fit are compared by their second codes."""


class Shortlist:
    """An open shortlist. Several threads may ask it at once, and several processes read its files."""

    def __init__(self, about: About, directory: Path) -> None:
        import faiss  # whoever has no shortlist does without

        for name in FILES:
            if (directory / name).stat().st_size != about.sizes[name]:
                raise ValueError(f"{name} is damaged")
        self.about = about
        self.directory = directory
        shape = about.rows, about.dimensions
        self.axes: Embeddings = np.load(directory / AXES)
        self.states: NDArray[np.uint8] = np.load(directory / STATES)
        self.fine_codes: NDArray[np.uint8] = np.load(directory / FINE_CODES, mmap_mode="r")
        self.coarse = faiss.read_index(str(directory / COARSE))
        self.fine = faiss.read_index(str(directory / FINE))
        if (
            self.axes.shape != (shape[1] + 1, shape[1])
            or self.states.shape != shape[:1]
            or self.fine_codes.shape != shape
            or self.coarse.ntotal != shape[0]
            or self.coarse.d > shape[1]
            or self.fine.d != shape[1]
        ):
            raise ValueError("the files of a shortlist do not belong together")

    def plan(self, wanted: int, matching: int) -> ShortlistPlan:
        """Return how the nearest `wanted` of `matching` rows are found: as it takes the least time."""
        total = self.about.rows
        compared = ceil(_COMPARED * sqrt(wanted))
        if matching <= compared:
            return ShortlistPlan(matching)
        looked_through = compared if matching == total else ceil(_SPARE * compared * total / matching)
        by_coarse = total * _SCAN_NS + looked_through * _FETCH_NS + compared * _COMPARE_NS
        if looked_through >= total or matching * _COMPARE_NS <= by_coarse:
            return ShortlistPlan(matching)
        return ShortlistPlan(compared, looked_through)

    def nearest(self, vector: Embeddings, wanted: int, fitting: Mask | None) -> Numbers:
        """Return the rows, `wanted` and a few more, that are the nearest to a unit vector by their codes, best first.

        They are numbers among all that are encoded; only those that are `fitting` (None: all) are looked at. The few
        more are to be compared by what the table has: second codes mistake neighbours, and lose 3 % of ten.
        """
        import faiss

        # Of this thread: a question is too little to share, and waking another takes longer.
        faiss.omp_set_num_threads(1)
        # By one thread as well, as BLAS would not.
        query = np.einsum("i,ij->j", vector, self.axes[1:], dtype=np.float32)[None]
        total = self.about.rows
        matching = total if fitting is None else int(np.count_nonzero(fitting))
        if matching == total:
            fitting = None
        plan = self.plan(wanted, matching)
        rows = None if plan.looked_through is None else self._likely(query, plan, fitting)
        if rows is None:
            rows = np.arange(total) if fitting is None else np.flatnonzero(fitting)
        return self._best_of(rows, query, wanted + max(5, wanted // 10))

    def _likely(self, query: Embeddings, plan: ShortlistPlan, fitting: Mask | None) -> Numbers | None:
        """The best `compared` by their first codes of those that fit; None where a filter keeps too few of the best."""
        assert plan.looked_through is not None  # noqa: S101  # whoever looks at all does not ask
        start = np.ascontiguousarray(query[:, : self.coarse.d])
        looked_through = plan.looked_through
        while looked_through < self.about.rows:
            best: Numbers = self.coarse.search(start, looked_through)[1][0]
            best = best[best >= 0]
            kept = best if fitting is None else best[fitting[best]]
            if len(kept) >= plan.compared:
                return kept[: plan.compared]
            looked_through *= 4
        return None

    def _best_of(self, rows: Numbers, query: Embeddings, count: int) -> Numbers:
        """The best by their second codes, best first."""
        import faiss

        some = faiss.IndexScalarQuantizer(self.about.dimensions, self.fine.sq.qtype, faiss.METRIC_INNER_PRODUCT)
        some.sq, some.is_trained = self.fine.sq, True
        scores, best = np.empty(0, np.float32), np.empty(0, np.int64)
        for start in range(0, len(rows), _AT_ONCE):
            those = rows[start : start + _AT_ONCE]
            some.reset()
            some.add_sa_codes(np.ascontiguousarray(self.fine_codes[those]))
            found_scores, found = some.search(query, min(count, len(those)))
            scores, best = np.append(scores, found_scores[0]), np.append(best, those[found[0]])
            order = np.argsort(-scores, kind="stable")[:count]
            scores, best = scores[order], best[order]
        return best


def is_usable(location: Location) -> bool:
    """Whether a library has shortlists: it is on this machine, which is one where faiss goes with what else is used.

    On macOS and Windows faiss and torch bring an OpenMP each, and the second that is loaded ends the process
    (faiss-wheels, issues 40 and 73).
    """
    return not location.is_uri and sys.platform == "linux" and find_spec("faiss") is not None


def pointer_of(location: Location, column: str) -> Path:
    """Return the file that says where the shortlist of a column is, and what it is of."""
    return Path(location.base, DIRECTORY, f"{column}.json")


def read_shortlist(location: Location, column: str) -> Shortlist | None:
    """Return the shortlist of a column, opened once in a process; None if there is none that can be used."""
    if not is_usable(location):
        return None
    pointer = pointer_of(location, column)
    for _ in range(2):  # another process may put a new one in place between the two files
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError):
            status = pointer.stat()
            state = status.st_ino, status.st_mtime_ns, status.st_size
            known = _opened.get(pointer)
            if known is None or known[0] != state:
                about = About.from_json(pointer.read_text("utf-8"))
                if len(_opened) >= _MOST_OPENED:
                    _opened.clear()
                known = _opened[pointer] = state, Shortlist(about, pointer.with_name(about.directory))
            return known[1]
    _opened.pop(pointer, None)
    return None


def parts_of(dataset: Any, column: str) -> dict[Part, Any]:
    """Return the fragments of a table that can be encoded, by what tells whether their vectors are still the same.

    A fragment's files never change; a row that is written anew goes to another fragment.
    """
    number = dataset.lance_schema.field(column).id()
    found: dict[Part, Any] = {}
    for fragment in dataset.get_fragments():
        files = [file.path for file in fragment.metadata.files if number in file.fields]
        files += map(str, fragment.metadata.overlays)
        if files:  # where there is none, the column was added later, and has no vectors yet
            found[Part(fragment.fragment_id, " ".join(files), fragment.physical_rows)] = fragment
    return found


def row_ids(dataset: Any, where: str | None, fragments: list[Any] | None = None) -> NDArray[np.uint64]:
    """Return the ids of the rows for which `where` holds: a fragment's number above 32 bits of the place in it."""
    scanner = dataset.scanner(columns=[], filter=where, fragments=fragments, with_row_id=True, scan_in_order=False)
    ids: NDArray[np.uint64] = scanner.to_table()["_rowid"].to_numpy()
    return ids
