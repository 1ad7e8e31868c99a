"""A pool that was looked at, ranked by another query."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from phrasepix.again import Again
from phrasepix.finishing import finish_of
from phrasepix.loading import model_of, second_model_of
from phrasepix.looking import Looked, loader_and_memory
from phrasepix.results import Results, Skipped
from phrasepix.saving.used import UsedBefore
from phrasepix.settings import SearchProgress, Settings
from reranker.match import Match, Ranking
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.offline import OfflineFetcher


def ranked_anew(
    results: Results, settings: Settings, looked: Looked, on_progress: Callable[[SearchProgress], None]
) -> Results:
    """The pool of `results` by another query, that of `settings`: no source is asked.

    Pictures are those at hand; only where one is not, are any fetched.
    """
    gone = {one.identity for one in results.skipped}
    candidates = [one for one in looked.candidates if one.identity not in gone]
    used = UsedBefore.in_project(settings.project)
    model = model_of(settings)
    second = second_model_of(settings, model)
    on_progress(SearchProgress("ranking anew"))

    def ranking(fetcher: PictureFetcher) -> Ranking:
        with ExitStack() as opened:
            loader, memory = loader_and_memory(looked, fetcher, opened)
            return model.reranker().rerank(
                settings.query,
                candidates,
                settings.top + (used.most_left_out if settings.unused else 0),
                loader=loader,
                memory=memory,
                place_of=lambda candidate: looked.places[candidate.identity],
                fold=settings.fold,
                finish=finish_of(settings, second, on_progress),
                ordering=settings.ordering,
            )

    found = ranking(OfflineFetcher())
    if found.skipped and not settings.offline:
        found = ranking(PictureFetcher())
    skipped = tuple(Skipped.of(one.candidate, one.reason) for one in found.skipped)
    again = Again(settings, looked)
    return replace(
        results,
        phrase=settings.query.title,
        query=settings.query,
        matches=shown(found.matches, settings, used, again),
        skipped=(*results.skipped, *skipped),
        again=again,
    )


def shown(matches: Sequence[Match], settings: Settings, used: UsedBefore, again: Again) -> tuple[Match, ...]:
    """The matches that people see, each able to be asked again."""
    marked = used.marked(matches, unused=settings.unused)[: settings.top]
    return tuple(replace(match, look_for_more=again.like) for match in marked)
