"""The finder: long-lived, safe for threads; owns what searches share."""

import atexit
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from phrasepix.config import Config
from phrasepix.events import Listener, Notice, ignore, log_notices
from phrasepix.models.shelf import ModelShelf
from phrasepix.shared_resources import SharedResources
from phrasepix_core.forking import set_free

if TYPE_CHECKING:  # imported while a phrase is encoded already
    from PIL.Image import Image

    from phrasepix.live_results import LiveResults
    from phrasepix.names.store import Taught
    from phrasepix.request import SearchRequest, SourceChoice
    from phrasepix.results import Results
    from phrasepix.saving.save import Saved, SaveProgress
    from phrasepix.searching.run import Resources, SearchRun
    from reranker.clip_reranker import ClipReranker
    from reranker.encoder import Encoder
    from reranker.match import Match
    from reranker.memory import Memory
    from reranker.text_cache import TextEmbeddingCache

_LARGE_SIDE = 900
"""The short side in pixels from which a picture is good to look at closely."""


class Finder:
    """Finds pictures, again and again: sources stay open, models loaded, what was encoded at hand.

    ::

        with Finder() as finder:
            results = finder.search(SearchRequest("a tiger playing in the snow", tag="tiger"))

    May be used from any thread, by several searches at once: each source is opened once and asked at its own pace, a
    model is loaded and exported once. Nothing of the process is changed. A forked child process begins with nothing
    open. Closing it ends no search that still runs.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        """What it is configured by."""
        self._shared = SharedResources(self.config)

    def configured(self, **changes: Any) -> "Finder":
        """Return a finder of another configuration that shares sources, models and memory with this one.

        `changes` are fields of `Config`; what is shared (models kept, towers, unloading, connections) stays as it is.
        """
        other = object.__new__(type(self))
        other.config = replace(self.config, **changes)
        other._shared = self._shared
        return other

    def search(self, request: "SearchRequest", *, on_event: Listener = log_notices) -> "LiveResults":
        """Return the pictures that show what is requested best.

        `on_event` is told how far the search is, and what people should know. Raises the errors of `phrasepix.errors`.
        """
        from phrasepix.live_results import LiveResults
        from phrasepix.searching.run import SearchRun

        request = _with_names(request, on_event)
        with SearchRun(request, self._sources(request, on_event), self._resources(), on_event) as run:
            results = LiveResults.of(run.results(), self, run.reopener)
            self._remember(run, on_event)
            return results

    def stream(self, request: "SearchRequest", *, on_event: Listener = log_notices) -> "Iterator[LiveResults]":
        """Yield the results as they firm up; the last ones are what `search` returns.

        Only the last say `is_final`. Whoever leaves early keeps what was encoded. Raises as `search`, when iterated.
        """
        from phrasepix.live_results import LiveResults
        from phrasepix.searching.run import SearchRun

        request = _with_names(request, on_event)
        with SearchRun(request, self._sources(request, on_event), self._resources(), on_event) as run:
            for results in run.stream():
                self._remember(run, on_event)
                yield LiveResults.of(results, self, run.reopener)

    def refine(
        self,
        results: "LiveResults",
        prefer: str | Sequence[int] = (),
        avoid: str | Sequence[int] = (),
        *,
        on_event: Listener = log_notices,
    ) -> "LiveResults":
        """Return the same pool nearer to the ranks preferred, and farther from those to avoid; no source is asked.

        Raises `WrongPickError`, also if the search is not over.
        """
        from phrasepix.live_results import LiveResults
        from phrasepix.searching.relevance_feedback import ranked_again, refined_request

        request = refined_request(results, prefer, avoid)
        again = ranked_again(results, request, self._resources(), on_event)
        return LiveResults.of(again, self, results.reopener)

    def more_like(
        self,
        match: "Match",
        of: "SearchRequest",
        *,
        by: "str | Encoder | None" = None,
        on_event: Listener = log_notices,
    ) -> "LiveResults":
        """Return what the sources of a request have that is like a match, under the same tags.

        It is compared `by` an encoder, in place of the one that ranked the request.
        """
        from phrasepix.query_inputs import example_of
        from reranker.query import Query

        request = replace(of.with_query(Query((example_of(match),))), words_for_tags=of.text_for_tags)
        if by is not None:
            request = replace(request, by=by, model=None, pretrained=None)
        return self.search(request, on_event=on_event)

    def large_picture(self, match: "Match", of: "Results") -> "Image":
        """Return a match's picture to look at closely: a larger file if the source has one, else the one at hand.

        `of` are the results of its search; before they are final, or if the search was offline, nothing is fetched.
        """
        from phrasepix.searching.snapshot import loader_of
        from reranker.errors import PictureError
        from reranker.pictures.fetch import PictureFetcher

        if not of.is_final or of.request is None or of.request.offline:
            return match.picture
        with loader_of(of.pool, PictureFetcher(hosts=self._resources().hosts)) as loader:
            try:
                return loader.load(match.candidate, _LARGE_SIDE, whole=True).picture
            except PictureError:
                return match.picture

    def teach(
        self,
        name: str,
        pictures: "Sequence[str | Path]",
        model: str | None = None,
        pretrained: str | None = None,
        *,
        on_event: Listener = log_notices,
    ) -> "Taught":
        """Teach a name by picture files: in phrases it stands for what they share, under every model.

        It is kept in the data directory, in place of what it was taught by before. Files that are no pictures are left
        out, and told to `on_event`. Raises `WrongValueError`, `WrongQueryError` if none can be used, `ModelError`, and
        `NotWrittenError`.
        """
        from phrasepix.names.teaching import demand_files, name_given, teach

        name = name_given(name)
        demand_files(name, pictures)
        reranker, memory = self.reranker_of(model, pretrained)
        return teach(name, pictures, reranker=reranker, memory=memory, on_event=on_event)

    def save(
        self,
        results: "LiveResults",
        directory: str | Path,
        pick: str | Sequence[int] | None = None,
        *,
        on_progress: "Callable[[SaveProgress], None]" = ignore,
    ) -> "Saved":
        """Save pictures into `directory` with their credit; as `LiveResults.save`."""
        return results.save(directory, pick, on_progress=on_progress)

    def warm_up(self, request: "SearchRequest") -> None:
        """Load what a search for `request` needs and encode its phrases, so that it has to wait for its pictures only.

        Nothing is downloaded or exported, and no source is asked. Errors are left to the search.
        """
        from phrasepix.models.handle import models_of
        from phrasepix.sample import is_the_sample_alone

        with suppress(Exception):
            request = _with_names(request, ignore)
            sources = self._sources(request, ignore)
            resources = self._resources()
            models = models_of(
                request,
                self.models,
                self.config.directory,
                only_the_sample=is_the_sample_alone(sources),
                on_notice=ignore,
            )
            for model in filter(None, models):
                model.begin(resources.memory)
                model.end()

    def loaded_model(self, model: str | None = None, pretrained: str | None = None) -> "TextEmbeddingCache":
        """Return a model's encoder, with the texts it has encoded; it is loaded if it is not.

        The names are those of `SearchRequest`. Whoever calls the encoder holds `in_use`, for
        texts `texts_in_use`. Raises `ModelError`.
        """
        from phrasepix.models.catalogue import choose_model

        _, spec = choose_model(model, pretrained, only_the_sample=False)
        directory = self._resources().config.directory
        return self.models.texts(spec, "auto", "auto", directory)

    def reranker_of(self, model: str | None = None, pretrained: str | None = None) -> "tuple[ClipReranker, Memory]":
        """Return a model's reranker and the memory that goes with it: what fills a library.

        The names are those of `SearchRequest`. Raises `ModelError`.
        """
        from phrasepix.models.catalogue import choose_model

        resources = self._resources()
        _, spec = choose_model(model, pretrained, only_the_sample=False)
        return self.models.reranker(spec, "auto", "auto", resources.config.directory), resources.memory

    @property
    def memory(self) -> "Memory":
        """What was encoded before, on disk."""
        return self._resources().memory

    @property
    def models(self) -> ModelShelf:
        """The models that are loaded."""
        return self._shared.models

    def close(self) -> None:
        """Close sources and memory and unload models; what searches still use goes with the last of them.

        What searches have seen and is to be remembered is written first.

        May be called again, and a search after it opens what it needs again.
        """
        self._shared.close()

    def _remember(self, run: "SearchRun", on_event: Listener) -> None:
        """Have what a search has seen remembered in a moment, if it is over and that was wanted."""
        if run.seen is not None:
            self._shared.seen_writer.add(run.seen, on_event)

    def _sources(self, request: "SearchRequest", on_event: Listener) -> "Sequence[SourceChoice]":
        from phrasepix.sources.registry import default_sources

        config = self.config
        if request.sources is not None:
            chosen: Sequence[SourceChoice] = request.sources
        elif config.base_url is not None:
            chosen = ("pixabay",)
        else:
            chosen, notice = default_sources(config.key, config.directory, offline=request.offline)
            if notice:
                on_event(Notice((notice,)))
        if len(chosen) > 1 and (config.key is not None or config.base_url is not None):
            from retriever.errors import WrongParameterError

            raise WrongParameterError(
                "key and base_url are of one source; with several, set each source's own environment variables"
            )
        return chosen

    def _resources(self) -> "Resources":
        return self._shared.resources(self.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.config!r})"


def _with_names(request: "SearchRequest", on_event: Listener) -> "SearchRequest":
    """The request with taught names in the places of the words that they are written as."""
    from phrasepix.names.store import taught_names

    def say(message: str) -> None:
        on_event(Notice((message,)))

    if not (names := taught_names(say)):
        return request
    from phrasepix.names.phrases import with_names

    return with_names(request, names, say)


_default: Finder | None = None
_making = threading.Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: set_free(_making))


def default_finder() -> Finder:
    """Return the finder of this process that `find_images` uses; it is closed when the process ends."""
    global _default
    with _making:
        if _default is None:
            _default = Finder()
            atexit.register(_default.close)
        return _default
