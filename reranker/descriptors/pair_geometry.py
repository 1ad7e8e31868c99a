"""Verification of a pair by its geometry: which key points of two pictures one perspective maps onto each other.

Descriptors that are each other's nearest are a pair where the second nearest is clearly farther (the ratio test of
Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004, section 7.1). Each pair says by its angles
and sizes how one picture would lie in the other; the one that most others bear out, roughly, is tried (Philbin et al.,
Object retrieval with large vocabularies and fast spatial matching, CVPR 2007). Of the pairs that do, those count that
one homography places, found by MAGSAC++ (Barath et al., CVPR 2020), as OpenCV has it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from reranker.descriptors.local_features import LocalFeatures
from reranker.pairs import NO_AGREEMENT, Agreement

RATIO = 0.85
"""How near the nearest descriptor may be, at most, to what the second nearest is. Lowe takes 0.8; the geometry is
asked afterwards."""
WITHIN_PX = 5.0
"""How far from where the homography places it a point may lie, at pictures of some 640 pixels."""
ROUGHLY_PX = 40.0
"""The same for one pair's own guess: an angle is a few degrees off, a size a tenth, and a perspective bends."""
LEAST = 6
"""Fewer points than that chance places too."""
HALF = 8
"""How many points make a score of a half."""
_LARGEST_SCALE = 16.0
"""A homography that magnifies more is none of two pictures of one thing."""


def agreement(one: LocalFeatures, other: LocalFeatures, *, binary: bool) -> Agreement:
    """Return how two pictures agree; descriptors are compared by their bits if they are `binary`, else as numbers."""
    here, there = nearest_pairs(one.descriptors, other.descriptors, binary=binary)
    if len(here) < LEAST:
        return NO_AGREEMENT
    rough = _borne_out(one, other, here, there)
    if len(rough) < LEAST:
        return NO_AGREEMENT
    here, there = here[rough], there[rough]
    source, target = one.points[here], other.points[there]
    homography, mask = cv2.findHomography(source, target, cv2.USAC_MAGSAC, WITHIN_PX, maxIters=500, confidence=0.999)
    if homography is None or mask is None or not _is_of_one_scene(np.asarray(homography, dtype=np.float64), one.size):
        return NO_AGREEMENT
    placed = _each_once(source, target, np.flatnonzero(np.asarray(mask).ravel()))
    if len(placed) < LEAST:
        return NO_AGREEMENT
    points = np.hstack([one.shares[here[placed]], other.shares[there[placed]]])
    return Agreement(len(placed) / (len(placed) + HALF), points)


def nearest_pairs(
    one: NDArray[np.uint8], other: NDArray[np.uint8], *, binary: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the numbers of descriptors [n, w] and [m, w] that are each other's nearest, by the ratio test."""
    nobody = np.empty(0, dtype=np.intp)
    if len(one) < 2 or len(other) < 2:
        return nobody, nobody
    squares = squared_distances(one, other, binary=binary)
    rows = np.arange(len(one))
    two = np.argpartition(squares, 1, axis=1)[:, :2]
    first, second = squares[rows, two[:, 0]], squares[rows, two[:, 1]]
    nearest = np.where(first <= second, two[:, 0], two[:, 1])
    best, next_best = np.minimum(first, second), np.maximum(first, second)
    is_mutual = np.argmin(squares, axis=0)[nearest] == rows
    ratio = RATIO if binary else RATIO**2  # of Hamming distances, or of squares
    kept = np.flatnonzero(is_mutual & (best < ratio * next_best))
    return kept, nearest[kept]


def squared_distances(one: NDArray[np.uint8], other: NDArray[np.uint8], *, binary: bool) -> NDArray[np.float32]:
    """Return the squared Euclidean distances, float32 [n, m]; of `binary` ones the differing bits, as many."""
    if binary:
        ours, theirs = (np.unpackbits(bits, axis=1).astype(np.float32) for bits in (one, other))
    else:
        ours, theirs = one.astype(np.float32), other.astype(np.float32)
    lengths = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None]
    found: NDArray[np.float32] = np.maximum(lengths - 2 * (ours @ theirs.T), 0)
    return found


def _borne_out(
    one: LocalFeatures, other: LocalFeatures, here: NDArray[np.intp], there: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The numbers of the pairs that bear out, roughly, the turn, scale and shift that one of them stands for.

    It is the pair that most bear out.
    """
    source = one.points[here, 0] + 1j * one.points[here, 1]
    target = other.points[there, 0] + 1j * other.points[there, 1]
    turns = np.exp(1j * np.deg2rad(other.angles[there] - one.angles[here])) * other.sizes[there] / one.sizes[here]
    # Row by row: where each pair would have all points of the one picture lie in the other.
    placed = target[:, None] + turns[:, None] * (source[None] - source[:, None])
    bear_out = np.abs(placed - target[None]) < ROUGHLY_PX
    found: NDArray[np.intp] = np.flatnonzero(bear_out[np.argmax(bear_out.sum(axis=1))])
    return found


def _is_of_one_scene(homography: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a homography maps the picture's corners as a camera would: convex, unmirrored, not to nearly nothing."""
    if not np.isfinite(homography).all():
        return False
    width, height = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], dtype=np.float64)
    mapped = corners @ homography.T
    if (mapped[:, 2] <= 1e-6).any():  # beyond the horizon
        return False
    mapped = mapped[:, :2] / mapped[:, 2:]
    sides = np.roll(mapped, -1, axis=0) - mapped
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if (turns <= 0).any():
        return False
    scales = np.linalg.norm(sides, axis=1) / np.array([width, height, width, height])
    return bool(scales.max() < _LARGEST_SCALE and scales.min() > 1 / _LARGEST_SCALE)


def _each_once(source: NDArray[np.float32], target: NDArray[np.float32], placed: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those placed, of points in one spot (which has several orientations) the first alone, in either picture."""
    for points in (source, target):
        _, first = np.unique(np.rint(points[placed]), axis=0, return_index=True)
        placed = placed[np.sort(first)]
    return placed
