"""Scores and their order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings

_FIXED_POINT = 2.0**36
"""Fine beyond a float32 near 1, with room in an int64 for the sum of 100 million cosines."""


@dataclass(frozen=True, slots=True)
class Penalty:
    """How many spreads of the scores what resembles most what is not wanted loses, for each spread it does so.

    What resembles it less is spared by the `power` of its share of the most: a slight resemblance is often one of what
    is wanted.
    """

    weight: float
    power: float


USUAL_PENALTY = Penalty(1.5, 1.0)
"""Found by measurement on real vectors (`benchmarks/REAL.md`): what is disliked goes, and what is wanted stays.

Between 1 and 2 spreads the outcome is much the same; the middle is surest on other photographs.
"""

_LEAST_SPREAD = 0.005
"""Differences of cosines smaller than this are noise, and must not be magnified until they decide."""

_LEAST_LENGTH = 1e-3

_AT_ONCE = 64
"""Rows that are multiplied at once: few enough that their doubles stay in a core's cache."""


def cosine_scores(query: Embeddings, embeddings: Embeddings) -> NDArray[np.float32]:
    """The cosine, −1…1, of a unit query [d] to each unit row of [n, d]: float32 [n].

    In double precision: in single, equal rows differ in the last bit by their place in the matrix, and
    neither ties nor a picture's score would be independent of its neighbours.
    """
    wanted, products = query.astype(np.float64), np.empty(len(embeddings))
    for at in range(0, len(embeddings), _AT_ONCE):
        products[at : at + _AT_ONCE] = embeddings[at : at + _AT_ONCE].astype(np.float64) @ wanted
    return np.clip(products, -1.0, 1.0).astype(np.float32)


def top_indices(scores: NDArray[np.float32], top: int) -> NDArray[np.intp]:
    """The indices of the `top` highest of [n] finite scores, highest first; ties keep their order.

    A `top` larger than n gives all n. Selects before it sorts, so that a large pool costs one pass.
    """
    count = min(top, len(scores))
    if count <= 0:
        return np.empty(0, dtype=np.intp)
    # argpartition alone breaks ties at the border arbitrarily: take all that reach the border, then sort stably.
    border = np.partition(scores, len(scores) - count)[len(scores) - count]
    reaching = np.flatnonzero(scores >= border)
    return reaching[np.argsort(-scores[reaching], kind="stable")][:count]


def wanted_scores(
    cosines: NDArray[np.float32], weights: NDArray[np.float64], products: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The cosine, −1…1, of each of n pictures to all that is wanted together: float32 [n].

    `cosines` [n, p] are those to each of p parts, `products` [p, p] the parts' own among each other. All together is
    the sum of the parts, each times its weight [p] and divided by the spread of its cosines in the pool: those to a
    picture differ several times as much as those to a phrase (the gap between the modalities), and would decide alone.
    """
    return WantedMeasure.of_pool(cosines, weights, products).scores(cosines)


@dataclass(frozen=True, slots=True)
class WantedMeasure:
    """What `wanted_scores` measures by in a pool: the `shares` [p] of the parts, their length 1 together.

    None if there is one part, or nothing in the pool.
    """

    shares: NDArray[np.float64] | None

    @classmethod
    def of_pool(
        cls, cosines: NDArray[np.float32], weights: NDArray[np.float64], products: NDArray[np.float64]
    ) -> "WantedMeasure":
        """Measure a pool, float32 [n, p]; `weights` and `products` as in `wanted_scores`."""
        if cosines.shape[1] == 1 or not len(cosines):
            return cls(None)
        shares = weights / _mean_and_spread(cosines.astype(np.float64))[1]
        length = np.sqrt(max(float(shares @ products @ shares), _LEAST_LENGTH**2 * float(shares @ shares)))
        return cls(shares / length)

    def scores(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score pictures, float32 [n, p], of the pool or added to it since: float32 [n]."""
        if self.shares is None:
            return cosines[:, 0]
        # Row by row: with a product of matrices the last bit would depend on a picture's neighbours.
        together = (cosines.astype(np.float64) * self.shares).sum(axis=1)
        scores: NDArray[np.float32] = np.clip(together, -1.0, 1.0).astype(np.float32)
        return scores


def penalties(
    resemblances: NDArray[np.float32],
    weights: NDArray[np.float64],
    scores: NDArray[np.float32],
    penalty: Penalty = USUAL_PENALTY,
) -> NDArray[np.float32]:
    """What is taken from each of n scores for what is not wanted: float32 [n], from 0.

    `resemblances` [n, k] are the cosines to each of k things. Of each as much counts, times its weight [k], as is above
    the mean of all n: what the whole pool looks like can tell nobody apart. It is measured by its spread in the pool,
    in full for what resembles it most and less than in proportion for the others, and given on the scale of the
    `scores` by theirs, so that phrases and pictures cost alike under any model.
    """
    return UnwantedMeasure.of_pool(resemblances, weights, scores, penalty).costs(resemblances)


@dataclass(frozen=True, slots=True)
class UnwantedMeasure:
    """What `penalties` measures by in a pool: of each of k things the `mean`, the `spread`, and the `most` beyond it.

    `weights` [k] are on the scale of the scores.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    most: NDArray[np.float64]
    weights: NDArray[np.float64]
    power: float

    @classmethod
    def of_pool(
        cls,
        resemblances: NDArray[np.float32],
        weights: NDArray[np.float64],
        scores: NDArray[np.float32],
        penalty: Penalty,
    ) -> "UnwantedMeasure":
        """Measure a pool, float32 [n, k], and its scores [n]; `weights` as in `penalties`."""
        things = resemblances.shape[1]
        if not resemblances.size:
            return cls(np.zeros(things), np.ones(things), np.ones(things), np.zeros(things), penalty.power)
        mean, spread = _mean_and_spread(resemblances.astype(np.float64))
        _, scale = _mean_and_spread(scores.astype(np.float64)[:, None])
        most = np.maximum(resemblances.max(axis=0).astype(np.float64) - mean, 0.0) / spread
        return cls(mean, spread, np.maximum(most, _LEAST_SPREAD), penalty.weight * scale[0] * weights, penalty.power)

    def costs(self, resemblances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Penalise pictures, float32 [n, k], of the pool or added to it since: float32 [n]."""
        if not resemblances.size:
            return np.broadcast_to(np.float32(0), len(resemblances))
        beyond = np.maximum(resemblances.astype(np.float64) - self.mean, 0.0) / self.spread
        beyond *= (beyond / self.most) ** self.power
        # Row by row: with a product of matrices the last bit would depend on a picture's neighbours.
        costs: NDArray[np.float32] = (beyond * self.weights).sum(axis=1).astype(np.float32)
        return costs


def _mean_and_spread(cosines: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column, whatever the order of the rows; no spread is less than the least."""
    # Summed as whole numbers: the sum of floats depends on their order.
    sums = np.rint(cosines * _FIXED_POINT).astype(np.int64).sum(axis=0)
    squares = np.rint(cosines**2 * _FIXED_POINT).astype(np.int64).sum(axis=0)
    mean = sums / _FIXED_POINT / len(cosines)
    variance = squares / _FIXED_POINT / len(cosines) - mean**2
    return mean, np.sqrt(np.maximum(variance, _LEAST_SPREAD**2))
