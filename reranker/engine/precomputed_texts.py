"""Texts that are encoded along with a model's export, so that no search need encode them."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np

from reranker.baseline_prompts import NEUTRAL_PHRASES
from reranker.encoder import Embeddings

logger = logging.getLogger(__name__)

_BATCH = 64
_FILE = "known_texts.npz"


class EncodesTexts(Protocol):
    """Whatever turns texts into embeddings."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), d]."""
        ...


def texts_to_know() -> tuple[str, ...]:
    """What scores are read against, and what is taken off a picture that is near everything."""
    from reranker.everyday import EVERYDAY_CAPTIONS  # few searches use them, and none needs them as texts

    return (*NEUTRAL_PHRASES, *EVERYDAY_CAPTIONS)


def precompute_texts(encoder: EncodesTexts, texts: Sequence[str]) -> Embeddings:
    """The embeddings of the texts, float32 [len(texts), d]."""
    batches = [texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH)]
    return np.concatenate([encoder.encode_texts(batch) for batch in batches])


def precompute_neutral_phrases(encoder: EncodesTexts, directory: Path) -> None:
    """Keep in `directory`, an export that is in its place, what scores are read against. Raises OSError."""
    write_precomputed_texts(directory, NEUTRAL_PHRASES, precompute_texts(encoder, NEUTRAL_PHRASES))


def write_precomputed_texts(directory: Path, texts: Sequence[str], embeddings: Embeddings) -> None:
    """Keep the texts with their embeddings, float32 [len(texts), d], in `directory`. Raises OSError."""
    partial = directory / f"{os.urandom(8).hex()}.partial.npz"  # nobody ever reads half of it
    try:
        np.savez(partial, texts=np.array(texts), embeddings=embeddings)
        partial.replace(directory / _FILE)
    finally:
        partial.unlink(missing_ok=True)


def read_precomputed_texts(directory: Path, texts: Sequence[str]) -> Embeddings | None:
    """The embeddings of the texts as they were kept in `directory`, float32 [len(texts), d]; None where one is not."""
    try:
        with (directory / _FILE).open("rb") as file, np.load(file) as kept:
            known = dict(zip(kept["texts"].tolist(), kept["embeddings"], strict=True))
        return np.stack([known[text] for text in texts])
    except (OSError, ValueError, LookupError, EOFError, RuntimeError, BadZipFile) as error:  # as archives are damaged
        logger.debug("the texts known to the model in %s are of no use: %r", directory, error)
        return None
