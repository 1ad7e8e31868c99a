"""The main job: a tag and a phrase in, the pictures that show it out."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from phrasepix.models import SAMPLE_MODEL, choose_model, reranker_of_encoder, reranker_of_model
from phrasepix.results import Origin, Results, Skipped
from phrasepix.sample import SAMPLE
from phrasepix.sources import open_source
from reranker.clip_reranker import ClipReranker, Progress
from reranker.encoder import Encoder
from reranker.errors import WrongQueryError
from reranker.match import Ranking
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.offline import OfflineFetcher
from retriever.candidate import Candidate
from retriever.directories import cache_directory
from retriever.errors import WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.protocol import Retriever

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """Where a search is.

    `step` is “asking …”, “loading the model …” or “looking at the pictures”; `done` of `total` candidates were looked
    at (None: not known yet), of which `skipped` could not be had.
    """

    step: str
    done: int = 0
    total: int | None = None
    skipped: int = 0


def _silent(progress: SearchProgress) -> None:
    """Nobody is watching."""


def find_images(
    phrase: str,
    *,
    tag: str | Sequence[str],
    top: int = 10,
    limit: int = 200,
    source: str | Retriever = "pixabay",
    filters: Filters = NO_FILTERS,
    model: str | Encoder | None = None,
    pretrained: str | None = None,
    device: str = "auto",
    engine: str = "auto",
    key: str | None = None,
    base_url: str | None = None,
    offline: bool = False,
    on_progress: Callable[[SearchProgress], None] = _silent,
) -> Results:
    """The `top` pictures that show `phrase` best, among up to `limit` candidates for each `tag`.

    `source` is pixabay, sample, or a `Retriever`; `model` a name (open_clip's with its `pretrained` tag,
    hf-hub:…, local-dir:…, sample) or an `Encoder`, by default ViT-B-32 / laion2b_s34b_b79k, and the sample's own
    for the sample. `device` is auto, cpu, cuda or mps; `engine` torch, openvino (on the CPU: the model is exported once
    and then starts without torch) or auto, which is openvino on a CPU. `key` stands in for `PIXABAY_API_KEY` and the
    config file, `base_url` for `PIXABAY_API_URL`. `on_progress` is told how far the search is.

    Candidates of several tags are merged in the tags' order, each picture once. One whose picture cannot be had is
    skipped and listed in `Results.skipped`. What was encoded is remembered in the cache directory: another phrase over
    the same pictures encodes none of them again, in this process or another.

    With `offline` no request is sent to anybody: answers, pictures and weights come from what is kept, and what is not
    is listed in `Results.skipped`, or is an `AnswerNotKeptError` where it is the answer to the tag. (A `Retriever` of
    your own is asked as ever.)

    Raises `WrongQueryError`, `WrongParameterError` and the other errors of `phrasepix.errors`.
    """
    tags = _distinct_tags(tag)
    if not phrase.strip():
        raise WrongQueryError("the phrase is empty; say what the picture should show")
    if top < 1:
        raise WrongQueryError(f"top {top} is out of range; allowed: whole numbers from 1")
    skipped: list[Skipped] = []
    with _retriever(source, key, base_url, offline, skipped) as (retriever, origin, loopback_sources):
        on_progress(SearchProgress(f"asking {origin.title} for {', '.join(tags)}"))
        pool = list(_merged(retriever.retrieve(tag, limit=limit, filters=filters) for tag in tags))
        title, load = _model(model, pretrained, device, engine, origin.name)
        fetcher = OfflineFetcher() if offline else PictureFetcher()
        with (
            PictureLoader(fetcher, loopback_sources=loopback_sources) as loader,
            _no_downloads() if offline else nullcontext(),
        ):
            ranking = _ranked(phrase, pool, top, title, load, loader, on_progress)
    skipped += [Skipped(s.candidate.source, s.candidate.id, s.reason) for s in ranking.skipped]
    return Results(
        phrase=phrase.strip(),
        tags=tags,
        origin=origin,
        model=title,
        matches=ranking.matches,
        skipped=tuple(skipped),
        pool_size=ranking.pool_size,
    )


def _ranked(
    phrase: str,
    pool: list[Candidate],
    top: int,
    model: str,
    load: Callable[[], ClipReranker],
    loader: PictureLoader,
    on_progress: Callable[[SearchProgress], None],
) -> Ranking:
    if not pool:
        return Ranking((), (), 0)  # nothing to look at: the model need not be loaded
    on_progress(SearchProgress(f"loading the model {model}", 0, len(pool)))
    reranker = load()

    def report(progress: Progress) -> None:
        on_progress(SearchProgress("looking at the pictures", progress.done, len(pool), progress.skipped))

    report(Progress(0, 0))
    with Memory(cache_directory()) as memory:
        return reranker.rerank(phrase, pool, top, loader=loader, memory=memory, on_progress=report)


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


def _model(
    model: str | Encoder | None, pretrained: str | None, device: str, engine: str, source: str
) -> tuple[str, Callable[[], ClipReranker]]:
    if model is not None and not isinstance(model, str):
        encoder = model
        return encoder.name, lambda: reranker_of_encoder(encoder)  # type: ignore[arg-type]  # hashed by identity
    title, choice = choose_model(model, pretrained, source)
    if title == SAMPLE_MODEL and source != SAMPLE.name:
        logger.warning(
            "the model “sample” knows the sample's drawn scenes only; its order of photographs means nothing"
        )
    return title, lambda: reranker_of_model(choice, device, engine)


@contextmanager
def _retriever(
    source: str | Retriever, key: str | None, base_url: str | None, offline: bool, skipped: list[Skipped]
) -> Iterator[tuple[Retriever, Origin, tuple[str, ...]]]:
    """The retriever, who its source is, and the sources whose pictures may come from this machine."""
    if not isinstance(source, str):
        yield source, Origin.of_retriever(source), ()
        return
    with open_source(
        source,
        key=key,
        base_url=base_url,
        on_skip=lambda hit: skipped.append(Skipped(hit.source, hit.id, hit.reason)),
        offline=offline,
    ) as retriever:
        yield retriever, Origin.of_retriever(retriever), (retriever.name,) if retriever.on_loopback else ()


def _distinct_tags(tag: str | Sequence[str]) -> tuple[str, ...]:
    tags = (tag,) if isinstance(tag, str) else tuple(tag)
    if not tags or not all(one.strip() for one in tags):
        raise WrongParameterError("the tag is empty; give the main noun of what you look for, such as tiger")
    return tuple(dict.fromkeys(" ".join(one.split()) for one in tags))


def _merged(answers: Iterable[Iterable[Candidate]]) -> Iterator[Candidate]:
    seen: set[tuple[str, str]] = set()
    for candidates in answers:
        for candidate in candidates:
            if candidate.identity not in seen:
                seen.add(candidate.identity)
                yield candidate
