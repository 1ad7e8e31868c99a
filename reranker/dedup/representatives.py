"""Representatives of a ranked order: near-duplicates take one place."""

from collections.abc import Collection, Sequence

import numpy as np

from phrasepix_core.candidate import Candidate
from reranker.dedup.detector import DuplicateDetector


def representatives(
    order: Sequence[Candidate], top: int, detector: DuplicateDetector | None, *, without: Collection[int] = ()
) -> list[int]:
    """The first `top` places of the order, `without` some, of which no two show one picture.

    Places are numbers from 0. Without a `detector` no two do.
    """
    kept: list[int] = []
    numbers: list[int] = []
    for place, candidate in enumerate(order):
        if len(kept) == top:
            break
        if place in without:
            continue
        if detector is not None:
            number = int(detector.numbers([candidate])[0])
            if detector.same(number, np.array(numbers, dtype=np.intp)).any():
                continue
            numbers.append(number)
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
    unfolded = numbers[len(kept) :]
    siblings: list[tuple[Candidate, ...]] = []
    for number in numbers[: len(kept)].tolist():
        same = detector.same(number, unfolded)
        siblings.append(tuple(order[place] for place in places[same]))
        places, unfolded = places[~same], unfolded[~same]
    return siblings
