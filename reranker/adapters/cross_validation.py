"""Whether a layer helps pictures that it was not learnt on, and how far it should go."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranker.adapters.layer import STRENGTHS, Labels, LabelSpread, Strength
from reranker.adapters.retrieval import answers_among
from reranker.encoder import Embeddings

LEAST_PICTURES = 6
"""Different pictures that a label needs for being learnt and asked for: two in each of three parts."""
LEAST_LABELS = 2
_PARTS = (3, 5)
"""Into how many parts pictures are dealt, at least and at most."""
_ALIKE = 0.98
"""A cosine from which two pictures of one label are taken for one and the same: such are never in two parts."""
_RESAMPLES = 2000
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and between which values it is with a probability of 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What pictures that a layer was not learnt on say of it, by how they find those of their label.

    Each figure is of `queries` pictures, each asked for among those of its own part: recall@1, whether the nearest has
    its label, and the mean average precision; before the layer, after it, and what is gained.
    """

    strength: Strength
    queries: int
    recall_before: float
    recall_after: float
    precision_before: float
    precision_after: float
    recall_gain: Interval
    precision_gain: Interval

    @property
    def is_better(self) -> bool:
        """Whether the gain of precision is beyond chance, and recall@1 does not fall beyond it."""
        return self.precision_gain.low > 0 and self.recall_gain.high >= 0


def cross_validated(
    rows: Embeddings,
    labels: Labels,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verdict:
    """Try layers on labelled pictures, unit rows [n, d].

    The pictures are dealt into three to five parts, near-duplicates of one label into the same. In turn each part is
    kept aside: its figures are those of the layer that is learnt on the others, as strong as it proves best on one of
    them when learnt without that. So no picture has a say in the layer that it is judged by. The strength of the
    verdict is the one that proved best over all. There must be `LEAST_LABELS` labels of `LEAST_PICTURES`.
    """
    groups = near_duplicates(rows, labels)
    part_of, parts = dealt(labels, groups, seed)
    trials = np.zeros((parts, len(STRENGTHS)))
    before, after, asked = [], [], []
    for part in range(parts):
        on_progress(part, parts)
        next_part = (part + 1) % parts
        without_both = LabelSpread(*_only(part_of != part, part_of != next_part, rows=rows, labels=labels))
        shown = part_of == next_part
        for number, changed in enumerate(without_both.tried(rows[shown], STRENGTHS)):
            found = answers_among(changed, labels[shown], seed=seed)
            trials[part, number] = found.precision.mean() if len(found.precision) else 0.0
        aside = part_of == part
        learnt = LabelSpread(*_only(~aside, rows=rows, labels=labels))
        best = STRENGTHS[int(trials[part].argmax())]
        before.append(answers_among(rows[aside], labels[aside], seed=seed))
        after.append(answers_among(next(learnt.tried(rows[aside], [best])), labels[aside], seed=seed))
        asked.append(groups[aside][before[-1].queries])
    on_progress(parts, parts)
    of = np.concatenate(asked)
    recalls = [np.concatenate([one.first for one in some]).astype(np.float64) for some in (before, after)]
    precisions = [np.concatenate([one.precision for one in some]) for some in (before, after)]
    return Verdict(
        strength=STRENGTHS[int(trials.mean(axis=0).argmax())],
        queries=len(of),
        recall_before=float(recalls[0].mean()),
        recall_after=float(recalls[1].mean()),
        precision_before=float(precisions[0].mean()),
        precision_after=float(precisions[1].mean()),
        recall_gain=interval_of(recalls[1] - recalls[0], of, seed),
        precision_gain=interval_of(precisions[1] - precisions[0], of, seed),
    )


def interval_of(values: NDArray[np.float64], groups: NDArray[np.intp], seed: int = 0) -> Interval:
    """The mean of the values [n], with its percentile interval by the bootstrap over `groups` [n] of them."""
    _, numbers = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(numbers, values), np.bincount(numbers).astype(np.float64)
    dice = np.random.default_rng(seed)
    means = np.empty(_RESAMPLES)
    for number in range(_RESAMPLES):
        drawn = dice.integers(0, len(counts), len(counts))
        means[number] = sums[drawn].sum() / counts[drawn].sum()
    low, high = np.percentile(means, _INTERVAL)
    return Interval(float(values.mean()), float(low), float(high))


def near_duplicates(rows: Embeddings, labels: Labels) -> NDArray[np.intp]:
    """The group of each picture, intp [n]: pictures of one label that are linked by near-duplicates are one group."""
    groups = np.arange(len(rows))
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        alike = rows[places] @ rows[places].T >= _ALIKE
        unseen = np.ones(len(places), dtype=bool)
        for first in range(len(places)):
            if not unseen[first]:
                continue
            unseen[first] = False
            frontier = np.array([first])
            while len(frontier):
                groups[places[frontier]] = places[first]
                reached = alike[frontier].any(axis=0) & unseen
                unseen[reached] = False
                frontier = np.flatnonzero(reached)
    return groups


def dealt(labels: Labels, groups: NDArray[np.intp], seed: int = 0) -> tuple[NDArray[np.intp], int]:
    """The part of each picture, intp [n], and how many parts there are: each has pictures of as many labels as can be.

    Pictures of one group are in the same part.
    """
    members = {int(label): np.unique(groups[labels == label], return_counts=True) for label in np.unique(labels)}
    usual = float(np.median([len(counts) for _, counts in members.values()]))
    least, most = _PARTS
    parts = int(min(max(usual // 2, least), most))
    dice = np.random.default_rng(seed)
    part_of = np.empty(len(labels), dtype=np.intp)
    in_all = np.zeros(parts, dtype=np.intp)
    for label, (names, counts) in members.items():
        of_label = np.zeros(parts, dtype=np.intp)
        shuffled = dice.permutation(len(names))
        for number in shuffled[np.argsort(-counts[shuffled], kind="stable")]:
            part = int(np.lexsort((in_all, of_label))[0])  # fewest of this label, then fewest in all
            part_of[(labels == label) & (groups == names[number])] = part
            of_label[part] += counts[number]
            in_all[part] += counts[number]
    return part_of, parts


def _only(*kept: NDArray[np.bool_], rows: Embeddings, labels: Labels) -> tuple[Embeddings, Labels]:
    mask = np.logical_and.reduce(kept)
    return rows[mask], labels[mask]
