"""Baseline prompts, which nobody asked for and cosines are compared with, and their embeddings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from reranker.encoder import Embeddings, Encoder, KnowsTexts, checked_rows

if TYPE_CHECKING:
    from reranker.memory.embedding_store import EmbeddingStore

NEUTRAL_PHRASES: Final = (
    "a photo",
    "a picture",
    "a photo of something",
    "an abstract pattern",
    "a portrait",
    "a man",
    "a smiling woman",
    "children playing",
    "a group of people",
    "people at work",
    "a hand",
    "a dog",
    "a cat",
    "a bird",
    "horses in a field",
    "a flower",
    "a tree",
    "a forest",
    "mountains",
    "a lake",
    "the sea",
    "a beach",
    "a river",
    "the sky with clouds",
    "a red sunset",
    "a city street",
    "a building",
    "a house",
    "a room with furniture",
    "food on a table",
    "a cup of coffee",
    "fruit",
    "a car on a road",
    "a train",
    "a boat",
    "an airplane",
    "a bicycle",
    "a computer on a desk",
    "a book",
    "clothes",
    "sports",
    "a night scene",
    "a snowy day",
    "the colour blue",
    "green leaves",
)
"""Everyday captions of everything and nothing, short: a text tower's work grows with the longest of them."""

_SOURCE = "neutral phrases"
_BATCH = 64


def neutral_embeddings(encoder: Encoder, store: "EmbeddingStore | None") -> Embeddings:
    """Those of the neutral phrases under this encoder: float32 [k, d], rows of L2 norm 1.

    Taken from the encoder where it came with them, or from the `store` where they are kept; else encoded in one batch,
    and kept. A phrase of which the encoder gives no finite embedding is left out.
    """
    return _known_or_encoded(NEUTRAL_PHRASES, encoder, store)


def caption_embeddings(encoder: Encoder, store: "EmbeddingStore | None") -> Embeddings:
    """Those of the everyday captions (`reranker.everyday`), as of `neutral_embeddings`."""
    from reranker.everyday import EVERYDAY_CAPTIONS

    return _known_or_encoded(EVERYDAY_CAPTIONS, encoder, store)


def _known_or_encoded(texts: Sequence[str], encoder: Encoder, store: "EmbeddingStore | None") -> Embeddings:
    if isinstance(encoder, KnowsTexts) and (known := encoder.known_texts(texts)) is not None:
        return known[np.isfinite(known).all(axis=1)]
    keys = {text: (_SOURCE, text) for text in texts}
    found = {} if store is None else store.get_many(encoder.name, encoder.dimensions, keys.values())
    missing = [text for text, key in keys.items() if key not in found]
    if missing:
        batches = [missing[at : at + _BATCH] for at in range(0, len(missing), _BATCH)]
        rows = [
            row for batch in batches for row in checked_rows(encoder, encoder.encode_texts(batch), len(batch), "texts")
        ]
        encoded = {keys[text]: row for text, row in zip(missing, rows, strict=True) if np.isfinite(row).all()}
        if store is not None:
            store.put_many(encoder.name, encoded)
        found |= encoded
    kept = [found[key] for key in keys.values() if key in found]
    return np.stack(kept) if kept else np.empty((0, encoder.dimensions), dtype=np.float32)
