"""Folding a ranked order: what is one picture takes one place."""

from collections.abc import Collection, Sequence

from phrasepix_core.candidate import Candidate
from reranker.folding.likeness import Likeness


def places_kept(
    order: Sequence[Candidate], top: int, likeness: Likeness | None, *, without: Collection[int] = ()
) -> list[int]:
    """The first `top` places of the order, `without` some, of which no two show one picture.

    Places are numbers from 0. Without a `likeness` no two do.
    """
    kept: list[int] = []
    for place, candidate in enumerate(order):
        if len(kept) == top:
            break
        if place in without:
            continue
        if likeness is None or not any(likeness.with_each(candidate, [order[one] for one in kept])):
            kept.append(place)
    return kept


def siblings_of(
    kept: Sequence[int], order: Sequence[Candidate], likeness: Likeness | None, *, without: Collection[int] = ()
) -> list[tuple[Candidate, ...]]:
    """What of the order folds into each of the places `kept`, best first: into the best it shows one picture with.

    Only those kept are compared to: in a chain of pictures, each like the next, the ends may be different ones.
    """
    if likeness is None:
        return [() for _ in kept]
    taken = {*kept, *without}
    unfolded = [place for place in range(len(order)) if place not in taken]
    siblings: list[tuple[Candidate, ...]] = []
    for one in kept:
        same = likeness.with_each(order[one], [order[place] for place in unfolded])
        siblings.append(tuple(order[place] for place, is_same in zip(unfolded, same, strict=True) if is_same))
        unfolded = [place for place, is_same in zip(unfolded, same, strict=True) if not is_same]
    return siblings
