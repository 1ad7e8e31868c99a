"""The models a search can name, and the rerankers that stay loaded with what they have encoded."""

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from phrasepix.model_cache import ModelCache
from phrasepix.sample import MODEL_DIRECTORY, SAMPLE_NAME
from phrasepix_core.text import printable
from reranker.encoded_texts import EncodedTexts
from reranker.encoder import Encoder
from reranker.engine.choice import load_encoder, loads_at_once
from reranker.errors import UnknownModelError
from reranker.models.model_choice import BEST, CLIP_MULTILINGUAL_V1, DEFAULT_MODEL, MULTILINGUAL, ModelChoice
from reranker.models.registry import is_registered
from retriever.directories import cache_directory

if TYPE_CHECKING:  # brings all of the second stage, which is imported while a model is loaded
    from reranker.clip_reranker import ClipReranker

_NAMED = {
    SAMPLE_NAME: ModelChoice(f"local-dir:{MODEL_DIRECTORY}"),
    "multilingual": MULTILINGUAL,
    "best": BEST,
    "clip-multilingual-v1": CLIP_MULTILINGUAL_V1,
}


def choose_model(model: str | None, pretrained: str | None, *, only_the_sample: bool) -> tuple[str, ModelChoice]:
    """The model's title for people, and what to load: by default the sample's own for it alone, else ViT-B-32."""
    if model is None and pretrained is None:
        model = SAMPLE_NAME if only_the_sample else DEFAULT_MODEL.model
    if model in _NAMED:
        if pretrained is not None:
            raise UnknownModelError(f"the model {model} has weights of its own; leave out --pretrained {pretrained}")
        choice = _NAMED[model]
        return model if choice.text_tower or model == SAMPLE_NAME else str(choice), choice
    if model is None or model == DEFAULT_MODEL.model:
        choice = ModelChoice(DEFAULT_MODEL.model, pretrained or DEFAULT_MODEL.pretrained)
    elif is_registered(model):
        if pretrained is not None:
            raise UnknownModelError(f"the model {model} has weights of its own; leave out --pretrained {pretrained}")
        choice = ModelChoice(model, plug_in=True)
    else:
        choice = ModelChoice.of_name(model, pretrained)
    return printable(str(choice)), choice


def is_at_hand(choice: ModelChoice, device: str, engine: str) -> bool:
    """Whether a model's reranker is there within a moment."""
    return loads_at_once(choice, cache_directory(), device=device, engine=engine)


class _Loaded:
    """An encoder with the texts it has encoded, and its reranker, which is imported when it is asked for."""

    def __init__(self, encoder: Encoder, family: str = "") -> None:
        self.texts = EncodedTexts(encoder, family)
        self._making = Lock()

    @property
    def reranker(self) -> "ClipReranker":
        """The same one each time, to every thread."""
        with self._making:
            return self._reranker

    @cached_property
    def _reranker(self) -> "ClipReranker":
        from reranker.clip_reranker import ClipReranker

        return ClipReranker(texts=self.texts)


_NAMED_MODELS: ModelCache[_Loaded] = ModelCache(most=4)
"""Room for two searches at once that have a second model each."""
_BROUGHT_ENCODERS: ModelCache[_Loaded] = ModelCache(most=2)


def texts_of_model(choice: ModelChoice, device: str, engine: str = "auto", *, download: bool = True) -> EncodedTexts:
    """A model's encoder with the texts it has encoded: its reranker's. Raises the errors of `load_encoder`."""
    return _loaded(choice, device, engine, download).texts


def reranker_of_model(
    choice: ModelChoice, device: str, engine: str = "auto", *, download: bool = True
) -> "ClipReranker":
    """The reranker of a model; the same one each time, so that a pool is encoded once in a process."""
    return _loaded(choice, device, engine, download).reranker


def _loaded(choice: ModelChoice, device: str, engine: str, download: bool) -> _Loaded:
    directory = cache_directory().absolute()
    family = SAMPLE_NAME if choice == _NAMED[SAMPLE_NAME] else ""

    def load() -> _Loaded:
        return _Loaded(load_encoder(choice, directory, device=device, engine=engine, download=download), family)

    return _NAMED_MODELS.get((choice, device, engine, directory), load, terms=download)


def reranker_of_encoder(encoder: Encoder) -> "ClipReranker":
    """The reranker of an encoder somebody brought along; the same one each time."""
    return _BROUGHT_ENCODERS.get(_Brought(encoder), lambda: _Loaded(encoder)).reranker


class _Brought:
    """An encoder that is the same as itself alone: its own class may compare otherwise, and be no key of a cache."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Brought) and self.encoder is other.encoder

    def __hash__(self) -> int:
        return id(self.encoder)
