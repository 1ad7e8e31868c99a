"""Cache of one encoder's text embeddings: each text is encoded once in a process."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from phrasepix_core.text import shortened
from reranker.baseline_prompts import caption_embeddings, neutral_embeddings
from reranker.encoder import Embeddings, Encoder, KeepsOneTower, TellsWhatItReads, checked_rows
from reranker.errors import WrongQueryError
from reranker.families import declared_family
from reranker.prefetch import BackgroundThread

if TYPE_CHECKING:  # texts are encoded while the rest of this stage is imported
    from reranker.memory.embedding_store import EmbeddingStore


class TextEmbeddingCache:
    """Phrases, parts of them, and the neutral phrases that they are read against.

    `family` is that of the encoder, where it does not declare one itself (`reranker.families`). With `both_towers` the
    encoder always holds both, else only while searches overlap.
    Whoever asks for a text while the `encoder` is `in_use`, perhaps for that text, waits.
    """

    def __init__(self, encoder: Encoder, family: str = "", *, both_towers: bool = False) -> None:
        self.encoder = encoder
        if both_towers and isinstance(encoder, KeepsOneTower):
            encoder.keep_both_towers(True)
        self._both_towers = both_towers
        self.family = family or declared_family(encoder)
        self.in_use = Lock()
        """An encoder may be called by any thread, but by one at a time."""
        self.aside = BackgroundThread("encode")
        """Calls it for whoever has other things to do meanwhile; what is done there waits for nothing but `in_use`."""
        self._neutral: Embeddings | None = None
        self._searches: Counter[int] = Counter()
        self._counting = Lock()
        self._captions: Embeddings | None = None
        self._phrases = lru_cache(maxsize=128)(self._encode_phrase)
        self._parts = lru_cache(maxsize=32)(self._encode_parts)

    def phrase(self, text: str) -> Embeddings:
        """Float32 [d]. Raises `WrongQueryError` where it is not finite."""
        with self.in_use:
            return self._phrases(text)[0]

    def unread(self, text: str) -> str:
        """Return the words of a phrase that the model does not read; empty if it reads all. Raises as `phrase`."""
        with self.in_use:
            return self._phrases(text)[1]

    def parts(self, texts: tuple[str, ...]) -> list[tuple[str, Embeddings]]:
        """Each with its text, encoded in one batch. Raises `WrongQueryError` where one is not finite."""
        with self.in_use:
            return self._parts(texts)

    def neutral(self, store: "EmbeddingStore | None") -> Embeddings:
        """Those of the neutral phrases, float32 [k, d]; `store` keeps them where the encoder did not come with them."""
        with self.in_use:
            if self._neutral is None:
                self._neutral = neutral_embeddings(self.encoder, store)
            return self._neutral

    def captions(self, store: "EmbeddingStore | None") -> Embeddings:
        """Those of the everyday captions, float32 [k, d], as of `neutral`."""
        with self.in_use:
            if self._captions is None:
                self._captions = caption_embeddings(self.encoder, store)
            return self._captions

    @contextmanager
    def search(self, query: object) -> Iterator[None]:
        """Count the search for `query` as one that uses the encoder, also if several of its threads do.

        Once two searches overlap, the encoder holds both towers until the last is over.
        """
        self._count(id(query), 1)
        try:
            yield
        finally:
            self._count(id(query), -1)

    def _count(self, search: int, change: int) -> None:
        with self._counting:
            self._searches[search] += change
            if not self._searches[search]:
                del self._searches[search]
            if not self._both_towers and len(self._searches) != 1 and isinstance(self.encoder, KeepsOneTower):
                self.encoder.keep_both_towers(len(self._searches) > 1)

    def _encode_phrase(self, text: str) -> tuple[Embeddings, str]:
        embedding = self._finite(self._rows([text])[0], "this phrase")
        return embedding, self.encoder.unread(text) if isinstance(self.encoder, TellsWhatItReads) else ""

    def _encode_parts(self, texts: tuple[str, ...]) -> list[tuple[str, Embeddings]]:
        rows = self._rows(texts) if texts else ()
        return [(text, self._finite(row, f"“{shortened(text)}”")) for text, row in zip(texts, rows, strict=True)]

    def _rows(self, texts: Sequence[str]) -> Embeddings:
        return checked_rows(self.encoder, self.encoder.encode_texts(texts), len(texts), "texts")

    def _finite(self, embedding: Embeddings, title: str) -> Embeddings:
        if not np.isfinite(embedding).all():
            raise WrongQueryError(f"the model {self.encoder.name} gives no finite embedding for {title}")
        return embedding
