"""Choice of the key points that are kept: the strongest of each part of a picture, and of the others the largest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import cv2

_PARTS = 8
"""A picture has so many parts across and down."""
_OF_PARTS = 2 / 3
"""The share that is chosen part by part."""


def chosen_points(points: "Sequence[cv2.KeyPoint]", most: int, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the numbers of at most `most` key points of a picture of `shape`, height and width first.

    Two thirds are chosen by their response, of each of 8 × 8 parts the strongest, then the second of each, until there
    are enough: a tenth of the picture, cut out, keeps some thirty of three hundred wherever it is. The others are the
    largest, which a smaller copy still has. The order does not depend on how the points were found.
    """
    if not points:
        return np.empty(0, dtype=np.intp)
    facts = np.array([(-one.response, *one.pt, one.angle, one.size) for one in points])
    by_response = np.lexsort(facts.T[::-1])
    x, y = facts[by_response, 1], facts[by_response, 2]
    column, row = (
        np.clip(place * _PARTS / side, 0, _PARTS - 1).astype(np.intp) for place, side in ((x, shape[1]), (y, shape[0]))
    )
    turns = _numbered_within(row * _PARTS + column)
    in_turns = by_response[np.argsort(turns, kind="stable")]
    first = round(most * _OF_PARTS)
    rest = in_turns[first:]
    by_size = rest[np.lexsort((*facts[rest].T[::-1], -facts[rest, 4]))]
    return np.concatenate([in_turns[:first], by_size[: most - first]])


def _numbered_within(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many of the same group stand before each: intp [n]."""
    order = np.argsort(groups, kind="stable")
    numbers = np.empty(len(groups), dtype=np.intp)
    begins = np.searchsorted(groups[order], groups)  # where each one's group begins
    numbers[order] = np.arange(len(groups))
    return numbers - begins
