"""HOG: the directions of a picture's edges, place by place.

Dalal and Triggs, Histograms of oriented gradients for human detection (CVPR 2005): cells of nine unsigned directions,
blocks of 2 × 2 cells normalised and clipped at 0.2. Here a picture is 10 × 10 cells of 16 pixels, whatever its shape.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.descriptors.picture_encoder import PictureEncoder
from reranker.encoder import Embeddings, unit_rows
from reranker.encoder_profile import EncoderFactory, EncoderProfile
from reranker.loading import Loading

_CELLS, _CELL, _BINS, _BLOCK = 10, 16, 9, 2
_SIDE = _CELLS * _CELL
_BLOCKS = _CELLS - _BLOCK + 1
_DIMENSIONS = _BLOCKS**2 * _BLOCK**2 * _BINS + 1
_CLIP = 0.2
_LEAST_GRADIENT = 2.0
"""Of 255, added to the norm of a block: noise on a plain ground is no edge."""

Cells = NDArray[np.float32]


class HogEncoder(PictureEncoder[Cells]):
    """Pictures by their histograms of oriented gradients; a plain one by a number that all have a little of."""

    def __init__(self) -> None:
        super().__init__("hog 1", PROFILE, dimensions=_DIMENSIONS, input_side=_SIDE)

    def prepare_picture(self, picture: Image.Image) -> Cells:
        """The cells of a picture: float32 [10, 10, 9]."""
        small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        grey = np.asarray(small.convert("L"), dtype=np.float32)
        edge = np.pad(grey, 1, mode="edge")
        across, down = (edge[1:-1, 2:] - edge[1:-1, :-2]) / 2, (edge[2:, 1:-1] - edge[:-2, 1:-1]) / 2
        strength = np.hypot(across, down)
        place = (np.arctan2(down, across) % np.pi) / np.pi * _BINS
        lower = np.floor(place)
        share = place - lower
        cells = np.zeros((_CELLS, _CELLS, _BINS), dtype=np.float32)
        for bin_of, weight in ((lower, 1 - share), (lower + 1, share)):
            chosen = bin_of.astype(np.intp) % _BINS
            for number in range(_BINS):
                votes = np.where(chosen == number, strength * weight, 0)
                cells[:, :, number] += votes.reshape(_CELLS, _CELL, _CELLS, _CELL).sum(axis=(1, 3))
        return cells

    def encode_prepared(self, prepared: Sequence[Cells]) -> Embeddings:
        """One unit row a picture: float32 [len(prepared), dimensions]."""
        rows = [_normalised(cells) for cells in prepared]
        return unit_rows(np.stack(rows)) if rows else np.empty((0, self.dimensions), dtype=np.float32)


def _normalised(cells: Cells) -> NDArray[np.float32]:
    """The blocks of cells, each of L2 norm 1 once clipped, and a last number by which plain pictures are known."""
    blocks = np.stack(
        [cells[y : y + _BLOCKS, x : x + _BLOCKS] for y in range(_BLOCK) for x in range(_BLOCK)], axis=2
    ).reshape(_BLOCKS * _BLOCKS, -1)
    floor = _LEAST_GRADIENT * _CELL**2
    blocks = np.minimum(blocks / (np.linalg.norm(blocks, axis=1, keepdims=True) + floor), _CLIP)
    blocks /= np.linalg.norm(blocks, axis=1, keepdims=True) + _CLIP
    return np.append(blocks.ravel(), np.float32(0.1)).astype(np.float32)


PROFILE = EncoderProfile(
    title="HOG: edges and where they are",
    encodes=frozenset({"pictures"}),
    bytes_per_picture=4 * _DIMENSIONS,
    licence="MIT",
    home_url="https://doi.org/10.1109/CVPR.2005.177",
)


def _load(loading: Loading) -> HogEncoder:
    return HogEncoder()


FACTORY = EncoderFactory(PROFILE, _load)
