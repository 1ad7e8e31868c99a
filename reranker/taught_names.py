"""Taught names in an encoder's space: what stands for one, and how far pictures of a pool show it."""

from collections.abc import Sequence

import numpy as np

from reranker.calibration import PartShown
from reranker.encoder import Embeddings, unit_rows
from reranker.scoring import cosine_scores

_LEAST_LENGTH = 1e-3
_NO_SPREAD = 1e-6


def direction_of(pictures: Embeddings, others: Embeddings) -> Embeddings:
    """Return what stands for a name, float32 [d], L2 norm 1: the mean of its pictures less that of the others.

    `pictures` are float32 [n, d], n ≥ 1, `others` float32 [k, d]. Embeddings of all pictures lie in one narrow cone
    (Liang et al. 2022, “Mind the Gap”): their mean says nothing of any of them, and is taken off. Without others, or if
    nothing remained, it is the mean of its pictures alone.
    """
    own = pictures.astype(np.float64).mean(axis=0)
    if len(others):
        apart = own - others.astype(np.float64).mean(axis=0)
        if np.linalg.norm(apart) > _LEAST_LENGTH:
            own = apart
    direction: Embeddings = unit_rows(own[None])[0]
    return direction


class NamesInPool:
    """Reads pictures by `names`, each with its direction (float32 [d]), beside a pool's embeddings in matrices.

    How far a picture stands out is counted in standard deviations of the pool's cosines, from their mean.
    """

    def __init__(self, names: Sequence[tuple[str, Embeddings]], pool: Sequence[Embeddings]) -> None:
        self._measured = [(title, direction, *_mean_and_spread(direction, pool)) for title, direction in names]

    def parts(self, picture: Embeddings) -> tuple[PartShown, ...]:
        """Say how far a picture [d] stands out for each name; no limits are known, so that there are no words."""
        return tuple(
            PartShown(
                title,
                None if spread < _NO_SPREAD else (float(cosine_scores(direction, picture[None])[0]) - mean) / spread,
            )
            for title, direction, mean, spread in self._measured
        )


def _mean_and_spread(direction: Embeddings, pool: Sequence[Embeddings]) -> tuple[float, float]:
    cosines = np.concatenate([cosine_scores(direction, rows) for rows in pool]).astype(np.float64)
    return float(cosines.mean()), float(cosines.std())
