"""The main job: a tag and a phrase in, the pictures that show it out."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from phrasepix.asking import USUAL_REQUESTS
from phrasepix.given import sources_given, tags_given, whole_number
from phrasepix.likes import Like, Minus, query_of
from phrasepix.pipeline import Search
from phrasepix.results import Results
from phrasepix.settings import SearchProgress, Settings, SourceChoice
from phrasepix.sources import default_sources
from reranker.encoder import Encoder
from reranker.errors import WrongQueryError
from reranker.query import Query
from retriever.filters import NO_FILTERS, Filters

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
    """Find the pictures that show `phrase` best.

    Example:

        from phrasepix import find_images

        results = find_images("a tiger playing in the snow", tag="tiger", top=5)
        for match in results:
            print(match.rank, match.fit, match.candidate.page_url, match.candidate.credit)
        results.save_gallery("tigers.html")

    Each source is asked for `tag`; of what it offers, the pictures nearest to the phrase come first.

    What is looked for:

    - `phrase`: the sentence the picture should show, or a `Query` that says all of it. May be left out with `like`.
    - `like`: a picture to compare with, or several: paths, http(s) addresses, matches, pictures of Pillow's, each alone
      or as (picture, weight). Beside a phrase both decide, each measured by how much the pool differs in it. The
      pictures themselves are left out of what is found.
    - `minus`: phrases or pictures to keep away from. What a match resembles them more than the pool does on average is
      its `Match.penalty`, and ranks go by score less penalty.

    Where, and among which pictures:

    - `source`: a name (`phrasepix sources` lists them), the path of a folder, a `Retriever`, or a list of these, asked
      side by side. By default pixabay if there is a key for it, else openverse and commons, which need none. One of
      several that fails is listed in `Results.failures`.
    - `tag`: what the sources are asked for, or several, in a list or with commas between. Without one a folder is
      looked through as a whole, and other sources are asked for tags found in the phrase, by how much they narrow;
      `Results.asked` says what each brought.
    - `limit`: candidates of each source for each tag; without a tag, of each source in all. By default 200, of a folder
      all.
    - `requests`: requests to each source for tags found in the phrase.
    - `filters`: `Filters(orientation="vertical", …)`; also the tags' language, which else is the phrase's.
    - `key`, `base_url`: stand in for the only source's environment variables (such as `PIXABAY_API_KEY`,
      `PIXABAY_API_URL`) and the config file.
    - `offline`: no request is sent to anybody. What is not kept is listed in `Results.skipped`, or is an
      `AnswerNotKeptError` if it is the answer to the tag. A `Retriever` of your own is asked all the same.
    - `project`: a directory that pictures were saved into (`Results.save`). What was saved there before, or looks like
      it, says so in `Match.used_before`.
    - `unused`: leave these out.

    What comes out:

    - `top`: how many matches.
    - `fold`: the same picture (on two sources, cropped, mirrored, recoloured) is one match, and the others are its
      `Match.siblings`.
    - `diverse`: from 0, the plain order, to 1: the best differ from each other.
    - `rank`: cosine, or normalised: then half the mean cosine of a picture to the everyday captions nearest to it is
      taken off (`Match.nearness`), so that pictures that are near every text lose the places they take from others.
    - `words`: from 0 to 1, how much it counts whether the source's tags and title for a picture have the words of the
      phrase (`Match.bonus`); 0.5 is a good choice if sources describe their pictures well.
    - `explain`: each match says in `Match.parts` how it shows each part of the phrase.

    By which model:

    - `model`: multilingual, best, clip-multilingual-v1, sample, one of open_clip's, hf-hub:…, local-dir:…, TEXT+MODEL
      (a text tower of sentence-transformers, as hf-hub:… or local-dir:…, in the space of a model), or an `Encoder`. By
      default ViT-B-32 / laion2b_s34b_b79k, and the sample's own for the sample.
    - `pretrained`: the tag of an open_clip model's weights.
    - `refine`: a second, heavier model (one of open_clip's with its tag: ViT-L-14/laion2b_s32b_b82k) or `Encoder`, that
      ranks the best again. `Match.first_score` is then the first model's.
    - `refine_top`: how many of the best.
    - `device`: auto, cpu, cuda or mps.
    - `engine`: torch, openvino (on the CPU; the model is exported once, and then starts without torch), or auto, which
      is openvino on a CPU.

    `on_progress` is told how far the search is.

    The order of several tags, and of sources, decides ties; each picture comes once. One whose picture cannot be had is
    listed in `Results.skipped`. What was encoded is remembered in the cache directory: another phrase over the same
    pictures encodes none of them again. `Match.stands_out` and `Results.fits_well` say whether anything here shows the
    phrase at all.

    Raises `WrongQueryError`, `WrongParameterError` and the other errors of `phrasepix.errors`; all of them are a
    `phrasepix.PhrasepixError`.
    """
    settings = Settings(
        query=query_of(phrase, like, minus),
        tags=tags_given(tag),
        top=whole_number("top", top, WrongQueryError),
        limit=None if limit is None else whole_number("limit", limit),
        requests=whole_number("requests", requests),
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
        refine_top=whole_number("refine_top", refine_top, WrongQueryError),
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
        tags=tags_given(tag),
        top=whole_number("top", top, WrongQueryError),
        limit=None if limit is None else whole_number("limit", limit),
        requests=whole_number("requests", requests),
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
        refine_top=whole_number("refine_top", refine_top, WrongQueryError),
        rank=rank,
        words_weight=words,
    )
    return _streamed(settings, on_progress)


def _streamed(settings: Settings, on_progress: Callable[[SearchProgress], None]) -> Iterator[Results]:
    with Search(settings, on_progress) as search:
        yield from search.stream()


def _chosen(source: object, key: str | None, base_url: str | None, offline: bool) -> tuple[SourceChoice, ...]:
    if source is not None:
        return sources_given(source)
    return ("pixabay",) if base_url is not None else default_sources(key, offline=offline)
