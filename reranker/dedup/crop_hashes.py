"""A perceptual hash of every crop of a picture at once, so that a crop is found in the whole it was cut from.

As in the perceptual hash called pHash, a bit is the sign of a low coefficient of the cosine transform. That is a
product of three small matrices, and so the hashes of all crops are one product too: hashing each crop by itself takes
forty times as long.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

SIDE = 48
"""The side in pixels of the thumbnail that is hashed."""

_CUT = (0.0, 0.07, 0.14, 0.20)
_FREQUENCIES = 12
_BITS = 64

CropHashes = NDArray[np.uint64]
"""uint64 [crops, 2], the whole picture first. A mirrored picture has the complement of the second word."""

CROPS = tuple((left, top, 1 - right, 1 - bottom) for top, bottom, left, right in product(_CUT, repeat=4))
"""Left, upper, right and lower edge of each crop, as shares of the picture."""


def _cosines() -> NDArray[np.float32]:
    """float32 [edges · frequencies, SIDE]: the cosines over each stretch of an axis, its end pixels in part."""
    rows = []
    for before, behind in product(_CUT, repeat=2):
        start, end = before * SIDE, (1 - behind) * SIDE
        left, right = np.maximum(np.arange(SIDE), start), np.minimum(np.arange(1, SIDE + 1), end)
        middle = ((left + right) / 2 - start) / (end - start)
        share = np.clip(right - left, 0, 1) / (end - start)
        rows.append(np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), middle)) * share)
    return np.concatenate(rows).astype(np.float32)


def _chosen(odd: int) -> NDArray[np.int64]:
    """The lowest coefficients, without the mean, whose frequency across is even (a mirror keeps them) or odd."""
    down, across = np.divmod(np.arange(_FREQUENCIES**2), _FREQUENCIES)
    order = np.argsort(down + across, kind="stable")
    chosen: NDArray[np.int64] = order[(across[order] % 2 == odd) & (order > 0)][:_BITS]
    return chosen


def _places(coefficients: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 [crops · coefficients]: where those of each crop are among all products, [edges · frequencies] squared."""
    side = len(_CUT) ** 2
    products = np.arange((side * _FREQUENCIES) ** 2).reshape(side, _FREQUENCIES, side, _FREQUENCIES)
    by_crop = products.transpose(0, 2, 1, 3).reshape(side * side, _FREQUENCIES**2)
    return by_crop[:, coefficients].ravel()


_COSINES = _cosines()
_COEFFICIENTS = np.concatenate([_chosen(0), _chosen(1)])
_PLACES = _places(_COEFFICIENTS)


def crop_hashes(thumbnail: NDArray[np.uint8]) -> CropHashes:
    """The hashes of all crops of a grey thumbnail, uint8 [SIDE, SIDE]."""
    edges = len(_CUT) ** 2
    # Edge by edge: a larger product would be shared among threads, which wait for each other longer than it takes.
    products = _COSINES.reshape(edges, _FREQUENCIES, SIDE) @ thumbnail.astype(np.float32) @ _COSINES.T
    bits: NDArray[np.uint8] = np.packbits(products.ravel().take(_PLACES) > 0)
    return bits.view(np.uint64).reshape(-1, 2)


def detail(thumbnail: NDArray[np.uint8]) -> float:
    """The share, 0…1, of the hashed coefficients that are more than noise in a grey thumbnail, uint8 [SIDE, SIDE].

    A flat picture and one of stripes or of a gradient have next to none.
    """
    whole = _COSINES[:_FREQUENCIES]
    coefficients = (whole @ thumbnail.astype(np.float32) @ whole.T).ravel()[_COEFFICIENTS]
    return float(np.mean(np.abs(coefficients) > 0.25))


def nearest(one: CropHashes, others: CropHashes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """How the whole of one lies best upon a crop of the other, for each of `others`, uint64 [n, crops, 2]; either way.

    int64 [n] each: in how many of 128 bits they differ, and the crop: its number where it is one of the other picture,
    less the number of crops where it is one of this picture; bool [n]: whether one of them is mirrored.
    """
    crops_of_others = _best(others ^ one[0])
    crops_of_one = _best(others[:, :1] ^ one)
    differ = np.stack([crops_of_others[0], crops_of_one[0]])
    way = differ.argmin(axis=0)
    each = np.arange(len(others))
    crop = np.stack([crops_of_others[1], crops_of_one[1] - len(one)])[way, each]
    mirrored = np.stack([crops_of_others[2], crops_of_one[2]])[way, each]
    return differ[way, each], crop, mirrored


def _best(differing: CropHashes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    kept, turned = np.moveaxis(np.bitwise_count(differing), -1, 0)  # uint8, and so is the sum: 128 at most
    either = kept + np.minimum(turned, _BITS - turned)
    crop = either.argmin(axis=1)
    each = np.arange(len(either))
    return either[each, crop].astype(np.int64), crop, turned[each, crop] > _BITS // 2
