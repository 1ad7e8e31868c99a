"""Colours of a picture, and how much of each: a histogram whose cosine falls with the distance colours would move.

Björn Ottosson's Oklab (2020) is the space: equal steps look about equal. It has 5 × 7 × 7 bins, 0.25 apart in lightness
and 0.1 along the two axes of colour. Each pixel is shared out between the bins around it, the histogram is smoothed by
two Gaussians, of 0.7 bins and of 1.5, and its square root is taken, so that the cosine of two is their Bhattacharyya
coefficient. A colour that moves by a bin keeps most of its overlap, one that moves farther less and less, as the earth
mover's distance grows, until nothing is common. The cosine is high for any two: between photographs 0.87 to 0.997.
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

_SIDE = 64
_SHAPE = (5, 7, 7)
_LOWEST, _STEPS = np.array([0.0, -0.3, -0.3], np.float32), np.array([0.25, 0.1, 0.1], np.float32)
_SIGMAS = (0.7, 1.5)
_DIMENSIONS = int(np.prod(_SHAPE))

Histogram = NDArray[np.float64]


class ColourHistogramEncoder(PictureEncoder[Histogram]):
    """Pictures by the shares of their colours, wherever they are."""

    def __init__(self) -> None:
        super().__init__("colour 1", PROFILE, dimensions=_DIMENSIONS, input_side=_SIDE)

    def prepare_picture(self, picture: Image.Image) -> Histogram:
        """The shares of a picture's colours: float64 [245]."""
        small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)
        places = (oklab(np.asarray(small).reshape(-1, 3)) - _LOWEST) / _STEPS
        places = np.clip(places, 0, np.array(_SHAPE) - 1)
        lower = np.minimum(np.floor(places).astype(np.intp), np.array(_SHAPE) - 2)
        share = places - lower
        histogram = np.zeros(_SHAPE, dtype=np.float64)
        for corner in np.ndindex(2, 2, 2):
            weight = np.where(corner, share, 1 - share).prod(axis=1)
            np.add.at(histogram, tuple((lower + np.array(corner)).T), weight)
        return histogram.ravel() / len(places)

    def encode_prepared(self, prepared: Sequence[Histogram]) -> Embeddings:
        """One unit row a picture: float32 [len(prepared), dimensions]."""
        smooth = _smoothing()
        rows = [np.sqrt(smooth @ histogram) for histogram in prepared]
        return unit_rows(np.stack(rows)) if rows else np.empty((0, self.dimensions), dtype=np.float32)


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return sRGB colours [n, 3] in Oklab: lightness 0…1 and two axes of colour, some −0.3…0.3; float32 [n, 3].

    The constants are those of https://bottosson.github.io/posts/oklab/ and, for the curve, of IEC 61966-2-1.
    """
    share = rgb.astype(np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    found: NDArray[np.float32] = (cones @ _TO_LAB.T).astype(np.float32)
    return found


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@cache
def _smoothing() -> NDArray[np.float64]:
    """What spreads each bin over those around it: float64 [245, 245], the mean of two Gaussians."""
    places = np.indices(_SHAPE).reshape(3, -1).T.astype(np.float64)
    away = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    kernels = [np.exp(-away / (2 * sigma**2)) for sigma in _SIGMAS]
    spread: NDArray[np.float64] = sum(kernel / kernel.sum(axis=0) for kernel in kernels) / len(kernels)
    return spread


PROFILE = EncoderProfile(
    title="Colours, and how much of each",
    encodes=frozenset({"pictures"}),
    bytes_per_picture=4 * _DIMENSIONS,
    licence="MIT",
    home_url="https://bottosson.github.io/posts/oklab/",
)


def _load(loading: Loading) -> ColourHistogramEncoder:
    return ColourHistogramEncoder()


FACTORY = EncoderFactory(PROFILE, _load)
