"""The rows of a library that are nearest to a vector: by its shortlist, if there is one, else by Lance."""

from dataclasses import dataclass
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from phrasepix.library import planner
from phrasepix.library.shortlist import (
    DELETED,
    HAS_VECTOR,
    Mask,
    Numbers,
    Part,
    Shortlist,
    parts_of,
    read_shortlist,
    row_ids,
)
from phrasepix.library.table import Library
from reranker.encoder import Embeddings

_MOST_WANTED: Final = 0.1
"""Which share of the rows is found by the shortlist at most: who wants more has all compared."""
_MOST_BEYOND: Final = 0.5
"""Which share of the rows may be missing from a shortlist: they are compared one by one."""
_MOST_FILTERS: Final = 64
"""How many filters' rows are remembered, a bit for each row."""
_coverages: WeakKeyDictionary[Any, dict[tuple[int, str], "Coverage | None"]] = WeakKeyDictionary()
"""What shortlists cover, by open dataset, its version, and column."""


def nearest_rows(
    library: Library, column: str, vector: Embeddings, limit: int, where: str | None, columns: list[str]
) -> Any:
    """Return the `limit` rows nearest to a unit vector by cosine, nearest first, of those for which `where` holds.

    A pyarrow table of `columns` and `_distance`; rows without a vector are never among them. The filter is applied
    before the search, never after it.
    """
    coverage = coverage_of(library, column)
    if coverage is None or limit > _MOST_WANTED * coverage.rows:
        return planner.nearest(library.dataset, column, vector, limit, where, columns)
    return coverage.nearest(vector, limit, where, columns)


def coverage_of(library: Library, column: str) -> "Coverage | None":
    """Return what the shortlist of a column covers of a library, as that is open; None if it is of no use."""
    dataset = library.dataset
    known, question = _coverages.setdefault(dataset, {}), (dataset.version, column)
    shortlist = read_shortlist(library.location, column)
    if shortlist is None:
        return None
    coverage = known.get(question)
    if coverage is None or coverage.shortlist is not shortlist:
        coverage = known[question] = Coverage.of(dataset, column, shortlist)
    return coverage if coverage.rows_beyond <= _MOST_BEYOND * coverage.rows else None


@dataclass(frozen=True, slots=True)
class _Fitting:
    """The rows that fit a filter: bits of those that are covered (None: all of them), and how many there are beyond."""

    bits: NDArray[np.uint8] | None
    beyond: int


class Coverage:
    """The rows of a dataset that a shortlist has codes of, and the fragments beyond it, whose rows are compared all."""

    def __init__(
        self,
        dataset: Any,
        column: str,
        shortlist: Shortlist,
        starts: dict[int, int],
        there: Mask,
        beyond: dict[Part, Any],
    ) -> None:
        self.shortlist = shortlist
        self.rows_beyond = sum(fragment.count_rows() for fragment in beyond.values())
        self.rows = int(np.count_nonzero(there)) + self.rows_beyond
        self._dataset = dataset
        self._column = column
        self._beyond = [*beyond.values()]
        self._there = there
        fragments = sorted(starts)
        self._fragments = np.array(fragments, dtype=np.int64)
        self._starts = np.array([starts[one] for one in fragments], dtype=np.int64)
        self._by_place = np.argsort(self._starts)
        self._fitting: dict[str | None, _Fitting] = {}

    @classmethod
    def of(cls, dataset: Any, column: str, shortlist: Shortlist) -> Self:
        """Compare a dataset with what a shortlist was made of: rows that are deleted or written anew are not covered.

        A fragment of which rows are there that were deleted when it was encoded, for the table went back to an earlier
        version, is beyond the shortlist as a whole.
        """
        parts = parts_of(dataset, column)
        there = np.zeros(shortlist.about.rows, dtype=bool)
        starts: dict[int, int] = {}
        place = 0
        for part in shortlist.about.parts:
            here = slice(place, place + part.rows)
            place += part.rows
            if part not in parts:
                continue
            is_there = _alive(dataset, parts[part])
            if np.any(is_there & (shortlist.states[here] == DELETED)):
                continue
            starts[part.fragment] = here.start
            there[here] = is_there & (shortlist.states[here] == HAS_VECTOR)
            del parts[part]
        return cls(dataset, column, shortlist, starts, there, parts)

    def nearest(self, vector: Embeddings, limit: int, where: str | None, columns: list[str]) -> Any:
        """Return the nearest rows, as `nearest_rows` does."""
        fitting = self._fitting_of(where)
        rows = self.shortlist.nearest(vector, limit, self._mask(fitting))
        found = self._compared(rows, vector, limit, columns)
        if fitting.beyond:
            query = planner.query_of(self._column, vector, limit) | {"use_index": False}
            others = self._dataset.scanner(
                columns=[*columns, "_distance"], nearest=query, filter=where, prefilter=True, fragments=self._beyond
            ).to_table()
            found = pa.concat_tables([found, others.select(found.column_names).cast(found.schema)])
            found = found.sort_by("_distance").slice(0, limit)
        return found

    def matching(self, where: str | None) -> tuple[int, int]:
        """Return how many rows fit a filter that are covered, and how many beyond."""
        fitting = self._fitting_of(where)
        mask = self._mask(fitting)
        return len(self._there) if mask is None else int(np.count_nonzero(mask)), fitting.beyond

    def _mask(self, fitting: _Fitting) -> Mask | None:
        if fitting.bits is None:
            return None
        return np.unpackbits(fitting.bits, count=len(self._there)).view(bool)

    def _fitting_of(self, where: str | None) -> _Fitting:
        fitting = self._fitting.get(where)
        if fitting is None:
            if where is None:
                fitting = _Fitting(_bits(self._there), self.rows_beyond)
            elif self._dataset.count_rows(where) == self._dataset.count_rows():
                fitting = self._fitting_of(None)  # by an index, a count takes a tenth of the time
            else:
                fitting = self._fitting_by_ids(np.sort(row_ids(self._dataset, where)))
            if len(self._fitting) >= _MOST_FILTERS:
                self._fitting.clear()
            self._fitting[where] = fitting
        return fitting

    def _fitting_by_ids(self, ids: NDArray[np.uint64]) -> _Fitting:
        """That of rows by their ids, in order: each fragment's are in one piece."""
        mask = np.zeros(len(self._there), dtype=bool)
        beyond = len(ids)
        for fragment, start in zip(self._fragments.tolist(), self._starts.tolist(), strict=True):
            first, end = np.searchsorted(ids, np.array([fragment << 32, (fragment + 1) << 32], dtype=np.uint64))
            mask[start + (ids[first:end] & 0xFFFFFFFF).astype(np.int64)] = True
            beyond -= int(end - first)
        return _Fitting(_bits(mask & self._there), beyond)

    def _compared(self, rows: Numbers, vector: Embeddings, limit: int, columns: list[str]) -> Any:
        """The nearest of some rows, given by their places, as the table has them."""
        order = self._by_place[np.searchsorted(self._starts[self._by_place], rows, side="right") - 1]
        ids = (self._fragments[order] << 32) | (rows - self._starts[order])
        vectors = self._taken(ids, [self._column])[self._column].combine_chunks()
        values = vectors.flatten().to_numpy().reshape(-1, len(vector))
        lengths = np.linalg.norm(values, axis=1) * np.linalg.norm(vector)
        distances = (1 - np.einsum("ij,j->i", values, vector) / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        best = np.argsort(distances, kind="stable")[:limit]
        # What else is said of rows takes longer to read than their vectors: of the best alone.
        others = self._taken(ids[best], [name for name in columns if name != self._column])
        found = {name: others[name] if name != self._column else vectors.take(best) for name in columns}
        return pa.table({**found, "_distance": distances[best]})

    def _taken(self, ids: Numbers, columns: list[str]) -> Any:
        """Rows by their ids, in that order; there is no other way to them in Lance that is as quick."""
        return self._dataset._take_rows(ids.tolist(), columns=columns)


def _bits(mask: Mask) -> NDArray[np.uint8] | None:
    return None if mask.all() else np.packbits(mask)


def _alive(dataset: Any, fragment: Any) -> Mask:
    """Which rows of a fragment are not deleted."""
    if not fragment.num_deletions:
        return np.ones(fragment.physical_rows, dtype=bool)
    alive = np.zeros(fragment.physical_rows, dtype=bool)
    alive[(row_ids(dataset, None, [fragment]) & 0xFFFFFFFF).astype(np.int64)] = True
    return alive
