"""The model of a search, loaded while its sources are asked where that takes a moment only."""

import logging
from collections.abc import Callable
from contextlib import closing
from threading import Thread

from phrasepix.models import choose_model, is_at_hand, reranker_of_encoder, reranker_of_model
from phrasepix.sample import SAMPLE_NAME
from phrasepix.settings import Settings
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Encoder
from reranker.memory import store_of_texts
from reranker.query import Query
from retriever.directories import cache_directory
from retriever.errors import WrongParameterError

logger = logging.getLogger(__name__)


class ModelInLoading:
    """The reranker of `model` (its name with the `pretrained` tag, or an `Encoder`), ready for `query`.

    Its weights are downloaded if they are not on this machine, unless `download` is False.

    `begin` loads what is at hand on this machine, and what takes longest of that, the text tower, in the background.
    What must be downloaded, exported or run by torch waits for `reranker`: nobody should wait for it who finds no
    picture.
    """

    def __init__(
        self,
        model: str | Encoder | None,
        pretrained: str | None,
        *,
        device: str,
        engine: str,
        query: Query,
        only_the_sample: bool,
        download: bool,
    ) -> None:
        self._query = query
        self._thread: Thread | None = None
        self._load: Callable[[], ClipReranker]
        self._is_at_hand: Callable[[], bool]
        if model is not None and not isinstance(model, str):
            encoder = model
            self.title = encoder.name
            self._load = lambda: reranker_of_encoder(encoder)
            self._is_at_hand = lambda: False  # its own affair, in the thread that asks
            return
        self.title, choice = choose_model(model, pretrained, only_the_sample=only_the_sample)
        self._load = lambda: reranker_of_model(choice, device, engine, download=download)
        self._is_at_hand = lambda: is_at_hand(choice, device, engine)
        if self.title == SAMPLE_NAME and not only_the_sample:
            logger.warning(
                "the model “sample” knows the sample's drawn scenes only; its order of photographs means nothing"
            )

    def begin(self) -> None:
        """Begin to load what is at hand."""
        if not self._is_at_hand():
            return
        try:
            reranker = self._load()
        except Exception as error:  # raised again, to whoever asks, by the same steps
            logger.debug("the model could not be loaded ahead: %s", error)
            return
        self._thread = Thread(target=self._prepare, args=(reranker,), name="load-model", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Wait for what was begun: a process must not end in the middle of it."""
        if self._thread is not None:
            self._thread.join()

    def reranker(self) -> ClipReranker:
        """The reranker, which may be encoding the phrases still. Raises the errors of `load_encoder`."""
        return self._load()

    def _prepare(self, reranker: ClipReranker) -> None:
        try:
            with closing(store_of_texts(cache_directory())) as texts:
                reranker.prepare(self._query, texts)
        except Exception as error:  # raised again, to whoever asks, by the same steps
            logger.debug("the phrases could not be encoded ahead: %s", error)


def model_of(settings: Settings) -> ModelInLoading:
    """The model that ranks."""
    return _in_loading(settings, settings.model, settings.pretrained)


def second_model_of(settings: Settings, first: ModelInLoading) -> ModelInLoading | None:
    """The model that ranks the best again, after the `first`; None where none is to. Raises `WrongParameterError`."""
    if settings.refine is None:
        return None
    name, tag = settings.refine, None
    if isinstance(name, str) and ":" not in name and "/" in name:
        name, tag = name.split("/", 1)  # ViT-L-14/laion2b_s32b_b82k
    model = _in_loading(settings, name, tag)
    if model.title == first.title:
        raise WrongParameterError(f"refine {model.title} is the model that ranks already; name another one")
    return model


def _in_loading(settings: Settings, model: str | Encoder | None, pretrained: str | None) -> ModelInLoading:
    return ModelInLoading(
        model,
        pretrained,
        device=settings.device,
        engine=settings.engine,
        query=settings.query,
        only_the_sample=settings.sources == (SAMPLE_NAME,),
        download=not settings.offline,
    )
