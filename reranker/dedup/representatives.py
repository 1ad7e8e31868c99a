"""Representatives of a ranked order: near-duplicates take one place."""

from collections.abc import Collection, Sequence
from itertools import islice

import numpy as np

from phrasepix_core.candidate import Candidate
from reranker.dedup.detector import DuplicateDetector

_AT_ONCE = 256
_MOST_PAIRS = 1 << 20
"""Up to how many pairs are looked at together: a byte each, some ten times over."""


def representatives(
    order: Sequence[Candidate], top: int, detector: DuplicateDetector | None, *, without: Collection[int] = ()
) -> list[int]:
    """The first `top` places of the order, `without` some, of which no two show one picture.

    Places are numbers from 0. Without a `detector` no two do.
    """
    places = (place for place in range(len(order)) if place not in without)
    if detector is None:
        return list(islice(places, top))
    kept: list[int] = []
    while block := list(islice(places, min(top - len(kept), _AT_ONCE))):
        before = len(kept)
        numbers = detector.numbers(order[place] for place in [*kept, *block])
        same = detector.same(numbers[before:], numbers)
        is_kept = np.arange(len(numbers)) < before
        for row, place in enumerate(block):
            if not (same[row] & is_kept).any():
                is_kept[before + row] = True
                kept.append(place)
    return kept


def duplicates_of(
    kept: Sequence[int],
    order: Sequence[Candidate],
    detector: DuplicateDetector | None,
    *,
    without: Collection[int] = (),
    within: int | None = None,
) -> list[tuple[Candidate, ...]]:
    """What of the order folds into each of the places `kept`, best first: into the best it shows one picture with.

    Only the first `within` places are looked at, without a number all.

    Only those kept are compared to: in a chain of pictures, each like the next, the ends may be different ones.
    """
    if detector is None:
        return [() for _ in kept]
    taken = {*kept, *without}
    places = np.array([place for place in range(len(order))[:within] if place not in taken], dtype=np.intp)
    numbers = detector.numbers(order[place] for place in [*kept, *places])
    shown, unfolded = numbers[: len(kept)], numbers[len(kept) :]
    siblings: list[tuple[Candidate, ...]] = []
    while len(siblings) < len(kept):
        rows = max(1, _MOST_PAIRS // max(1, len(unfolded)))
        same = detector.same(shown[len(siblings) : len(siblings) + rows], unfolded)
        folds, into = same.any(axis=0), same.argmax(axis=0)
        siblings += [tuple(order[place] for place in places[folds & (into == row)]) for row in range(len(same))]
        places, unfolded = places[~folds], unfolded[~folds]
    return siblings
