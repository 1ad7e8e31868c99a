"""Choice of the key points that are kept: the strongest, and of those the large ones too."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cv2


def strongest(points: "Sequence[cv2.KeyPoint]", most: int) -> "list[cv2.KeyPoint]":
    """Return at most `most` key points, in an order that does not depend on how they were found.

    Two thirds are those of the strongest response. The others are the largest, which a smaller copy of the picture
    still has.
    """
    by_response = sorted(points, key=lambda one: (-one.response, one.pt, one.angle, one.size))
    first = 2 * most // 3
    by_size = sorted(by_response[first:], key=lambda one: (-one.size, -one.response, one.pt, one.angle))
    return [*by_response[:first], *by_size[: most - first]]
