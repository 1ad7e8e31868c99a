"""Relevance feedback: a searched pool ranked again by what people said of it; no source is asked."""

from collections.abc import Sequence
from dataclasses import replace

from phrasepix.errors import WrongPickError
from phrasepix.events import Listener, Notice, SearchProgress, Stage
from phrasepix.models.handle import models_of
from phrasepix.query_inputs import example_of
from phrasepix.request import SearchRequest
from phrasepix.results import Results, Skipped
from phrasepix.sample import is_the_sample_alone
from phrasepix.saving.project_usage import ProjectUsage
from phrasepix.saving.ranks import ranks_among
from phrasepix.searching.finishing import finish_of
from phrasepix.searching.run import Resources, matches_to_show
from phrasepix.searching.snapshot import loader_of
from reranker.match import Match, Ranking
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.offline import OfflineFetcher
from reranker.query import Query

_LIKED, _DISLIKED = 1.0, 0.3
"""What all liked pictures together weigh beside the query, and all disliked ones.

Rocchio (1971) moves a query by the means of what was found relevant and irrelevant, and the former counts for more; his
customary 0.75 and 0.15 are for differences of vectors. These, where a dislike is a penalty, were found by measurement
(`benchmarks/QUERIES.md`).
"""


def refined_request(results: Results, prefer: str | Sequence[int], avoid: str | Sequence[int]) -> SearchRequest:
    """Return the request of `results` moved towards the ranks preferred and away from those to avoid.

    Raises `WrongPickError`, also if the search is not over.
    """
    if results.request is None or not results.is_final:
        raise WrongPickError("these results cannot be asked again: their search is not over, or of another process")
    liked, disliked = (ranks_among(ranks, len(results)) for ranks in (prefer, avoid))
    if both := set(liked) & set(disliked):
        raise WrongPickError(f"picture {min(both)} is both preferred and to be avoided; decide for one")
    if not liked and not disliked:
        raise WrongPickError("no picture is preferred or to be avoided; give ranks such as 1,4")
    query = results.query or results.request.query
    return results.request.with_query(
        refined_query(query, [results[rank - 1] for rank in liked], [results[rank - 1] for rank in disliked])
    )


def refined_query(query: Query, liked: Sequence[Match], disliked: Sequence[Match]) -> Query:
    """Return the query with liked matches among what it wants, and disliked ones among what it does not."""
    whole = sum(part.weight for part in query.wanted)
    return Query(
        (*query.wanted, *(example_of(match, _LIKED * whole / len(liked), stays=True) for match in liked)),
        (*query.unwanted, *(example_of(match, _DISLIKED / len(disliked), stays=True) for match in disliked)),
    )


def ranked_again(results: Results, request: SearchRequest, resources: Resources, on_event: Listener) -> Results:
    """Return the pool of `results` ranked by the query of `request`; no source is asked.

    Pictures are those at hand; only if one is not, are any fetched.
    """
    gone = {skipped.identity for skipped in results.skipped}
    pool = results.pool
    numbers = [number for number, candidate in enumerate(pool.candidates) if candidate.identity not in gone]
    candidates = [pool.candidates[number] for number in numbers]
    used = ProjectUsage.in_project(request.project)
    only_the_sample = is_the_sample_alone(origin.name for origin in results.origins)
    notices = dict.fromkeys(results.notices)

    def say(message: str) -> None:
        if (notice := Notice((message,))) not in notices:
            notices[notice] = None
            on_event(notice)

    model, second = models_of(
        request, resources.models, resources.config.directory, only_the_sample=only_the_sample, on_notice=say
    )
    if used.problem:
        say(used.problem)
    on_event(SearchProgress("ranking again", stage=Stage.RANKING_AGAIN))

    def ranking(fetcher: PictureFetcher) -> Ranking:
        with loader_of(pool, fetcher) as loader:
            return model.reranker().rerank(
                request.query,
                candidates,
                request.top + (used.most_left_out if request.unused else 0),
                loader=loader,
                memory=resources.memory.without_files_of(pool.unkept_sources),
                places=[pool.positions[number] for number in numbers],
                fold=request.fold,
                finish=finish_of(request, second, on_event, only_the_sample=only_the_sample),
                ordering=request.ordering,
            )

    found = ranking(OfflineFetcher())
    if found.skipped and not request.offline:
        found = ranking(PictureFetcher(hosts=resources.hosts))
    for message in found.notices:
        say(message)
    skipped = tuple(Skipped.of(one.candidate, one.reason) for one in found.skipped)
    return replace(
        results,
        phrase=request.query.title,
        query=request.query,
        request=request,
        matches=matches_to_show(found.matches, request, used),
        skipped=(*results.skipped, *skipped),
        notices=tuple(notices),
    )
