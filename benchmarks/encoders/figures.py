"""Shares and means with their intervals."""

import math

import numpy as np
from numpy.typing import NDArray

from reranker.adapters.cross_validation import Interval, interval_of


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` (Wilson, 1927)."""
    z = 1.959964
    middle = share + z**2 / (2 * count)
    away = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return max(0.0, (middle - away) / scale), min(1.0, (middle + away) / scale)


def recall(ranks: NDArray[np.intp]) -> float:
    """Return recall@1: the share of those that come first."""
    return float((ranks == 0).mean())


def in_words(ranks: NDArray[np.intp]) -> str:
    """Return recall@1 with its interval, and the mean of 1/rank, which is the mAP where one picture is right."""
    low, high = wilson(share := recall(ranks), len(ranks))
    return f"{share:.2f} ({low:.2f}–{high:.2f}); {float((1 / (ranks + 1)).mean()):.2f}"


def mean_of(values: NDArray[np.float64]) -> Interval:
    """Return the mean of independent values, with its interval by the bootstrap."""
    return interval_of(values, np.arange(len(values)))
