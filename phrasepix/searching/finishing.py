"""What is done with the order once it stands: the best are refined, explained and spread."""

from phrasepix.events import Listener, SearchProgress, Stage
from phrasepix.models.loading import ModelInLoading
from phrasepix.request import SearchRequest
from phrasepix.sample import SAMPLE_NAME
from reranker.clip_reranker import ClipReranker
from reranker.finish import Finish, Refinement
from reranker.progress import Progress
from reranker.query import Phrase


def finish_of(
    request: SearchRequest, second: ModelInLoading | None, on_event: Listener, *, only_the_sample: bool
) -> Finish:
    """Return how the order is finished: spread, explained, and refined by the `second` model, as requested."""
    parts: tuple[str, ...] = ()
    if request.explain:
        from phrasepix.tags import language_of
        from phrasepix.tags.phrase_parts import parts_of_phrase

        phrases = [part.text for part in request.query.wanted if isinstance(part, Phrase)]
        named = request.filters.language
        parts = tuple(part for text in phrases for part in parts_of_phrase(text, named or language_of(text)))
    refinement = None if second is None else _refinement(request, second, on_event)
    knows_the_pictures = request.model != SAMPLE_NAME or only_the_sample
    return Finish(request.diverse, parts, refinement, in_words=knows_the_pictures)


def _refinement(request: SearchRequest, second: ModelInLoading, on_event: Listener) -> Refinement:
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
