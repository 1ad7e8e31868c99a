"""How one search runs: sources are asked, pictures arrive and are encoded, the ranks firm up."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self, TypedDict

from phrasepix.config import Config
from phrasepix.errors import UnknownSourceError
from phrasepix.events import Event, Listener, Notice, SearchProgress, Stage
from phrasepix.library.packages import demand_packages
from phrasepix.library.seen_search import SeenSearch
from phrasepix.models.handle import models_of
from phrasepix.models.shelf import ModelShelf
from phrasepix.request import SearchRequest, SourceChoice
from phrasepix.results import Failure, FoundMatch, PoolSnapshot, Results, Skipped
from phrasepix.sample import is_the_sample_alone
from phrasepix.saving.project_usage import ProjectUsage
from phrasepix.saving.reopener import Reopener
from phrasepix.searching.by_vector import FindsByVector, NearestToQuery, directions_of
from phrasepix.searching.finishing import finish_of, why_unexplained
from phrasepix.searching.pool import AskedSource, Pool
from phrasepix.searching.remembering import origins_of, rememberable, seen_origins, seen_search
from phrasepix.searching.snapshot import loader_of, snapshot_of
from phrasepix.searching.tag_strategies import FixedTags, TagLog, TagsFromPhrase, TagStrategy
from phrasepix.sources.open_sources import OpenSources
from phrasepix_core.cached_property import cached_property
from phrasepix_core.messages import Hint
from reranker.accumulator import PoolPosition
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Embeddings, image_tower_name
from reranker.finish import Finish
from reranker.match import Match, Ranking
from reranker.memory import Memory
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.ordering import Ordering
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.hosts import HostConnections
from reranker.pictures.offline import OfflineFetcher
from reranker.progress import Progress
from retriever.errors import RetrieverError, SourceFaultError, WrongParameterError
from retriever.filtering import unhonoured_message
from retriever.languages import LANGUAGES, USUAL_LANGUAGE
from retriever.protocol import KnowsItsFilters, Retriever
from retriever.source import Opening


@dataclass(frozen=True, slots=True)
class Resources:
    """What searches share."""

    config: Config
    sources: OpenSources
    models: ModelShelf
    memory: Memory
    hosts: HostConnections


class _HowToRank(TypedDict):
    """What a reranker is told besides query, candidates and how many."""

    loader: PictureLoader
    memory: Memory
    places: Sequence[PoolPosition]
    fold: bool
    finish: Finish
    ordering: Ordering


class SearchRun:
    """One search, open as long as its context: the sources are asked, but no model loaded before a candidate came.

    `sources` are those to be asked, by name or as a caller's own retrievers; `on_event` is told how far it is.
    """

    def __init__(
        self, request: SearchRequest, sources: Sequence[SourceChoice], resources: Resources, on_event: Listener
    ) -> None:
        self._request = request
        self._choices = sources
        self._shared = resources
        self._listener = on_event
        self._raised_by_listener: Exception | None = None
        self._skipped: list[Skipped] = []
        self._failures: list[Failure] = []
        self._notices: dict[Notice, None] = {}
        self._noting = Lock()
        self._record = TagLog()
        self._brought: dict[tuple[str, str], Embeddings] = {}
        self._used = ProjectUsage.in_project(request.project)
        self._ranked = request.top + (self._used.most_left_out if request.unused else 0)
        self._only_the_sample = is_the_sample_alone(sources)
        self._resources = ExitStack()
        self._model, self._second_model = models_of(
            request,
            resources.models,
            resources.config.directory,
            only_the_sample=self._only_the_sample,
            on_notice=self._say,
        )
        self.reopener = Reopener()
        """How the sources are opened again."""
        self.seen: SeenSearch | None = None
        """What is to be remembered of the search, once it is over; None if nothing is."""
        if request.remember_in is not None:
            demand_packages("lance")

    def results(self) -> Results:
        """Return the final results."""
        if (pool := self._pool()) is None:
            return self._as_results(Ranking((), (), 0))
        return self._as_results(
            self._reranker.rerank(
                self._request.query,
                pool,
                self._ranked,
                **self._how_to_rank(pool),
                on_progress=lambda progress: self._report(progress, pool),
            ),
            pool,
        )

    def stream(self) -> Iterator[Results]:
        """Yield the results as they firm up; the last ones are final."""
        if (pool := self._pool()) is None:
            yield self._as_results(Ranking((), (), 0))
            return
        yield self._as_results(Ranking((), (), 0, is_final=False))  # something to see while the model is loaded
        for ranking in self._reranker.stream(
            self._request.query,
            pool,
            self._ranked,
            **self._how_to_rank(pool),
        ):
            self._report(Progress(ranking.pool_size, len(ranking.skipped)), pool)
            yield self._as_results(ranking, pool)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            for model in (self._model, self._second_model):
                if model is not None:
                    opened.callback(model.end)
                    model.begin(self._shared.memory)
            self._sources = self._open_sources(opened)
            self._seen_origins = seen_origins([source.retriever for source in self._sources])
            self._snapshot = snapshot_of(self._sources, self._seen_origins)
            self.reopener = replace(self.reopener, remembered=frozenset(self._seen_origins))
            fetcher = OfflineFetcher() if self._request.offline else PictureFetcher(hosts=self._shared.hosts)
            self._loader = opened.enter_context(loader_of(self._snapshot, fetcher))
            self._memory = self._shared.memory.without_files_of(self._snapshot.unkept_sources)
            self._say_what_is_known_before()
            self._resources = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        self._resources.close()
        if self._raised_by_listener is not None and (kind is None or issubclass(kind, Exception)):
            raise self._raised_by_listener from None

    def _say_what_is_known_before(self) -> None:
        """Tell what people should know of project and models, now that nothing is wrong with what was asked."""
        if self._used.problem:
            self._say(self._used.problem)
        for model in (self._model, self._second_model):
            if model is not None and model.notice is not None:
                self._notice(model.notice)

    def _open_sources(self, opened: ExitStack) -> list[AskedSource]:
        """Open the sources that can be opened; if none can, the last one's error is raised."""
        sources: list[AskedSource] = []
        errors: list[RetrieverError] = []
        openings: dict[str, tuple[str, Opening]] = {}
        own: dict[str, Retriever] = {}
        config = self._shared.config
        opening = Opening(
            key=config.key,
            base_url=config.base_url,
            offline=self._request.offline,
            cache_directory=config.directory,
        )
        listening = replace(
            opening,
            on_skip=lambda hit: self._skipped.append(Skipped(hit.source, hit.id, hit.reason)),
            on_notice=lambda message: self._notice(Notice((message,))),
        )
        for choice in self._choices:
            title = choice if isinstance(choice, str) else type(choice).__name__
            try:
                retriever = opened.enter_context(self._opened(choice, listening))
                source = AskedSource.of_retriever(retriever)
                self._say_what_is_not_honoured(source)
            except UnknownSourceError:
                raise  # nobody's fault but a slip of the pen
            except Exception as fault:  # a plug-in's mistake must not end the search in the others
                error = fault if isinstance(fault, RetrieverError) else SourceFaultError.of(title, fault)
                errors.append(error)
                if len(errors) < len(self._choices):
                    self._fail(Failure.of(title, title, error))
                continue
            sources.append(source)
            if isinstance(choice, str):
                openings[source.name] = (choice, opening)
            else:
                own[source.name] = source.retriever
        self.reopener = Reopener(openings, own, offline=self._request.offline)
        if not sources:
            raise errors[-1]
        return sources

    def _opened(self, choice: SourceChoice, opening: Opening) -> AbstractContextManager[Retriever]:
        return self._shared.sources.open(choice, opening) if isinstance(choice, str) else nullcontext(choice)

    def _on_event(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception as error:  # in a source's thread it would be taken for a mistake of the source
            self._raised_by_listener = error
            raise

    def _notice(self, notice: Notice) -> None:
        """Keep what people should know, and tell it, once."""
        with self._noting:  # threads of several sources have something to say
            is_new = notice not in self._notices
            self._notices[notice] = None
        if is_new:
            self._on_event(notice)

    def _fail(self, failure: Failure) -> None:
        self._failures.append(failure)
        is_named = failure.title.casefold() in failure.reason.casefold()
        self._notice(Notice((*([] if is_named else [f"{failure.title}: "]), *failure.parts), failure.source))

    def _pool(self) -> Pool | None:
        """The candidates, as they come; None where there is none."""
        request = self._request
        is_found = request.wishes.language is None
        filters = replace(request.wishes, language=self._language, language_is_found=is_found)
        tags, strategy = self._strategy()
        asked = " and ".join(source.origin.title for source in self._sources)
        about = f" for {', '.join(tags)}" if tags else ""
        self._on_event(SearchProgress(f"asking {asked}{about}", stage=Stage.ASKING, subject=asked))
        pool = Pool(
            [(source, self._strategy_for(source, strategy)) for source in self._sources],
            limit=request.limit,
            filters=filters,
            record=self._record,
            on_failure=self._fail,
            wanted=(lambda candidate: not self._used.has(candidate)) if request.unused else None,
        )
        return pool if pool.has_any() else None

    def _strategy_for(self, source: AskedSource, by_tags: TagStrategy) -> TagStrategy:
        if isinstance(source.retriever, FindsByVector):
            return NearestToQuery(*self._directions, self._request.tags, self._brought)
        return FixedTags([""]) if source.is_on_disk and not self._request.tags else by_tags

    @cached_property
    def _directions(self) -> tuple[Embeddings, str]:
        """What pictures are to be near to, and the image tower in whose space that is; the model is loaded for it."""
        reranker = self._reranker
        query = reranker.encoded(self._request.query, loader=self._loader, memory=self._memory)
        return directions_of(query), image_tower_name(reranker.encoder)

    @cached_property
    def _language(self) -> str:
        """The language of the tags: the one that was said, that of the phrase they are found in, else English.

        A given tag is in English too, unless it has letters that English has not.
        """
        request = self._request
        if request.wishes.language is not None:
            return request.wishes.language
        if all(source.is_on_disk for source in self._sources) or (request.tags and "".join(request.tags).isascii()):
            return USUAL_LANGUAGE
        from phrasepix.tags import language_of

        language = language_of(request.text_for_tags)
        if language == USUAL_LANGUAGE and request.tags:
            language = language_of(" ".join(request.tags))
        if language != USUAL_LANGUAGE:
            name = LANGUAGES[language]
            self._notice(
                Notice((f"the tags are taken for {name} ({language}); ", Hint("filters.language"), " says otherwise"))
            )
            if self._model.title == str(DEFAULT_MODEL):
                self._notice(
                    Notice(
                        (f"{self._model.title} reads English; ", Hint("model", "multilingual"), f" reads {name} too")
                    )
                )
        return language

    def _strategy(self) -> tuple[Sequence[str], TagStrategy]:
        """The tags, for people, and how the sources are asked for them; none where folders alone are searched."""
        request = self._request
        if request.tags or all(source.is_on_disk for source in self._sources):
            return request.tags, FixedTags(request.tags)
        words = request.text_for_tags
        if not words:
            raise WrongParameterError(
                "a picture or a taught name alone names no tag; give one that says what it shows, such as ",
                Hint("tag", "tiger"),
            )
        from phrasepix.tags import derived_tags  # stop words and dictionaries: whoever gives a tag does without

        found = derived_tags(words, self._language)
        return [one.tag for one in found if not one.instead_of], TagsFromPhrase(
            found, request.requests, is_cap=request.limit is not None, notify=self._say
        )

    def _say_what_is_not_honoured(self, source: AskedSource) -> None:
        filters = self._request.wishes
        if isinstance(source.retriever, KnowsItsFilters) and (
            message := unhonoured_message(source.origin.title, source.retriever.unhonoured(filters), filters)
        ):
            self._notice(Notice((message,), source.name))

    def _say(self, message: str) -> None:
        self._notice(Notice((message,)))

    @cached_property
    def _reranker(self) -> ClipReranker:
        title = self._model.title
        self._on_event(SearchProgress(f"loading the model {title}", stage=Stage.LOADING_MODEL, subject=title))
        return self._model.reranker()

    def _how_to_rank(self, pool: Pool) -> _HowToRank:
        request = self._request
        return {
            "loader": self._loader,
            "memory": self._memory.with_embeddings(image_tower_name(self._reranker.encoder), self._brought),
            "places": pool.places,
            "fold": request.fold,
            "finish": finish_of(request, self._second_model, self._on_event, only_the_sample=self._only_the_sample),
            "ordering": request.ordering,
        }

    def _report(self, progress: Progress, pool: Pool) -> None:
        self._on_event(
            SearchProgress("looking at the pictures", progress.done, pool.total, progress.skipped, progress.best)
        )

    def _as_results(self, ranking: Ranking, pool: Pool | None = None) -> Results:
        for message in ranking.notices:
            self._say(message)
        if ranking.is_final and pool is not None and self._request.remember_in is not None:
            self._remember(self._request.remember_in, ranking, pool)
        skipped = [Skipped.of(one.candidate, one.reason) for one in ranking.skipped]
        asked = self._record.so_far()
        if ranking.is_final and self._request.explain and (why := why_unexplained(ranking.matches, self._model.title)):
            self._notice(Notice(why))
        snapshot = PoolSnapshot()
        if ranking.is_final and pool is not None:
            snapshot = replace(self._snapshot, candidates=pool.read, positions=pool.places)
        return Results(
            phrase=self._request.query.title,
            tags=self._request.tags or tuple(dict.fromkeys(one.tag for one in asked)),
            asked=asked,
            language=self._language if asked else "",
            origins=origins_of(self._sources, self._seen_origins, snapshot.candidates, ranking.matches),
            model=self._model.title,
            refined_by=self._second_model.title if self._second_model is not None else "",
            diverse=self._request.diverse,
            matches=matches_to_show(ranking.matches, self._request, self._used),
            skipped=_each_once([*self._skipped, *skipped]),
            pool_size=ranking.pool_size,
            is_final=ranking.is_final,
            failures=tuple(self._failures),
            query=self._request.query,
            notices=tuple(self._notices),
            request=self._request,
            pool=snapshot,
        )

    def _remember(self, library: str, ranking: Ranking, pool: Pool) -> None:
        """Say what is not remembered; the rest is written once the answer was given."""
        gone = {one.candidate.identity for one in ranking.skipped}
        found = rememberable(pool, self._sources, gone, self._shared.config.key)
        for left_out in found.left_out:
            self._notice(Notice((str(left_out),), left_out.source))
        self.seen = seen_search(library, found.offered, self._request, self._reranker, self._memory)


def _each_once(skipped: Sequence[Skipped]) -> tuple[Skipped, ...]:
    """What two tags have found is one, unless its source gave it no id."""
    return tuple({number if one.id == "?" else one: one for number, one in enumerate(skipped)}.values())


def matches_to_show(matches: Sequence[Match], request: SearchRequest, used: ProjectUsage) -> tuple[FoundMatch, ...]:
    """Return the matches that people see, those saved before marked or left out."""
    return used.marked(matches, unused=request.unused)[: request.top]
