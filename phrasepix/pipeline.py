"""How one search runs: the source is asked, pictures arrive and are encoded, the ranks firm up."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

from phrasepix.models import SAMPLE_MODEL, choose_model, reranker_of_encoder, reranker_of_model
from phrasepix.results import Origin, Results, Skipped
from phrasepix.sample import SAMPLE
from phrasepix.sources import source_named
from reranker.clip_reranker import ClipReranker, Progress
from reranker.encoder import Encoder
from reranker.errors import WrongQueryError
from reranker.match import Ranking
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.offline import OfflineFetcher
from reranker.standing import Scored
from retriever.candidate import Candidate
from retriever.directories import cache_directory
from retriever.errors import WrongParameterError
from retriever.filters import Filters
from retriever.protocol import Retriever
from retriever.source import Opening

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """Where a search is.

    `step` is “asking …”, “loading the model …” or “looking at the pictures”; `done` of `total` candidates were looked
    at (None: not known yet), of which `skipped` could not be had; the `best` of them so far, best first.
    """

    step: str
    done: int = 0
    total: int | None = None
    skipped: int = 0
    best: tuple[Scored, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a search is asked for; `find_images` says what each means."""

    phrase: str
    tags: tuple[str, ...]
    top: int
    limit: int
    source: str | Retriever
    filters: Filters
    model: str | Encoder | None
    pretrained: str | None
    device: str
    engine: str
    key: str | None
    base_url: str | None
    offline: bool

    def __post_init__(self) -> None:
        if not self.tags or not all(self.tags):
            raise WrongParameterError("the tag is empty; give the main noun of what you look for, such as tiger")
        if not self.phrase:
            raise WrongQueryError("the phrase is empty; say what the picture should show")
        if self.top < 1:
            raise WrongQueryError(f"top {self.top} is out of range; allowed: whole numbers from 1")


class Search:
    """One search, open as long as its context: the source is asked, but no model loaded before a candidate came."""

    def __init__(self, settings: Settings, on_progress: Callable[[SearchProgress], None]) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._skipped: list[Skipped] = []
        self._resources = ExitStack()

    def results(self) -> Results:
        """The final results."""
        if (pool := self._pool()) is None:
            return self._as_results(Ranking((), (), 0))
        return self._as_results(
            self._reranker().rerank(
                self._settings.phrase,
                pool,
                self._settings.top,
                loader=self._loader,
                memory=self._memory,
                on_progress=lambda progress: self._report(progress, pool),
            )
        )

    def stream(self) -> Iterator[Results]:
        """The results as they firm up; the last ones are final."""
        if (pool := self._pool()) is None:
            yield self._as_results(Ranking((), (), 0))
            return
        yield self._as_results(Ranking((), (), 0, is_final=False))  # something to see while the model is loaded
        for ranking in self._reranker().stream(
            self._settings.phrase, pool, self._settings.top, loader=self._loader, memory=self._memory
        ):
            self._report(Progress(ranking.pool_size, len(ranking.skipped)), pool)
            yield self._as_results(ranking)

    def __enter__(self) -> Self:
        settings = self._settings
        with ExitStack() as opened:
            self._retriever, self._origin, loopback_sources = opened.enter_context(self._open_retriever())
            self._title, self._load = _model(settings, self._origin.name)
            fetcher = OfflineFetcher() if settings.offline else PictureFetcher()
            self._loader = opened.enter_context(PictureLoader(fetcher, loopback_sources=loopback_sources))
            self._memory = opened.enter_context(Memory(cache_directory()))
            opened.enter_context(_no_downloads() if settings.offline else nullcontext())
            self._resources = opened.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._resources.close()

    def _pool(self) -> "_Pool | None":
        """The candidates, as they come; None where there is none."""
        settings = self._settings
        self._on_progress(SearchProgress(f"asking {self._origin.title} for {', '.join(settings.tags)}"))
        pool = _Pool(
            self._retriever.retrieve(tag, limit=settings.limit, filters=settings.filters) for tag in settings.tags
        )
        return pool if pool.has_any() else None

    def _reranker(self) -> ClipReranker:
        self._on_progress(SearchProgress(f"loading the model {self._title}"))
        return self._load()

    def _report(self, progress: Progress, pool: "_Pool") -> None:
        self._on_progress(
            SearchProgress("looking at the pictures", progress.done, pool.total, progress.skipped, progress.best)
        )

    def _as_results(self, ranking: Ranking) -> Results:
        skipped = [Skipped(one.candidate.source, one.candidate.id, one.reason) for one in ranking.skipped]
        return Results(
            phrase=self._settings.phrase,
            tags=self._settings.tags,
            origin=self._origin,
            model=self._title,
            matches=ranking.matches,
            skipped=(*self._skipped, *skipped),
            pool_size=ranking.pool_size,
            is_final=ranking.is_final,
        )

    @contextmanager
    def _open_retriever(self) -> Iterator[tuple[Retriever, Origin, tuple[str, ...]]]:
        """The retriever, who its source is, and the sources whose pictures may come from this machine."""
        settings = self._settings
        if not isinstance(settings.source, str):
            yield settings.source, Origin.of_retriever(settings.source), ()
            return
        opening = Opening(
            key=settings.key,
            base_url=settings.base_url,
            on_skip=lambda hit: self._skipped.append(Skipped(hit.source, hit.id, hit.reason)),
            offline=settings.offline,
        )
        with source_named(settings.source).open(opening) as retriever:
            on_loopback = getattr(retriever, "on_loopback", False)
            yield retriever, Origin.of_retriever(retriever), (retriever.name,) if on_loopback else ()


class _Pool:
    """Candidates of several answers, each picture once, read once; counted."""

    def __init__(self, answers: Iterable[Iterable[Candidate]]) -> None:
        self._unread = self._merged(answers)
        self._count = 0
        self._is_complete = False

    @property
    def total(self) -> int | None:
        """How many there are; None before the last was read."""
        return self._count if self._is_complete else None

    def has_any(self) -> bool:
        """Whether there is a candidate; waits for the first."""
        for first in self._unread:
            self._unread = chain([first], self._unread)
            return True
        return False

    def __iter__(self) -> Iterator[Candidate]:
        return self._unread

    def _merged(self, answers: Iterable[Iterable[Candidate]]) -> Iterator[Candidate]:
        seen: set[tuple[str, str]] = set()
        for candidate in chain.from_iterable(answers):
            if candidate.identity not in seen:
                seen.add(candidate.identity)
                self._count = len(seen)
                yield candidate
        self._is_complete = True


def _model(settings: Settings, source: str) -> tuple[str, Callable[[], ClipReranker]]:
    model = settings.model
    if model is not None and not isinstance(model, str):
        return model.name, lambda: reranker_of_encoder(model)  # type: ignore[arg-type]  # hashed by identity
    title, choice = choose_model(model, settings.pretrained, source)
    if title == SAMPLE_MODEL and source != SAMPLE.name:
        logger.warning(
            "the model “sample” knows the sample's drawn scenes only; its order of photographs means nothing"
        )
    return title, lambda: reranker_of_model(choice, settings.device, settings.engine)


@contextmanager
def _no_downloads() -> Iterator[None]:
    """Forbid the download of weights while they are loaded."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
