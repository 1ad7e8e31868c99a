"""Figures with intervals, the parts of the report that they are in, and the lines of the data."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

RESAMPLES = 2000
FEWEST_COMPARED = 20
"""Phrases from which on rules are compared in a section: folds of fewer have nothing to choose by."""


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
    """The `figures` of what is shipped; `section` measures what they are compared with, and writes all of it.

    A section is Markdown, from a heading of level 2 on.
    """

    figures: tuple[Figure, ...]
    section: Callable[[], str]


def interval(name: str, values: Sequence[float], weights: Sequence[float] | None = None) -> Figure:
    """The weighted mean of one value a phrase, with its interval by bootstrap over the phrases.

    A ratio of two sums, such as a share of all matches, is the mean of the phrases' shares, each weighted by the
    number of its matches. Of no phrases at all, or none that weighs anything, all three are NaN.
    """
    if not len(values) or (weights is not None and not sum(weights)):
        return Figure(name, np.nan, np.nan, np.nan)
    each = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(each)) if weights is None else np.asarray(weights, dtype=np.float64)
    drawn = np.random.default_rng(0).integers(0, len(each), (RESAMPLES, len(each)))
    totals = weight[drawn].sum(axis=1)
    means = (each * weight)[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(name, float((each * weight).sum() / weight.sum()), float(low), float(high))


def json_lines(file: Path) -> list[Any]:
    """What stands in a file of one JSON value a line; empty lines are passed over.

    Only a line feed ends a line: captions may hold the other separators that `str.splitlines` knows.
    """
    return [json.loads(line) for line in file.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
