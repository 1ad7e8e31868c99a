"""A double for stage 2's seam, for people who build on it: no weights, and it still sees something."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from reranker.encoder import Embeddings, unit_rows

COLOURS = {
    "red": (200, 30, 40),
    "orange": (240, 140, 30),
    "yellow": (245, 215, 60),
    "green": (50, 150, 70),
    "blue": (40, 90, 200),
    "purple": (130, 60, 160),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


class ColourEncoder:
    """Knows eight colour words and sees which of them a picture's pixels are nearest to.

    One dimension a colour, plus one that is small and constant, so that a text without a colour word and
    any picture have a direction.
    """

    name = "colours"
    dimensions = len(COLOURS) + 1
    input_side = 32

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Which colour words each text has: float32 [len(texts), 9], unit rows."""
        counts = [[text.lower().split().count(colour) for colour in COLOURS] for text in texts]
        return self._with_constant(np.array(counts, dtype=np.float32).reshape(len(texts), len(COLOURS)))

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """The share of pixels nearest to each colour: float32 [len(pictures), 9], unit rows."""
        palette = np.array(list(COLOURS.values()), dtype=np.float32)
        shares = np.zeros((len(pictures), len(COLOURS)), dtype=np.float32)
        for row, picture in enumerate(pictures):
            small = picture.convert("RGB").resize((self.input_side, self.input_side))
            pixels = np.asarray(small, dtype=np.float32).reshape(-1, 3)
            nearest = np.argmin(((pixels[:, None] - palette[None]) ** 2).sum(axis=2), axis=1)
            shares[row] = np.bincount(nearest, minlength=len(COLOURS)) / len(pixels)
        return self._with_constant(shares)

    @staticmethod
    def _with_constant(rows: np.ndarray) -> Embeddings:
        return unit_rows(np.hstack([rows, np.full((len(rows), 1), 0.05, dtype=np.float32)]))
