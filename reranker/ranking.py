"""Scores and their order."""

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings

_FIXED_POINT = 2.0**36
"""Fine beyond a float32 near 1, with room in an int64 for the sum of 100 million cosines."""


def cosine_scores(query: Embeddings, embeddings: Embeddings) -> NDArray[np.float32]:
    """The cosine, −1…1, of a unit query [d] to each unit row of [n, d]: float32 [n], by one matrix–vector product.

    In double precision: in single, equal rows differ in the last bit by their place in the matrix, and
    neither ties nor a picture's score would be independent of its neighbours.
    """
    products = embeddings.astype(np.float64) @ query.astype(np.float64)
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


def penalties(resemblances: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """What is taken from each score for what is not wanted: float32 [n], from 0.

    `resemblances` [n, k] are the cosines to each of k things. Of each as much counts, times its weight [k], as is above
    the mean of all n: what the whole pool looks like can tell nobody apart.
    """
    if not resemblances.size:
        return np.zeros(len(resemblances), dtype=np.float32)
    exact = resemblances.astype(np.float64)
    # Summed as whole numbers: then the mean does not depend on the order of the n.
    mean = np.rint(exact * _FIXED_POINT).astype(np.int64).sum(axis=0) / _FIXED_POINT / len(exact)
    beyond: NDArray[np.float32] = (np.maximum(exact - mean, 0.0) @ weights).astype(np.float32)
    return beyond
