"""How one search runs: the source is asked, pictures arrive and are encoded, the ranks firm up."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Self

from phrasepix.again import Again
from phrasepix.anew import shown
from phrasepix.asking import Asking, FoundTags, GivenTags, Record
from phrasepix.errors import UnknownSourceError
from phrasepix.finishing import finish_of
from phrasepix.loading import model_of, second_model_of
from phrasepix.looking import Looked, loader_and_memory
from phrasepix.pool import AskedSource, Pool
from phrasepix.results import Failure, Results, Skipped
from phrasepix.saving.reopener import Reopener
from phrasepix.saving.used import UsedBefore
from phrasepix.settings import SearchProgress, Settings, SourceChoice
from phrasepix.sources import source_named
from reranker.clip_reranker import ClipReranker, Progress
from reranker.match import Ranking
from reranker.models.model_choice import DEFAULT_MODEL
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.offline import OfflineFetcher
from retriever.errors import RetrieverError, SourceFaultError, WrongParameterError
from retriever.filtering import unhonoured_message
from retriever.languages import LANGUAGES, USUAL_LANGUAGE
from retriever.protocol import KnowsItsFilters, Retriever
from retriever.source import Opening, log_skip

logger = logging.getLogger(__name__)


class Search:
    """One search, open as long as its context: the source is asked, but no model loaded before a candidate came."""

    def __init__(self, settings: Settings, on_progress: Callable[[SearchProgress], None]) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._skipped: list[Skipped] = []
        self._failures: list[Failure] = []
        self._record = Record()
        self._used = UsedBefore.in_project(settings.project)
        self._ranked = settings.top + (self._used.most_left_out if settings.unused else 0)
        self._opening = Opening(
            key=settings.key, base_url=settings.base_url, on_skip=log_skip, offline=settings.offline
        )
        self._resources = ExitStack()
        self._model = model_of(settings)
        self._second_model = second_model_of(settings, self._model)

    def results(self) -> Results:
        """The final results."""
        if (pool := self._pool()) is None:
            return self._as_results(Ranking((), (), 0))
        return self._as_results(
            self._reranker().rerank(
                self._settings.query,
                pool,
                self._ranked,
                loader=self._loader,
                memory=self._memory,
                place_of=pool.place_of,
                fold=self._settings.fold,
                finish=finish_of(self._settings, self._second_model, self._on_progress),
                ordering=self._settings.ordering,
                on_progress=lambda progress: self._report(progress, pool),
            ),
            pool,
        )

    def stream(self) -> Iterator[Results]:
        """The results as they firm up; the last ones are final."""
        if (pool := self._pool()) is None:
            yield self._as_results(Ranking((), (), 0))
            return
        yield self._as_results(Ranking((), (), 0, is_final=False))  # something to see while the model is loaded
        for ranking in self._reranker().stream(
            self._settings.query,
            pool,
            self._ranked,
            loader=self._loader,
            memory=self._memory,
            place_of=pool.place_of,
            fold=self._settings.fold,
            finish=finish_of(self._settings, self._second_model, self._on_progress),
            ordering=self._settings.ordering,
        ):
            self._report(Progress(ranking.pool_size, len(ranking.skipped)), pool)
            yield self._as_results(ranking, pool)

    def __enter__(self) -> Self:
        settings = self._settings
        with ExitStack() as opened:
            opened.callback(self._model.end)
            self._model.begin()
            if self._second_model is not None:
                opened.callback(self._second_model.end)
                self._second_model.begin()
            self._sources = self._open_sources(opened)
            fetcher = OfflineFetcher() if settings.offline else PictureFetcher()
            self._looked = Looked(
                candidates=(),
                places={},
                loopback_sources=_names_of(self._sources, lambda source: source.is_on_loopback),
                local_sources=_names_of(self._sources, lambda source: source.is_on_disk),
                unkept_sources=frozenset(one.name for one in self._sources if not one.may_be_kept),
            )
            self._loader, self._memory = loader_and_memory(self._looked, fetcher, opened)
            self._resources = opened.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._resources.close()

    def _open_sources(self, opened: ExitStack) -> list[AskedSource]:
        """The sources that can be opened; where none can, the last one's error is raised."""
        settings = self._settings
        sources: list[AskedSource] = []
        errors: list[RetrieverError] = []
        by_name: dict[str, tuple[str, Opening]] = {}
        own: dict[str, Retriever] = {}
        for choice in settings.sources:
            title = choice if isinstance(choice, str) else type(choice).__name__
            try:
                source = self._opened(choice, opened)
            except UnknownSourceError:
                raise  # nobody's fault but a slip of the pen
            except Exception as fault:  # a plug-in's mistake must not end the search in the others
                error = fault if isinstance(fault, RetrieverError) else SourceFaultError.of(title, fault)
                errors.append(error)
                if len(errors) < len(settings.sources):
                    self._fail(Failure(title, title, str(error)))
                continue
            sources.append(source)
            if isinstance(choice, str):
                by_name[source.name] = (choice, self._opening)
            else:
                own[source.name] = source.retriever
        self._reopener = Reopener(by_name, own, offline=settings.offline)
        if not sources:
            raise errors[-1]
        return sources

    def _opened(self, choice: SourceChoice, opened: ExitStack) -> AskedSource:
        """The source, open as long as `opened`. Raises whatever its code raises, but nothing when it is closed."""
        with ExitStack() as opening:
            source = AskedSource.of_retriever(opening.enter_context(self._open(choice)))
            self._say_what_is_not_honoured(source)
            opened.callback(_close, opening.pop_all(), source.origin.title)
        return source

    def _open(self, choice: SourceChoice) -> AbstractContextManager[Retriever]:
        if not isinstance(choice, str):
            return nullcontext(choice)
        opening = replace(
            self._opening, on_skip=lambda hit: self._skipped.append(Skipped(hit.source, hit.id, hit.reason))
        )
        return source_named(choice).open(opening)

    def _fail(self, failure: Failure) -> None:
        self._failures.append(failure)
        is_named = failure.title.casefold() in failure.reason.casefold()
        logger.warning("%s", failure.reason if is_named else f"{failure.title}: {failure.reason}")

    def _pool(self) -> Pool | None:
        """The candidates, as they come; None where there is none."""
        settings = self._settings
        is_found = settings.filters.language is None
        filters = replace(settings.filters, language=self._language, language_is_found=is_found)
        tags, asking = self._asking()
        asked = " and ".join(source.origin.title for source in self._sources)
        about = f" for {', '.join(tags)}" if tags else ""
        self._on_progress(SearchProgress(f"asking {asked}{about}"))
        pool = Pool(
            [
                (source, GivenTags([""]) if source.is_on_disk and not settings.tags else asking)
                for source in self._sources
            ],
            limit=settings.limit,
            filters=filters,
            record=self._record,
            on_failure=self._fail,
            wanted=lambda candidate: not (settings.unused and self._used.has(candidate)),
        )
        return pool if pool.has_any() else None

    @cached_property
    def _language(self) -> str:
        """The language of the tags: the one that was said, that of the phrase they are found in, else English.

        A given tag is in English too, unless it has letters that English has not.
        """
        settings = self._settings
        if settings.filters.language is not None:
            return settings.filters.language
        if all(source.is_on_disk for source in self._sources) or (settings.tags and "".join(settings.tags).isascii()):
            return USUAL_LANGUAGE
        from phrasepix.tags import language_of

        language = language_of(settings.words or settings.query.words)
        if language == USUAL_LANGUAGE and settings.tags:
            language = language_of(" ".join(settings.tags))
        if language != USUAL_LANGUAGE:
            name = LANGUAGES[language]
            logger.warning("the tags are taken for %s (%s); --lang says otherwise", name, language)
            if self._model.title == str(DEFAULT_MODEL):
                logger.warning("%s reads English; --model multilingual reads %s too", self._model.title, name)
        return language

    def _asking(self) -> tuple[Sequence[str], Asking]:
        """The tags, for people, and how the sources are asked for them; none where folders alone are searched."""
        settings = self._settings
        if settings.tags or all(source.is_on_disk for source in self._sources):
            return settings.tags, GivenTags(settings.tags)
        words = settings.words or settings.query.words
        if not words:
            raise WrongParameterError(
                "a picture alone names no tag; give one that says what it shows, such as --tag tiger"
            )
        from phrasepix.tags import derived_tags  # stop words and dictionaries: whoever gives a tag does without

        found = derived_tags(words, self._language)
        return [one.tag for one in found if not one.instead_of], FoundTags(
            found, settings.requests, is_cap=settings.limit is not None
        )

    def _say_what_is_not_honoured(self, source: AskedSource) -> None:
        filters = self._settings.filters
        if isinstance(source.retriever, KnowsItsFilters) and (
            message := unhonoured_message(source.origin.title, source.retriever.unhonoured(filters), filters)
        ):
            logger.warning(message)

    def _reranker(self) -> ClipReranker:
        self._on_progress(SearchProgress(f"loading the model {self._model.title}"))
        return self._model.reranker()

    def _report(self, progress: Progress, pool: Pool) -> None:
        self._on_progress(
            SearchProgress("looking at the pictures", progress.done, pool.total, progress.skipped, progress.best)
        )

    def _as_results(self, ranking: Ranking, pool: Pool | None = None) -> Results:
        skipped = [Skipped.of(one.candidate, one.reason) for one in ranking.skipped]
        asked = self._record.so_far()
        again = Again()
        if ranking.is_final and pool is not None:
            places = {one.identity: pool.place_of(one) for one in pool.read}
            again = Again(self._settings, replace(self._looked, candidates=pool.read, places=places))
        return Results(
            phrase=self._settings.query.title,
            tags=self._settings.tags or tuple(dict.fromkeys(one.tag for one in asked)),
            asked=asked,
            language=self._language if asked else "",
            origins=tuple(source.origin for source in self._sources),
            model=self._model.title,
            refined_by=self._second_model.title if self._second_model is not None else "",
            diverse=self._settings.diverse,
            matches=shown(ranking.matches, self._settings, self._used, again),
            skipped=_each_once([*self._skipped, *skipped]),
            pool_size=ranking.pool_size,
            is_final=ranking.is_final,
            failures=tuple(self._failures),
            reopener=self._reopener,
            query=self._settings.query,
            again=again,
        )


def _each_once(skipped: Sequence[Skipped]) -> tuple[Skipped, ...]:
    """What two tags have found is one, unless its source gave it no id."""
    return tuple({number if one.id == "?" else one: one for number, one in enumerate(skipped)}.values())


def _close(resources: ExitStack, title: str) -> None:
    """Close a source. What its code does wrong by then takes no results away."""
    try:
        resources.close()
    except Exception as fault:
        logger.warning("%s", SourceFaultError.of(title, fault))


def _names_of(sources: Sequence[AskedSource], are_so: Callable[[AskedSource], bool]) -> frozenset[str]:
    """The names of those that say they are so.

    A picture says by its source's name alone where it may come from: raises `WrongParameterError` where two of one name
    say different things.
    """
    said = {one.name: are_so(one) for one in sources}
    for one in sources:
        if are_so(one) != said[name := one.name]:
            raise WrongParameterError(
                f"two sources are called {name!r}, and the pictures of one alone are on this machine; "
                "give yours another name"
            )
    return frozenset(name for name, is_so in said.items() if is_so)
