"""What is done with a search's order once it stands, by its settings."""

from collections.abc import Callable

from phrasepix.loading import ModelInLoading
from phrasepix.sample import SAMPLE_NAME
from phrasepix.settings import SearchProgress, Settings
from reranker.clip_reranker import ClipReranker, Progress
from reranker.finish import Finish, Refinement
from reranker.query import Phrase


def finish_of(
    settings: Settings, second: ModelInLoading | None, on_progress: Callable[[SearchProgress], None]
) -> Finish:
    """Spread, explained, and refined by the `second` model, as the settings say."""
    parts: tuple[str, ...] = ()
    if settings.explain:
        from phrasepix.tags import language_of
        from phrasepix.tags.phrase_parts import parts_of_phrase

        phrases = [part.text for part in settings.query.wanted if isinstance(part, Phrase)]
        said = settings.filters.language
        parts = tuple(one for text in phrases for one in parts_of_phrase(text, said or language_of(text)))
    refinement = None if second is None else _refinement(settings, second, on_progress)
    is_out_of_its_depth = settings.model == SAMPLE_NAME and settings.sources != (SAMPLE_NAME,)
    return Finish(settings.diverse, parts, refinement, in_words=not is_out_of_its_depth)


def _refinement(
    settings: Settings, second: ModelInLoading, on_progress: Callable[[SearchProgress], None]
) -> Refinement:
    def reranker() -> ClipReranker:
        on_progress(SearchProgress(f"loading the model {second.title}"))
        return second.reranker()

    def report(progress: Progress) -> None:
        step = f"looking again with {second.title}"
        on_progress(SearchProgress(step, progress.done, settings.refine_top, progress.skipped, progress.best))

    return Refinement(reranker, settings.refine_top, report)
