"""The sample's pictures and phrases as its own model sees them, and phrases whose truth is known."""

import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from phrasepix.models.catalogue import choose_model
from phrasepix.sample import MODEL_DIRECTORY
from reranker.encoder import Embeddings, Encoder
from reranker.engine.factory import load_encoder
from retriever.directories import cache_directory
from training.captions import Phrase, phrase_about
from training.scenes import scene_of_picture, shipped_scenes

PICTURES = MODEL_DIRECTORY.parent / "pictures"
_BATCH = 64


@dataclass(frozen=True)
class Asked:
    """A phrase and the tag under which it is looked for."""

    phrase: Phrase
    tag: str


class SampleEmbeddings:
    """All shipped pictures, encoded by `encoder` when first asked for; by default the sample's own model."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        if encoder is None:
            _, choice = choose_model(None, None, only_the_sample=True)
            encoder = load_encoder(choice, cache_directory(), device="cpu")
        self.encoder = encoder

    @cached_property
    def _row_of(self) -> dict[int, int]:
        return {number: row for row, number in enumerate(shipped_scenes())}

    @cached_property
    def _rows(self) -> Embeddings:
        numbers = list(self._row_of)
        return np.concatenate(
            [
                self.encoder.encode_pictures([_picture(number) for number in numbers[at : at + _BATCH]])
                for at in range(0, len(numbers), _BATCH)
            ]
        )

    def of(self, pool: "tuple[int, ...] | list[int]") -> Embeddings:
        """The pictures of these ids: float32 [n, d]."""
        return self._rows[[self._row_of[number] for number in pool]]


def few_facts(n: int, seed: int) -> list[Asked]:
    """`n` phrases in held-out forms that say little: subjects, and few other facts of a shipped picture."""
    rng = random.Random(f"few facts {seed}")
    asked = []
    for _ in range(n):
        scene = scene_of_picture(rng.choice(sorted(shipped_scenes())))
        phrase = phrase_about(scene, rng, measuring=True, keep=0.2, both=1.0)
        asked.append(Asked(phrase, rng.choice(phrase.claims.things).subject))
    return asked


def _picture(number: int) -> Image.Image:
    with Image.open(Path(PICTURES) / f"{number}.jpg") as picture:
        return picture.convert("RGB")
