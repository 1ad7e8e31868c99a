"""How well pictures of one label find each other, each asked for in turn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranker.adapters.layer import Labels
from reranker.encoder import Embeddings

_MOST_QUERIES = 2000
"""Of one set: a larger one is asked for by so many drawn from it."""
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of each query that has an answer.

    `queries`, intp [m], are the places of the pictures asked for; `precision`, float64 [m], is the average precision of
    each, `first`, bool [m], whether the nearest picture has its label.
    """

    queries: NDArray[np.intp]
    precision: NDArray[np.float64]
    first: NDArray[np.bool_]


def answers_among(rows: Embeddings, labels: Labels, *, seed: int = 0) -> Answers:
    """Ask for each of the pictures, unit rows [n, d], among the others.

    One that is alone with its label is no query, for it has no answer.
    """
    counts = np.bincount(labels, minlength=1)[labels]
    queries = np.flatnonzero(counts > 1)
    if len(queries) > _MOST_QUERIES:
        queries = np.sort(np.random.default_rng(seed).choice(queries, _MOST_QUERIES, replace=False))
    places = np.arange(1, len(rows))
    precision, first = np.empty(len(queries)), np.empty(len(queries), dtype=bool)
    for begin in range(0, len(queries), _AT_ONCE):
        asked = queries[begin : begin + _AT_ONCE]
        scores = rows[asked] @ rows.T
        scores[np.arange(len(asked)), asked] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
        right = labels[order] == labels[asked][:, None]
        precisions = np.cumsum(right, axis=1) / places
        end = begin + len(asked)
        precision[begin:end] = (precisions * right).sum(axis=1) / right.sum(axis=1)
        first[begin:end] = right[:, 0]
    return Answers(queries, precision, first)
