"""Perceptual hash: the signs of a small picture's lowest frequencies, by which a copy of another size is known.

Zauner, Implementation and benchmarking of perceptual image hash functions (2010): the discrete cosine transform of
32 × 32 grey pixels, of it the lowest 8 × 8, each against their median; the first bit says whether the picture is
bright. The cosine of two hashes is one less twice the share of bits that differ.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.descriptors.picture_encoder import PictureEncoder
from reranker.encoder import Embeddings, unit_rows
from reranker.encoder_profile import EncoderFactory, EncoderProfile
from reranker.loading import Loading

_SIDE, _LOWEST = 32, 8
_DIMENSIONS = _LOWEST**2
_MIDDLE = 127.5
_NOTHING = 1e-3
"""A smaller coefficient is one of rounding: a plain picture has all signs alike."""

Signs = NDArray[np.float32]


class PerceptualHashEncoder(PictureEncoder[Signs]):
    """Pictures by 64 bits, as −1 and 1."""

    def __init__(self) -> None:
        super().__init__("phash 1", PROFILE, dimensions=_DIMENSIONS, input_side=_SIDE)

    def prepare_picture(self, picture: Image.Image) -> Signs:
        """The signs of a picture: float32 [64], each −1 or 1."""
        small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        grey = np.asarray(small.convert("L"), dtype=np.float64)
        waves = _waves()
        low = (waves @ grey @ waves.T).ravel()
        low[0] = 0.0
        signs = np.where(low > np.median(low) + _NOTHING, 1, -1)
        signs[0] = 1 if grey.mean() > _MIDDLE else -1  # of the mean itself: plain pictures have nothing else
        return signs.astype(np.float32)

    def encode_prepared(self, prepared: Sequence[Signs]) -> Embeddings:
        """One unit row a picture: float32 [len(prepared), 64]."""
        return unit_rows(np.array(prepared, dtype=np.float32).reshape(-1, _DIMENSIONS))


@cache
def _waves() -> NDArray[np.float64]:
    """The lowest cosines of the transform (DCT-II): float64 [8, 32]."""
    frequencies, places = np.arange(_LOWEST)[:, None], np.arange(_SIDE)[None]
    waves: NDArray[np.float64] = np.cos(np.pi * (2 * places + 1) * frequencies / (2 * _SIDE))
    return waves


PROFILE = EncoderProfile(
    title="Perceptual hash of 64 bits",
    encodes=frozenset({"pictures"}),
    bytes_per_picture=4 * _DIMENSIONS,
    licence="MIT",
    home_url="https://phash.org/docs/pubs/thesis_zauner.pdf",
)


def _load(loading: Loading) -> PerceptualHashEncoder:
    return PerceptualHashEncoder()


FACTORY = EncoderFactory(PROFILE, _load)
