"""Scores and their order."""

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings


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
