"""Handle of a search's model, which is preloaded while sources are asked if that takes a moment only."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from phrasepix.events import Notice
from phrasepix.models.catalogue import choose_model, names_that_read_texts
from phrasepix.models.shelf import ModelShelf
from phrasepix.request import SearchRequest
from phrasepix.sample import SAMPLE_NAME
from phrasepix_core.messages import Hint
from phrasepix_core.turns import waits
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Encoder
from reranker.encoder_profile import reads_texts
from reranker.errors import NoTextsError, UnknownModelError
from reranker.memory import Memory
from reranker.models.registry import registered_profile
from reranker.query import Query
from retriever.errors import WrongParameterError

logger = logging.getLogger(__name__)


class ModelHandle:
    """The reranker of `model` (its name with the `pretrained` tag, or an `Encoder`), ready for `query`.

    Its weights are downloaded if they are not on this machine, unless `download` is False. `on_notice` is told what
    people should know of how it is run, if it is loaded for this search.

    `begin` loads what is at hand on this machine, and what takes longest of that, the text tower, in the background.
    What must be downloaded, exported or run by torch waits for `reranker`: nobody should wait for it who finds no
    picture.
    """

    def __init__(
        self,
        model: str | Encoder | None,
        pretrained: str | None,
        *,
        shelf: ModelShelf,
        directory: Path,
        device: str,
        engine: str,
        query: Query,
        only_the_sample: bool,
        download: bool,
        on_notice: Callable[[str], None],
        option: str = "model",
    ) -> None:
        self._query = query
        self._preparing: Future[None] | None = None
        self._load: Callable[[], ClipReranker]
        self._is_at_hand: Callable[[], bool]
        self.notice: Notice | None = None
        """What people should know of the choice."""
        if model is not None and not isinstance(model, str):
            encoder = model
            self.title = encoder.name
            _demand_texts_are_read(self.title, query, is_read=reads_texts(encoder))
            self._load = lambda: shelf.reranker_of_encoder(encoder)
            # A caller's encoder is never loaded ahead: it may not be safe in another thread.
            self._is_at_hand = lambda: False
            return
        self.title, spec = choose_model(model, pretrained, only_the_sample=only_the_sample, option=option)
        if spec.plug_in and (profile := registered_profile(spec.model)) is not None:
            if "pictures" not in profile.encodes:
                raise UnknownModelError(
                    f"the encoder {self.title} makes embeddings of texts alone; it ranks no picture"
                )
            _demand_texts_are_read(self.title, query, is_read="texts" in profile.encodes)
        self._load = lambda: shelf.reranker(spec, device, engine, directory, download=download, on_notice=on_notice)
        self._is_at_hand = lambda: shelf.is_at_hand(spec, device, engine, directory)
        if self.title == SAMPLE_NAME and not only_the_sample:
            self.notice = Notice(
                ("the model “sample” knows the sample's drawn scenes only; its order of photographs means nothing",)
            )

    def begin(self, memory: Memory) -> None:
        """Begin to load what is at hand; `memory` may have texts that it has encoded."""
        if not self._is_at_hand():
            return
        try:
            reranker = self._load()
        except Exception as error:  # raised again, to whoever asks, by the same steps
            logger.debug("the model could not be loaded ahead: %s", error)
            return
        self._preparing = reranker.begin_to_prepare(self._query, memory.texts)

    def end(self) -> None:
        """Wait for what was begun: a process must not end in the middle of it."""
        if self._preparing is None:
            return
        with waits():
            error = self._preparing.exception()
        if error is not None:  # it was raised again, to whoever asked, by the same steps
            logger.debug("the phrases could not be encoded ahead: %s", error)

    def reranker(self) -> ClipReranker:
        """The reranker, which may be encoding the phrases still. Raises the errors of `load_encoder`."""
        return self._load()


def _demand_texts_are_read(title: str, query: Query, *, is_read: bool) -> None:
    if is_read or not any(query.phrases):
        return
    first, *others = names_that_read_texts()
    raise NoTextsError(
        f"the encoder {title} compares pictures with pictures and reads no text; leave out the text and give a picture "
        "by ",
        Hint("like", "photo.jpg"),
        ", or take one that reads texts: ",
        Hint("model", first),
        f", {', '.join(others)} or another CLIP model",
    )


def models_of(
    request: SearchRequest,
    shelf: ModelShelf,
    directory: Path,
    *,
    only_the_sample: bool,
    on_notice: Callable[[str], None],
) -> tuple[ModelHandle, ModelHandle | None]:
    """Return the model that ranks, and the one that ranks the best again, if one is to.

    `on_notice` is told what people should know of a model that this search has loaded, by whom it is run.
    Raises `WrongParameterError` if both are the same, `UnknownModelError`, and `NoTextsError` for a text that is asked
    of an encoder of pictures alone.
    """

    def handle_of(model: str | Encoder | None, pretrained: str | None, option: str) -> ModelHandle:
        return ModelHandle(
            model,
            pretrained,
            shelf=shelf,
            directory=directory,
            device=request.device,
            engine=request.engine,
            query=request.query,
            only_the_sample=only_the_sample,
            download=not request.offline,
            on_notice=on_notice,
            option=option,
        )

    first = handle_of(request.encoder, request.pretrained, "model" if request.by is None else "by")
    if request.refine is None:
        return first, None
    name, tag = request.refine, None
    if isinstance(name, str) and ":" not in name and "/" in name:
        name, tag = name.split("/", 1)  # ViT-L-14/laion2b_s32b_b82k
    second = handle_of(name, tag, "refine")
    if second.title == first.title:
        raise WrongParameterError(f"refine {second.title} is the model that ranks already; name another one")
    return first, second
