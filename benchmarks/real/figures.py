"""Figures with intervals, and the parts of the report that they are in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Figure:
    """A figure's `name`, its `value`, and the ends of its 95 % interval."""

    name: str
    value: float
    low: float
    high: float

    @property
    def line(self) -> str:
        """The figure as `--plain` prints it."""
        return f"{self.name} {self.value:.4f} {self.low:.4f} {self.high:.4f}"

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


@dataclass(frozen=True)
class Part:
    """The `figures` of what is shipped, and their section of the report in `markdown`, from a heading of level 2 on."""

    figures: tuple[Figure, ...]
    markdown: str


def interval(name: str, values: Sequence[float], weights: Sequence[float] | None = None) -> Figure:
    """The weighted mean of one value a phrase, with its interval by bootstrap over the phrases.

    A ratio of two sums, such as a share of all matches, is the mean of the phrases' shares, each weighted by the
    number of its matches.
    """
    each = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(each)) if weights is None else np.asarray(weights, dtype=np.float64)
    drawn = np.random.default_rng(0).integers(0, len(each), (RESAMPLES, len(each)))
    totals = weight[drawn].sum(axis=1)
    means = (each * weight)[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(name, float((each * weight).sum() / weight.sum()), float(low), float(high))
