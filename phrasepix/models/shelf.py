"""The models that stay loaded, with what they have encoded."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from phrasepix.models.catalogue import NAMED
from phrasepix.models.model_cache import ModelCache
from phrasepix.sample import SAMPLE_NAME
from phrasepix_core.cached_property import cached_property
from phrasepix_core.forking import reset_in_children, set_free
from reranker.encoder import Encoder
from reranker.engine.export_lock import log_notice
from reranker.engine.factory import load_encoder, loads_at_once
from reranker.models.model_spec import ModelSpec
from reranker.text_cache import TextEmbeddingCache

if TYPE_CHECKING:  # brings all of the second stage, which is imported while a model is loaded
    from reranker.clip_reranker import ClipReranker


_POOLS_AT_ONCE = 8
"""Pools whose pictures are loaded at once where many search: each holds some 20 MB of them, and all share the tower."""


class ModelShelf:
    """Loaded models, shared by all searches of a finder: each is loaded and exported by one thread. Thread-safe.

    At most `most` named ones and two encoders that callers brought along are kept; with `both_towers` each holds its
    text and its image tower at once, else one of them while a single search uses it.
    """

    def __init__(self, *, most: int = 4, both_towers: bool = False) -> None:
        self._named: ModelCache[_Loaded] = ModelCache(most)
        self._brought: ModelCache[_Loaded] = ModelCache(2)
        self._both_towers = both_towers

    def texts(
        self, spec: ModelSpec, device: str, engine: str, directory: Path, *, download: bool = True
    ) -> TextEmbeddingCache:
        """Return a model's encoder with the texts it has encoded: its reranker's. Raises as `load_encoder`.

        `directory` holds exported models.
        """
        return self._loaded(spec, device, engine, directory, download).texts

    def reranker(
        self,
        spec: ModelSpec,
        device: str,
        engine: str,
        directory: Path,
        *,
        download: bool = True,
        on_notice: Callable[[str], None] = log_notice,
    ) -> "ClipReranker":
        """Return the reranker of a model: the same one each time, so that a pool is encoded once.

        `on_notice` is told what people should know of it, if it is loaded now.
        """
        return self._loaded(spec, device, engine, directory, download, on_notice).reranker

    def is_at_hand(self, spec: ModelSpec, device: str, engine: str, directory: Path) -> bool:
        """Return whether a model is loaded, or is within a moment: from the exported ones in `directory`."""
        return self._named.has((spec, device, engine, directory.absolute())) or loads_at_once(
            spec, directory, device=device, engine=engine
        )

    def reranker_of_encoder(self, encoder: Encoder) -> "ClipReranker":
        """Return the reranker of an encoder that a caller brought along; the same one each time."""
        return self._loaded_encoder(encoder).reranker

    def texts_of_encoder(self, encoder: Encoder) -> TextEmbeddingCache:
        """Return an encoder that a caller brought along with the texts it has encoded: its reranker's."""
        return self._loaded_encoder(encoder).texts

    def drop_unused(self, seconds: float) -> None:
        """Give back the memory of models that were not asked for in so many seconds."""
        self._named.drop_unused(seconds)
        self._brought.drop_unused(seconds)

    def clear(self) -> None:
        """Give back the memory of all models."""
        self.drop_unused(0)

    def _loaded_encoder(self, encoder: Encoder) -> "_Loaded":
        return self._brought.get(_Brought(encoder), lambda: _Loaded(encoder, both_towers=self._both_towers))

    def _loaded(
        self,
        spec: ModelSpec,
        device: str,
        engine: str,
        directory: Path,
        download: bool,
        on_notice: Callable[[str], None] = log_notice,
    ) -> "_Loaded":
        directory = directory.absolute()
        family = SAMPLE_NAME if spec == NAMED[SAMPLE_NAME] else ""

        def load() -> _Loaded:
            encoder = load_encoder(
                spec, directory, device=device, engine=engine, download=download, on_notice=on_notice
            )
            return _Loaded(encoder, family, both_towers=self._both_towers)

        return self._named.get((spec, device, engine, directory), load, terms=download)


class _Loaded:
    """An encoder with the texts it has encoded, and its reranker, which is imported when it is asked for."""

    def __init__(self, encoder: Encoder, family: str = "", *, both_towers: bool) -> None:
        self.texts = TextEmbeddingCache(encoder, family, both_towers=both_towers)
        self._pools_at_once = _POOLS_AT_ONCE if both_towers else None
        self._making = Lock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent."""
        set_free(self._making)

    @property
    def reranker(self) -> "ClipReranker":
        """The same one each time, to every thread."""
        with self._making:
            return self._reranker

    @cached_property
    def _reranker(self) -> "ClipReranker":
        from reranker.clip_reranker import ClipReranker

        return ClipReranker(texts=self.texts, pools_at_once=self._pools_at_once)


class _Brought:
    """An encoder that is the same as itself alone: its own class may compare otherwise, and be no key of a cache."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Brought) and self.encoder is other.encoder

    def __hash__(self) -> int:
        return id(self.encoder)
