"""Verification of a pair by its geometry: which key points of two pictures one perspective maps onto each other.

Descriptors that are each other's nearest are a pair where the second nearest is clearly farther (the ratio test of
Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004, section 7.1). Each pair says by its angles
and sizes how one picture would lie in the other; the one that most others bear out, roughly, is tried (Philbin et al.,
Object retrieval with large vocabularies and fast spatial matching, CVPR 2007). Of the pairs that do, those count that
one homography places, found by MAGSAC++ (Barath et al., CVPR 2020), as OpenCV has it.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from reranker.descriptors.local_features import LocalFeatures
from reranker.pairs import NO_AGREEMENT, Agreement

Numbers = NDArray[np.intp]
"""Numbers of key points: intp [n]."""

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


def agreements(one: LocalFeatures, others: Sequence[LocalFeatures], *, binary: bool) -> list[Agreement]:
    """Return how a picture agrees with each of several, by one matrix product for all.

    Descriptors are compared by their bits if they are `binary`, else as numbers.
    """
    nearest = nearest_pairs(one.descriptors, [other.descriptors for other in others], binary=binary)
    return [_agreement(one, other, *pairs) for other, pairs in zip(others, nearest, strict=True)]


def _agreement(one: LocalFeatures, other: LocalFeatures, here: Numbers, there: Numbers) -> Agreement:
    """How two pictures agree of which these key points resemble each other."""
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
    one: NDArray[np.uint8], others: Sequence[NDArray[np.uint8]], *, binary: bool
) -> list[tuple[Numbers, Numbers]]:
    """Return the numbers of those descriptors of `one` [n, w] and of each other [m, w] that are each other's nearest.

    They pass the ratio test.
    """
    ours = _as_numbers(one, binary=binary)
    all_theirs = _as_numbers(np.concatenate([one[:0], *others]), binary=binary)
    our_squares, half_squares = _squares(ours), _squares(all_theirs) / 2
    # A row each of theirs, not of ours: of this shape OpenBLAS gives each of its threads columns of its own, while of
    # the other they wait for each other, which takes twice the processor and more of the clock.
    likeness = all_theirs @ ours.T
    likeness -= half_squares[:, None]  # the higher the nearer to each of ours
    found, begin = [], 0
    for other in others:
        end = begin + len(other)
        found.append(_each_others_nearest(likeness[begin:end], our_squares, RATIO if binary else RATIO**2))
        begin = end
    return found


def _squares(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", rows, rows)
    return squares


def _as_numbers(descriptors: NDArray[np.uint8], *, binary: bool) -> NDArray[np.float32]:
    return (np.unpackbits(descriptors, axis=1) if binary else descriptors).astype(np.float32)


def _each_others_nearest(
    likeness: NDArray[np.float32], squares: NDArray[np.float32], ratio: float
) -> tuple[Numbers, Numbers]:
    """The columns and rows of the pairs that are nearest either way, nearer by `ratio` than the column's next.

    The squared distance (of bits: how many differ) is the column's of `squares` less twice the `likeness`; exact, for
    all are halves of whole numbers below 2 ** 24.
    """
    if min(likeness.shape) < 2:
        nobody = np.empty(0, dtype=np.intp)
        return nobody, nobody
    by_ours = likeness.T.copy()  # rows that lie together are searched several times as quickly
    every, nearest = np.arange(len(by_ours)), by_ours.argmax(axis=1)
    best = by_ours[every, nearest]
    by_ours[every, nearest] = -np.inf
    second = by_ours.max(axis=1)
    here = np.flatnonzero(squares - 2 * best < ratio * (squares - 2 * second))
    there = nearest[here]
    is_mutual = (likeness[there] - squares / 2).argmax(axis=1) == here
    return here[is_mutual], there[is_mutual]


def _borne_out(one: LocalFeatures, other: LocalFeatures, here: Numbers, there: Numbers) -> Numbers:
    """The numbers of the pairs that bear out, roughly, the turn, scale and shift that one of them stands for.

    It is the pair that most bear out.
    """
    source = one.points[here, 0] + 1j * one.points[here, 1]
    target = other.points[there, 0] + 1j * other.points[there, 1]
    turns = np.exp(1j * np.deg2rad(other.angles[there] - one.angles[here])) * other.sizes[there] / one.sizes[here]
    # Row by row: where each pair would have all points of the one picture lie in the other.
    placed = target[:, None] + turns[:, None] * (source[None] - source[:, None])
    bear_out = np.abs(placed - target[None]) < ROUGHLY_PX
    found: Numbers = np.flatnonzero(bear_out[np.argmax(bear_out.sum(axis=1))])
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


def _each_once(source: NDArray[np.float32], target: NDArray[np.float32], placed: Numbers) -> Numbers:
    """Those placed, of points in one spot (which has several orientations) the first alone, in either picture."""
    for points in (source, target):
        _, first = np.unique(np.rint(points[placed]), axis=0, return_index=True)
        placed = placed[np.sort(first)]
    return placed
