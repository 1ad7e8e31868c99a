"""What is done with the order once it stands: the best are refined, explained and spread."""

from collections.abc import Sequence

from phrasepix.events import Listener, SearchProgress, Stage
from phrasepix.models.handle import ModelHandle
from phrasepix.request import SearchRequest
from phrasepix.sample import SAMPLE_NAME
from phrasepix_core.messages import Hint
from reranker.clip_reranker import ClipReranker
from reranker.finish import Finish, Refinement
from reranker.match import Match
from reranker.progress import Progress
from reranker.query import Phrase, TaughtName


def finish_of(
    request: SearchRequest, second: ModelHandle | None, on_event: Listener, *, only_the_sample: bool
) -> Finish:
    """Return how the order is finished: spread, explained, and refined by the `second` model, as requested."""
    parts: tuple[str, ...] = ()
    if request.explain:
        from phrasepix.tags import language_of
        from phrasepix.tags.phrase_parts import parts_of_phrase

        phrases = [part.text for part in request.query.wanted if isinstance(part, Phrase)]
        named = request.wishes.language
        names = [part.title for part in request.query.wanted if isinstance(part, TaughtName)]
        parts = (*names, *(part for text in phrases for part in parts_of_phrase(text, named or language_of(text))))
    refinement = None if second is None else _refinement(request, second, on_event)
    knows_the_pictures = request.encoder != SAMPLE_NAME or only_the_sample
    return Finish(request.diverse, parts, refinement, in_words=knows_the_pictures, with_copies=request.by is not None)


def why_unexplained(matches: Sequence[Match], model: str) -> tuple[object, ...]:
    """Return in a notice's parts why no match says how it shows the phrase's parts; empty if one does."""
    if not matches or any(part.stands_out is not None for match in matches for part in match.parts):
        return ()
    if any(match.parts for match in matches):
        return (Hint("explain"), f" has nothing to say: {model} cannot tell the parts of the phrase from other texts")
    return (Hint("explain"), " has nothing to say: it is about a phrase's parts, and there is none")


def _refinement(request: SearchRequest, second: ModelHandle, on_event: Listener) -> Refinement:
    title = second.title

    def reranker() -> ClipReranker:
        on_event(SearchProgress(f"loading the model {title}", stage=Stage.LOADING_MODEL, subject=title))
        return second.reranker()

    def report(progress: Progress) -> None:
        on_event(
            SearchProgress(
                f"looking again with {title}",
                progress.done,
                request.refine_top,
                progress.skipped,
                progress.best,
                stage=Stage.LOOKING_AGAIN,
                subject=title,
            )
        )

    return Refinement(reranker, request.refine_top, report)
