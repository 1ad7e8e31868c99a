"""The main job: a tag and a phrase in, the pictures that show it out."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from phrasepix.asking import USUAL_REQUESTS
from phrasepix.likes import Like, Minus, query_of
from phrasepix.pipeline import Search
from phrasepix.results import Results
from phrasepix.settings import SearchProgress, Settings, SourceChoice
from phrasepix.sources import default_sources
from reranker.encoder import Encoder
from reranker.query import Query
from retriever.errors import WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.protocol import Retriever

__all__ = ["SearchProgress", "find_images", "stream_images"]


def _silent(progress: SearchProgress) -> None:
    """Nobody is watching."""


def find_images(
    phrase: str | Query | None = None,
    *,
    like: Like | Sequence[Like] | None = None,
    minus: Minus | Sequence[Minus] | None = None,
    tag: str | Sequence[str] | None = None,
    top: int = 10,
    limit: int | None = None,
    requests: int = USUAL_REQUESTS,
    source: SourceChoice | Path | Sequence[SourceChoice | Path] | None = None,
    filters: Filters = NO_FILTERS,
    model: str | Encoder | None = None,
    pretrained: str | None = None,
    device: str = "auto",
    engine: str = "auto",
    key: str | None = None,
    base_url: str | None = None,
    offline: bool = False,
    project: str | Path | None = None,
    unused: bool = False,
    fold: bool = True,
    diverse: float = 0.0,
    explain: bool = False,
    refine: str | Encoder | None = None,
    refine_top: int = 30,
    rank: str = "cosine",
    words: float = 0.0,
    on_progress: Callable[[SearchProgress], None] = _silent,
) -> Results:
    """The `top` pictures that show `phrase` best, among up to `limit` candidates of each source for each `tag`.

    `like` is a picture to compare with, or several: paths, http or https addresses, matches, pictures of Pillow's, each
    alone or as (picture, weight). Beside a phrase both decide, each measured by how much the pool differs in it;
    without one, sources other than folders need a `tag`. The pictures themselves are left out of what is found. `minus`
    are phrases or pictures to keep away from: what a match resembles them more than the pool does on average is its
    `Match.penalty`, and ranks go by score less penalty. A `Query` says all of this at once.

    `source` is the name of one (`phrasepix sources` lists them), a folder of pictures, a `Retriever`, or several of
    these, asked side by side; by default pixabay where there is a key for it, else openverse and commons, which need
    none. By default `limit` is 200, and that of a folder none. One of several sources that fails is listed in
    `Results.failures`. `model` is a name (multilingual, best, clip-multilingual-v1, sample, open_clip's with its
    `pretrained` tag, hf-hub:…, local-dir:…, or TEXT+MODEL: a text tower of sentence-transformers, as hf-hub:… or
    local-dir:…, in the space of a model) or an `Encoder`, by default ViT-B-32 / laion2b_s34b_b79k, and the sample's own
    for the sample. `device` is auto, cpu, cuda or mps; `engine` torch, openvino (on the CPU: the model is exported once
    and then starts without torch) or auto, which is openvino on a CPU. `key` and `base_url` stand in for the only
    source's environment variables (such as `PIXABAY_API_KEY`, `PIXABAY_API_URL`) and the config file. `on_progress` is
    told how far the search is.

    Without a `tag` a folder is looked through as a whole, and other sources are asked for tags found in the phrase (in
    the language that `filters` say, else in the one the phrase seems to be in), narrow to broad, until each has brought
    `limit` candidates in all or was sent `requests` requests. `Results.asked` says what each tag brought.

    Candidates of several tags are merged in the tags' order, each picture once. One whose picture cannot be had is
    skipped and listed in `Results.skipped`. What was encoded is remembered in the cache directory: another phrase over
    the same pictures encodes none of them again, in this process or another.

    With `fold` the same picture (on two sources, cropped, mirrored, recoloured) is shown once, at its best place; the
    others are its `Match.siblings`.

    `diverse` from 0 (the plain order) to 1 spreads the best, so that they differ from each other. With `explain` each
    match says in `Match.parts` how it shows each part of the phrase. `refine` names a second, heavier model (one of
    open_clip's with its tag: ViT-L-14/laion2b_s32b_b82k) or is its `Encoder`: it ranks the best `refine_top` of the
    first model again, and what lies below stays behind them in the first one's order; `Match.first_score` is the first
    model's. `Match.stands_out` and `Results.fits_well` say whether anything here shows the phrase at all.

    `rank` is cosine, or normalised: then half the mean cosine of a picture to the everyday captions nearest to it is
    taken off (`Match.nearness`), so that pictures that are near every text lose the places they take from others.
    `words` from 0 to 1 is how much it counts whether the source's tags and title for a picture have the words of the
    phrase (`Match.bonus`); 0.5 is a good choice where sources describe their pictures well.

    With `offline` no request is sent to anybody: answers, pictures and weights come from what is kept, and what is not
    is listed in `Results.skipped`, or is an `AnswerNotKeptError` where it is the answer to the tag. (A `Retriever` of
    your own is asked as ever, by a thread of its own.)

    `project` is a directory that pictures were saved into (`Results.save`): matches saved there before, or that look
    like one that was, say so in `Match.used_before`; with `unused` they are left out.

    Raises `WrongQueryError`, `WrongParameterError` and the other errors of `phrasepix.errors`.
    """
    settings = Settings(
        query=query_of(phrase, like, minus),
        tags=_distinct(tag),
        top=top,
        limit=limit,
        requests=requests,
        sources=_chosen(source, key, base_url, offline),
        filters=filters,
        model=model,
        pretrained=pretrained,
        device=device,
        engine=engine,
        key=key,
        base_url=base_url,
        offline=offline,
        project=project,
        unused=unused,
        fold=fold,
        diverse=diverse,
        explain=explain,
        refine=refine,
        refine_top=refine_top,
        rank=rank,
        words_weight=words,
    )
    with Search(settings, on_progress) as search:
        return search.results()


def stream_images(
    phrase: str | Query | None = None,
    *,
    like: Like | Sequence[Like] | None = None,
    minus: Minus | Sequence[Minus] | None = None,
    tag: str | Sequence[str] | None = None,
    top: int = 10,
    limit: int | None = None,
    requests: int = USUAL_REQUESTS,
    source: SourceChoice | Path | Sequence[SourceChoice | Path] | None = None,
    filters: Filters = NO_FILTERS,
    model: str | Encoder | None = None,
    pretrained: str | None = None,
    device: str = "auto",
    engine: str = "auto",
    key: str | None = None,
    base_url: str | None = None,
    offline: bool = False,
    project: str | Path | None = None,
    unused: bool = False,
    fold: bool = True,
    diverse: float = 0.0,
    explain: bool = False,
    refine: str | Encoder | None = None,
    refine_top: int = 30,
    rank: str = "cosine",
    words: float = 0.0,
    on_progress: Callable[[SearchProgress], None] = _silent,
) -> Iterator[Results]:
    """The results while they firm up: what is best so far, again and again, at last what `find_images` returns.

    The parameters and errors are those of `find_images`. Only the last `Results` say `is_final`; the others count in
    `pool_size` what was looked at so far, and their pictures may be small. Whoever leaves early keeps what was encoded.
    """
    settings = Settings(
        query=query_of(phrase, like, minus),
        tags=_distinct(tag),
        top=top,
        limit=limit,
        requests=requests,
        sources=_chosen(source, key, base_url, offline),
        filters=filters,
        model=model,
        pretrained=pretrained,
        device=device,
        engine=engine,
        key=key,
        base_url=base_url,
        offline=offline,
        project=project,
        unused=unused,
        fold=fold,
        diverse=diverse,
        explain=explain,
        refine=refine,
        refine_top=refine_top,
        rank=rank,
        words_weight=words,
    )
    return _streamed(settings, on_progress)


def _streamed(settings: Settings, on_progress: Callable[[SearchProgress], None]) -> Iterator[Results]:
    with Search(settings, on_progress) as search:
        yield from search.stream()


def _chosen(
    source: SourceChoice | Path | Sequence[SourceChoice | Path] | None,
    key: str | None,
    base_url: str | None,
    offline: bool,
) -> tuple[SourceChoice, ...]:
    if source is None or source == () or source == []:
        return ("pixabay",) if base_url is not None else default_sources(key, offline=offline)
    several = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    return _each_once(several)


def _distinct(tag: str | Sequence[str] | None) -> tuple[str, ...]:
    tags = (tag,) if isinstance(tag, str) else tag or ()
    return tuple(dict.fromkeys(" ".join(one.split()) for one in tags))


def _each_once(sources: Sequence[SourceChoice | Path]) -> tuple[SourceChoice, ...]:
    chosen: dict[object, SourceChoice] = {}
    for source in sources:
        one = f"folder:{source}" if isinstance(source, Path) else source
        if not isinstance(one, str | Retriever):
            raise WrongParameterError(f"source {one!r} is none; give a name, the path of a folder, or a Retriever")
        chosen[one if isinstance(one, str) else id(one)] = one  # a retriever need not be hashable
    return tuple(chosen.values())
