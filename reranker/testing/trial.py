"""An encoder on trial: what its checks ask it for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from phrasepix_core.contracts import Contract, breach, demand
from reranker.encoder import Embeddings, Encoder
from reranker.encoder_profile import reads_texts

TEXTS = ("a red boat at night", "two tigers play in the snow", "an empty street in the rain, seen from above")


def made_pictures() -> list[Image.Image]:
    """Return four RGB pictures that look nothing alike: noise in two sizes, stripes, and a plain colour."""
    dice = np.random.default_rng(27)
    noise = [Image.fromarray(dice.integers(0, 256, size, dtype=np.uint8)) for size in ((60, 90, 3), (120, 80, 3))]
    stripes = Image.new("RGB", (96, 64), (245, 215, 60))
    for left in range(0, 96, 16):
        stripes.paste((40, 90, 200), (left, 0, left + 8, 64))
    return [*noise, stripes, Image.new("RGB", (64, 64), (200, 30, 40))]


@dataclass(frozen=True, slots=True)
class EncoderTrial:
    """An encoder, others of its kind, and how exact it is."""

    encoder: Encoder
    others: tuple[Encoder, ...]
    tolerance: float
    """How far a number of an embedding may be from what it should be."""

    @property
    def reads_texts(self) -> bool:
        """Whether it encodes texts; of one that compares pictures with pictures there is nothing to check in them."""
        return reads_texts(self.encoder)

    def texts(self, texts: Sequence[str], given: str = "") -> Embeddings:
        """Return the embeddings of `texts`, of the promised shape and kind; none of an encoder that reads none."""
        if not self.reads_texts:
            return np.empty((0, self.encoder.dimensions), dtype=np.float32)
        return self.rows(self.encoder.encode_texts(texts), len(texts), given or f"encode_texts({list(texts)!r:.200})")

    def pictures(self, pictures: Sequence[Image.Image], given: str = "") -> Embeddings:
        """Return the embeddings of `pictures`, of the promised shape and kind."""
        rows = self.encoder.encode_pictures(pictures)
        return self.rows(rows, len(pictures), given or f"encode_pictures of {len(pictures)} RGB pictures")

    def rows(self, rows: object, count: int, given: str) -> Embeddings:
        """Return `rows`, which came for `count` texts or pictures, of the promised shape and kind."""
        if not isinstance(rows, np.ndarray):
            breach(given, f"{type(rows).__name__}, not a NumPy array")
        demand(rows.dtype == np.float32, given, f"an array of {rows.dtype}, not float32")
        wanted = (count, self.encoder.dimensions)
        demand(rows.shape == wanted, given, f"an array {list(rows.shape)}, not {list(wanted)}")
        return rows

    def demand_equal(self, rows: Embeddings, expected: Embeddings, given: str) -> None:
        """End the check unless both are the same to within the tolerance."""
        away = float(np.abs(rows.astype(np.float64) - expected).max(initial=0.0))
        same = away <= self.tolerance  # False for NaN
        demand(same, given, f"embeddings that differ by up to {away:.2g}; the tolerance is {self.tolerance:g}")


CONTRACT: Contract[EncoderTrial] = Contract()
"""The promises of an encoder; the modules beside this one state them."""

ENCODER = "reranker.encoder.Encoder"
ENCODE_TEXTS = f"{ENCODER}.encode_texts"
ENCODE_PICTURES = f"{ENCODER}.encode_pictures"
EMBEDDINGS = "reranker.encoder.Embeddings"
