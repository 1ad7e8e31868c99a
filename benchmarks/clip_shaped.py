"""Seeded generator of vectors shaped like CLIP's: a cone, a spectrum and clusters fitted to real ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
BLOCK = 50_000
"""Vectors that are drawn at once."""
REAL = Path(__file__).resolve().parents[2] / "shared" / "real_clip" / "vectors.npz"


@dataclass(frozen=True, slots=True)
class Shape:
    """A cone around `mean` [d], whose spread has the `axes` [d, d] (rows) and standard deviations `spread` [d]."""

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Vectors) -> Self:
        """Return the shape of real unit vectors, float32 [n, d].

        Beyond the rank that n vectors show, the spectrum falls on as the power law that fits its second half.
        """
        centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
        _, deviations, axes = np.linalg.svd(centred, full_matrices=True)
        spread = np.zeros(vectors.shape[1])
        rank = min(len(deviations), len(vectors) - 1)
        spread[:rank] = deviations[:rank] / np.sqrt(len(vectors) - 1)
        ranks = np.arange(1, len(spread) + 1)
        if rank < len(spread):
            half = slice(rank // 2, int(rank * 0.9))
            slope, height = np.polyfit(np.log(ranks[half]), np.log(spread[half]), 1)
            spread[int(rank * 0.9) :] = np.exp(height + slope * np.log(ranks[int(rank * 0.9) :]))
        return cls(vectors.mean(axis=0, dtype=np.float64), axes, spread)

    def drawn(
        self, count: int, seed: int, *, clusters: int = 2000, within: float = 0.6
    ) -> tuple[Vectors, NDArray[np.intp]]:
        """Return `count` unit vectors, float32 [count, d], and the cluster of each, as `blocks` yields them."""
        blocks = [*self.blocks(count, seed, clusters=clusters, within=within)]
        return np.concatenate([vectors for vectors, _ in blocks]), np.concatenate([cluster for _, cluster in blocks])

    def blocks(
        self, count: int, seed: int, *, clusters: int = 2000, within: float = 0.6
    ) -> Iterator[tuple[Vectors, NDArray[np.intp]]]:
        """Yield `count` unit vectors in all, float32 [50 000 or fewer, d], and the cluster of each.

        Photographs come in subjects: `within` is the share of the variance that is inside one.
        """
        random = np.random.default_rng(seed)
        dimensions = len(self.mean)
        centres = random.standard_normal((clusters, dimensions), dtype=np.float32)
        cluster = random.choice(clusters, count, p=random.dirichlet(np.full(clusters, 0.5)))
        basis = (self.spread[:, None] * self.axes).astype(np.float32)
        for start in range(0, count, BLOCK):
            some = cluster[start : start + BLOCK]
            own = random.standard_normal((len(some), dimensions), dtype=np.float32)
            mixed = np.sqrt(np.float32(1 - within)) * centres[some] + np.sqrt(np.float32(within)) * own
            rows = mixed @ basis + self.mean.astype(np.float32)
            yield rows / np.linalg.norm(rows, axis=1, keepdims=True), some
