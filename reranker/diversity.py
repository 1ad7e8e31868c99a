"""Maximal marginal relevance (Carbonell & Goldstein 1998): an order whose best differ from each other."""

import math

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings

_MOST = 1000
"""Each is compared with each."""


def considered_for(top: int, diverse: float) -> int:
    """How many of the best the `top` are chosen from: at 0 these alone, at 1 five times as many."""
    return max(top, min(math.ceil(min(top, _MOST) * (1 + 4 * diverse)), _MOST))


def diversified(fitness: NDArray[np.floating], embeddings: Embeddings, diverse: float) -> list[int]:
    """All n places of an order, best first, taken one by one: fit, and unlike what was taken before.

    `fitness` [n] falls; `embeddings` are [n, d], rows of L2 norm 1. Each time the place with the largest
    (1 − diverse) · fitness − diverse · (its cosine to the nearest one taken) is taken, ties in the order given. The
    first is the fittest always. Fitness varies by some 0.05 within a pool and cosines between pictures by 0.5, so both
    are standardised first, by the mean and spread of the n and of their pairs: at 0.5 a standard deviation of one
    weighs as much as one of the other, under any model. 0 gives the order as it is.
    """
    count = len(fitness)
    if diverse == 0 or count < 3:
        return list(range(count))
    rows = embeddings.astype(np.float64)
    fit = (1 - diverse) * _standardised(fitness.astype(np.float64), fitness.astype(np.float64))
    cosines = rows @ rows.T
    alike = diverse * _standardised(cosines, cosines[np.triu_indices(count, k=1)])
    taken = [0]
    is_left = np.ones(count, dtype=bool)
    is_left[0] = False
    nearest = alike[0].copy()
    while len(taken) < count:
        worth = np.where(is_left, fit - nearest, -np.inf)
        # What differs by less is a rounding error.
        one = int(np.flatnonzero(worth >= worth.max() - 1e-9)[0])
        taken.append(one)
        is_left[one] = False
        np.maximum(nearest, alike[one], out=nearest)
    return taken


def _standardised(values: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = float(of.std())
    return (values - of.mean()) / spread if spread > 1e-9 else np.zeros_like(values)
