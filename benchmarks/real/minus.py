"""Whether what is not wanted goes, and what is wanted stays."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.real.clip_set import ClipSet, words
from benchmarks.real.figures import FEWEST_COMPARED, Part, interval
from benchmarks.real.searches import Searches
from reranker.query import Phrase, Query
from reranker.scoring import USUAL_PENALTY

COUNTABLE = 80
"""The first classes of COCO-Stuff are COCO's things; the others are stuff."""
FEWEST_BOTH, FEWEST_ALONE = 4, 5
SHOWN = 5
_WORDS_FOR_PEOPLE = "person people man men woman women boy girl child children kid lady guy player rider baby"
_PEOPLE = frozenset(_WORDS_FOR_PEOPLE.split())


@dataclass(frozen=True)
class Pair:
    """A class that is asked for and one that is not wanted, and which pictures have them."""

    wanted: str
    unwanted: str
    has_wanted: frozenset[int]
    has_unwanted: frozenset[int]


def pairs_of(clip: ClipSet) -> list[Pair]:
    """All ordered pairs with enough pictures of both and of the wanted alone.

    A picture has a class if a caption has the last word of its name, and a person if one names people in any way.
    """
    having = {
        name: frozenset(
            row
            for row, said in enumerate(clip.named)
            if (_PEOPLE & said if name == "person" else any(word in said for word in words(name)[-1:]))
        )
        for name in clip.class_names[:COUNTABLE]
    }
    return [
        Pair(wanted, unwanted, here, there)
        for wanted, here in having.items()
        for unwanted, there in having.items()
        if wanted != unwanted and len(here & there) >= FEWEST_BOTH and len(here - there) >= FEWEST_ALONE
    ]


Outcome = tuple[list[float], list[float]]
"""Of each pair, the share of the five best that has what is wanted, and 1 where none has what is not."""


def outcome(pairs: list[Pair], order: Callable[[Pair], list[int]]) -> Outcome:
    """What an order of all pictures comes to."""
    best = [(pair, order(pair)[:SHOWN]) for pair in pairs]
    return (
        [float(np.mean([row in pair.has_wanted for row in rows])) for pair, rows in best],
        [float(not pair.has_unwanted.intersection(rows)) for pair, rows in best],
    )


def _by_penalty(clip: ClipSet, weight: float, power: float) -> Callable[[Pair], list[int]]:
    """A penalty that takes `weight` times the spreads, times the `power` of their share of the largest."""
    texts = dict(zip(clip.class_names, clip.class_texts.astype(np.float64), strict=True))
    images = clip.images.astype(np.float64)

    def order(pair: Pair) -> list[int]:
        scores, alike = images @ texts[pair.wanted], images @ texts[pair.unwanted]
        beyond: NDArray[np.float64] = np.maximum(alike - alike.mean(), 0) / alike.std()
        costs = weight * scores.std() * beyond * (beyond / beyond.max()) ** power
        return [int(row) for row in np.argsort(costs - scores, kind="stable")]

    return order


def _chosen_on_others(outcomes: list[Outcome]) -> Outcome:
    """Of each pair, the outcome of the rule that is best on the other folds' pairs."""
    count = len(outcomes[0][0])
    folds = np.random.default_rng(0).permutation(count) % 5
    wanted, gone = np.zeros(count), np.zeros(count)
    for fold in range(5):
        here = folds == fold
        best = max(outcomes, key=lambda one: np.mean(np.array(one[0])[~here]) + np.mean(np.array(one[1])[~here]))
        wanted[here], gone[here] = np.array(best[0])[here], np.array(best[1])[here]
    return wanted.tolist(), gone.tolist()


def measured(directory: Path) -> Part:
    """The part of the report about what is not wanted."""
    clip = ClipSet(directory)
    searches = Searches(clip)
    pairs = pairs_of(clip)
    every = range(len(clip))
    none = outcome(pairs, lambda pair: searches.rows(pair.wanted, every))
    shipped = outcome(pairs, lambda pair: searches.rows(Query((Phrase(pair.wanted),), (Phrase(pair.unwanted),)), every))
    figures = (
        interval("minus_gone", shipped[1]),
        interval("minus_wanted", shipped[0]),
        interval("minus_none_wanted", none[0]),
    )
    if len(pairs) < FEWEST_COMPARED:
        return Part(figures, lambda: "## “But not that”\n\nToo few pairs of things.")
    return Part(figures, lambda: _section(clip, pairs, none, shipped))


def _shipped() -> str:
    power = "" if USUAL_PENALTY.power == 1 else f"^{USUAL_PENALTY.power:g}"
    return f"{USUAL_PENALTY.weight:g} × spreads × share{power}"


def _section(clip: ClipSet, pairs: list[Pair], none: Outcome, shipped: Outcome) -> str:
    tried = {
        (weight, exponent): outcome(pairs, _by_penalty(clip, weight, exponent))
        for exponent, weights in (
            (0.0, (1.0, 1.5, 2.0)),
            (0.5, (1.0, 1.5, 2.0)),
            (1.0, (1.0, 1.5, 2.0, 3.0)),
            (2.0, (1.5, 2.0, 3.0)),
        )
        for weight in weights
    }
    rows = "\n".join(
        f"| {name} | {interval('', one[0])} | {interval('', one[1])} |"
        for name, one in {
            "no minus": none,
            **{f"{weight:g} × spreads × share^{power:g}": one for (weight, power), one in tried.items()},
            "chosen on four folds of the pairs, measured on the fifth": _chosen_on_others(list(tried.values())),
            "**shipped**": shipped,
        }.items()
    )
    return f"""## “But not that”

{len(pairs)} ordered pairs of class names; all {len(clip)} pictures are ranked by the first, with the second in
`--minus`. A picture has a class if one of its captions has the last word of its name; “person” has many words. At
4e827df the penalty was 1.5 × spreads. “Share” is that of the largest in the pool; its power matters more than the
weight, since what resembles a little what is not wanted is often what is wanted. Shipped: {_shipped()}.

| penalty | of the five best have what is wanted | none has what is not |
|---|---|---|
{rows}

The pairs share class names, so they are fewer in truth than in number, and the intervals are too narrow.
"""
