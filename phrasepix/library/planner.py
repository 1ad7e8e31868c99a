"""Planner of a search by vector in Lance: exact over few rows, by its index over many."""

from dataclasses import dataclass
from math import ceil
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from reranker.encoder import Embeddings

EXACT_ROWS, EXACT_SHARE = 300, 0.004
"""Up to how many rows that fit a filter, or which share of all, are compared one by one: beyond, that takes longer than
to search the whole index (`benchmarks/library.py`: 12 µs a row that is compared, 0.05 µs a row of the index)."""
INDEXED_FROM = 10_000
"""From how many vectors on a column gets an index."""

_ROWS_OF_PART = 4096
"""How many rows Lance puts into a part of an index, on average."""
_PROBED, _LEAST_PROBES = 0.6, 32
"""Which share of the parts is searched without a filter: phrases lie apart from pictures, so the pictures that are
nearest to one are spread over many parts (`benchmarks/library.py`: with 0.45 of them a million rows lost 1.5 %)."""
_MORE_FOR_FEW = 0.1
"""By which power of the share that fits a filter more is searched."""
_REFINED, _LEAST_REFINED = 40, 2
"""How many of those that the index finds nearest are compared exactly, and how many times as many as are wanted."""
_MOST_COUNTS = 256
_counts: WeakKeyDictionary[Any, dict[tuple[int, str | None], int]] = WeakKeyDictionary()
"""How many rows fit a condition, by open dataset, its version, and condition."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How rows are found: `matching` of `total` fit the filter, and `probes` parts of the index are searched."""

    matching: int
    total: int
    probes: int | None = None
    """None: all that match are compared."""

    @property
    def is_exact(self) -> bool:
        """Whether all that match are compared."""
        return self.probes is None


def plan_of(dataset: Any, column: str, where: str | None, limit: int) -> SearchPlan:
    """Return how the nearest `limit` rows of a column are found among those for which `where` holds."""
    total, matching = _count(dataset, None), _count(dataset, where)
    if matching <= max(EXACT_ROWS, EXACT_SHARE * total, limit) or not has_index(dataset, column):
        return SearchPlan(matching, total)
    share = min(1.0, _PROBED * (total / matching) ** _MORE_FOR_FEW)
    return SearchPlan(matching, total, probes=max(_LEAST_PROBES, ceil(share * total / _ROWS_OF_PART)))


def _count(dataset: Any, where: str | None) -> int:
    known, question = _counts.setdefault(dataset, {}), (dataset.version, where)
    if question not in known:
        if len(known) >= _MOST_COUNTS:
            known.clear()
        known[question] = dataset.count_rows(where)
    return known[question]


def has_index(dataset: Any, column: str) -> bool:
    """Return whether there is an index of a column."""
    return any(column in index.field_names for index in dataset.describe_indices())


def nearest(dataset: Any, column: str, vector: Embeddings, limit: int, where: str | None, columns: list[str]) -> Any:
    """Return the `limit` rows nearest to a unit vector by cosine, nearest first, of those for which `where` holds.

    A pyarrow table of `columns` and `_distance`; rows without a vector are never among them. The filter is applied
    before the search, never after it.
    """
    plan = plan_of(dataset, column, where, limit)
    if plan.matching == plan.total:
        where = None  # what all rows fit would only be looked up again, for each of them
    query = query_of(column, vector, limit)
    if plan.is_exact:
        return _found(dataset, query | {"use_index": False}, where, columns)
    # Lance searches further parts until there are `limit`, if the filter leaves fewer in those. By several threads, as
    # `query_parallelism` has it, it takes as long (`benchmarks/LIBRARY_SETTINGS.md`).
    refined = max(_LEAST_REFINED, -(-_REFINED // limit))
    return _found(dataset, query | {"minimum_nprobes": plan.probes, "refine_factor": refined}, where, columns)


def query_of(column: str, vector: Embeddings, limit: int) -> dict[str, Any]:
    """Return what Lance is asked for the `limit` rows of a column that are nearest to a vector."""
    return {"column": column, "q": np.ascontiguousarray(vector, dtype=np.float32), "k": limit, "metric": "cosine"}


def _found(dataset: Any, query: dict[str, Any], where: str | None, columns: list[str]) -> Any:
    return dataset.to_table(columns=[*columns, "_distance"], nearest=query, filter=where, prefilter=True)
