"""The candidates of one search: several sources asked side by side, each picture once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock

from phrasepix.asking import Asking, Record
from phrasepix.results import Failure, Origin
from reranker.look_ahead import merge_ahead
from reranker.memory.picture_store import LONGEST
from retriever.candidate import Candidate
from retriever.errors import RetrieverError, SourceFaultError
from retriever.filters import Filters
from retriever.profile import USUAL_LIMIT
from retriever.protocol import Retriever, is_on_disk, is_on_loopback, profile_of

_READ_AHEAD = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSource:
    """A source that is open, and what it says of itself: asked once, for a plug-in may fail at any question.

    `is_on_disk`: a folder, which can do without a tag; `is_on_loopback`: its pictures may come from this machine;
    `usual_limit`: how many candidates are looked at if nobody says how many; `may_be_kept`: files of its pictures may
    be kept for as long as others are.
    """

    retriever: Retriever
    name: str
    origin: Origin
    is_on_disk: bool
    is_on_loopback: bool
    usual_limit: int
    may_be_kept: bool

    @classmethod
    def of_retriever(cls, retriever: Retriever) -> "AskedSource":
        """Ask a retriever what it says of itself. Raises whatever its code raises."""
        profile = profile_of(retriever)
        if profile is None:
            usual_limit = USUAL_LIMIT
        else:
            usual_limit = profile.deepest if profile.usual_limit is None else profile.usual_limit
        return cls(
            retriever=retriever,
            name=retriever.name,
            origin=Origin.of_retriever(retriever),
            is_on_disk=is_on_disk(retriever),
            is_on_loopback=is_on_loopback(retriever),
            usual_limit=usual_limit,
            may_be_kept=profile is None or profile.pictures_kept_for >= LONGEST,
        )


@dataclass(slots=True)
class _Found:
    """What was found so far: the candidates, where each stands, and the errors of sources that failed."""

    candidates: list[Candidate] = field(default_factory=list)
    places: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    errors: list[RetrieverError] = field(default_factory=list)
    failing: Lock = field(default_factory=Lock)
    is_complete: bool = False


class Pool:
    """The candidates of `sources`, each asked its way, as they come; read once, counted, each picture once,
    and none that is not `wanted`. `record` is told what is asked.

    A source's answers are in its own order; which source answers first is left to chance, `place_of` is not. One that
    fails is told to `on_failure` and the others answer; where all do, the last one's error is raised instead, by
    `has_any` or while iterating.
    """

    def __init__(
        self,
        sources: Sequence[tuple[AskedSource, Asking]],
        *,
        limit: int | None,
        filters: Filters,
        record: Record,
        on_failure: Callable[[Failure], None],
        wanted: Callable[[Candidate], bool] = lambda candidate: True,
    ) -> None:
        self._found = found = _Found()

        def fail(source: AskedSource, error: RetrieverError) -> None:
            with found.failing:
                found.errors.append(error)
                is_last = len(found.errors) == len(sources)
            if not is_last:  # that one is raised
                on_failure(Failure(source.name, source.origin.title, str(error)))

        # Neither these nor the threads that read them hold the pool: with its last holder they end at once.
        answers = [
            _answers(index, source, asking, limit=limit, filters=filters, record=record, on_error=fail)
            for index, (source, asking) in enumerate(sources)
        ]
        self._unread: Iterator[Candidate] = _merged(answers, found, wanted)

    @property
    def total(self) -> int | None:
        """How many there are; None before the last was read."""
        return len(self._found.places) if self._found.is_complete else None

    def place_of(self, candidate: Candidate) -> tuple[int, ...]:
        """Its number in its source's answers, and the source's number."""
        return self._found.places[candidate.identity]

    @property
    def read(self) -> tuple[Candidate, ...]:
        """Those read so far."""
        return tuple(self._found.candidates)

    def has_any(self) -> bool:
        """Whether there is a candidate; waits for the first."""
        for first in self._unread:
            self._unread = chain([first], self._unread)
            return True
        return False

    def __iter__(self) -> Iterator[Candidate]:
        return self._unread


Answers = Iterator[tuple[tuple[int, ...], Candidate]]
"""Candidates, each with its place."""


def _merged(answers: Sequence[Answers], found: _Found, wanted: Callable[[Candidate], bool]) -> Iterator[Candidate]:
    for place, candidate in chain.from_iterable(merge_ahead(answers, room=_READ_AHEAD)):
        if candidate.identity not in found.places and wanted(candidate):
            found.places[candidate.identity] = place
            found.candidates.append(candidate)
            yield candidate
    found.is_complete = True
    if found.errors and len(found.errors) == len(answers):
        raise found.errors[-1]


def _answers(
    index: int,
    source: AskedSource,
    asking: Asking,
    *,
    limit: int | None,
    filters: Filters,
    record: Record,
    on_error: Callable[[AskedSource, RetrieverError], None],
) -> Answers:
    most = source.usual_limit if limit is None else limit
    try:
        for number, candidate in enumerate(asking.candidates(source.retriever, most, filters, record)):
            yield (number, index), candidate
    except RetrieverError as error:
        on_error(source, error)
    except Exception as error:  # a plug-in's mistake must not end the search in the others
        on_error(source, SourceFaultError.of(source.origin.title, error))
