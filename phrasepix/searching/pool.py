"""The candidates of one search: several sources asked side by side, each picture once."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

from phrasepix.results import Failure, Origin
from phrasepix.searching.tag_strategies import LastChunk, TagLog, TagStrategy
from phrasepix_core.candidate import Candidate
from phrasepix_core.identities import Identities
from reranker.memory.picture_store import LONGEST
from reranker.prefetch import prefetch_merged
from retriever.errors import AnswerNotKeptError, RetrieverError, SourceFaultError, SourceUnreachableError
from retriever.filters import Filters
from retriever.profile import USUAL_LIMIT, SourceProfile
from retriever.protocol import Retriever, is_on_disk, is_on_loopback, profile_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_READ_AHEAD = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSource:
    """A source that is open, and what it says of itself: asked once, for a plug-in may fail at any question.

    `is_on_disk`: a folder, which can do without a tag; `is_on_loopback`: its pictures may come from this machine;
    `usual_limit`: how many candidates are looked at if nobody says how many; `may_be_kept`: files of its pictures may
    be kept for as long as others are; `profile`: what it says of its terms, if anything.
    """

    retriever: Retriever
    name: str
    origin: Origin
    is_on_disk: bool
    is_on_loopback: bool
    usual_limit: int
    may_be_kept: bool
    profile: SourceProfile | None

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
            profile=profile,
        )


class Places(Sequence[tuple[int, ...]]):
    """Where candidates stand: of each the number in its source's answers, and the source's number; six bytes each."""

    def __init__(self) -> None:
        self._numbers = array("I")
        self._sources = array("H")

    def append(self, number: int, source: int) -> None:
        """Add the next candidate's."""
        self._numbers.append(number)
        self._sources.append(source)

    def extend(self, numbers: range, source: int) -> None:
        """Add those of the next candidates, all of one source."""
        self._numbers.extend(numbers)
        self._sources.extend(array("H", [source]) * len(numbers))

    def __array__(self, dtype: "DTypeLike | None" = None, copy: bool | None = None) -> "NDArray[Any]":
        """All of them as NumPy has them: [n, 2]."""
        import numpy as np

        return np.stack([self._numbers, self._sources], axis=1, dtype=dtype, casting="unsafe")

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> tuple[int, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, ...]]: ...

    def __getitem__(self, index: int | slice) -> tuple[int, ...] | list[tuple[int, ...]]:
        if isinstance(index, slice):
            return list(zip(self._numbers[index], self._sources[index], strict=True))
        return self._numbers[index], self._sources[index]


@dataclass(slots=True)
class _Found:
    """What was found so far: the candidates, where each stands, and the errors of sources that failed.

    Which ones have come is known as long as more may come.
    """

    candidates: list[Candidate] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    came: Identities = field(default_factory=Identities)
    errors: list[RetrieverError] = field(default_factory=list)
    failing: Lock = field(default_factory=Lock)
    unreachable: list[Failure] = field(default_factory=list)
    is_complete: bool = False
    is_here: bool = False
    """Whether nobody has to be waited for any more."""


class Pool:
    """The candidates of `sources`, each asked its way, as they come; read once, counted, each picture once,
    and none that is not `wanted`, where that is said. `record` is told what is asked.

    A source's answers are in its own order; which source answers first is left to chance, `places` are not. One that
    fails is told to `on_failure` and the others answer; where all do, the last one's error is raised instead, by
    `has_any` or while iterating.
    """

    def __init__(
        self,
        sources: Sequence[tuple[AskedSource, TagStrategy]],
        *,
        limit: int | None,
        filters: Filters,
        record: TagLog,
        on_failure: Callable[[Failure], None],
        wanted: Callable[[Candidate], bool] | None = None,
    ) -> None:
        self._found = found = _Found()

        def fail(source: AskedSource, error: RetrieverError) -> None:
            with found.failing:
                found.errors.append(error)
                is_last = len(found.errors) == len(sources)
            failure = Failure.of(source.name, source.origin.title, error)
            if _shared_cause(error):
                found.unreachable.append(failure)  # told of with the first answer of another, or all at once
            elif not is_last:  # that one is raised
                on_failure(failure)

        # Neither these nor the threads that read them hold the pool: with its last holder they end at once.
        answers = [
            _answers(index, source, strategy, limit=limit, filters=filters, record=record, on_error=fail)
            for index, (source, strategy) in enumerate(sources)
        ]
        self._unread: Iterator[list[Candidate]] = _merged(answers, found, wanted, on_failure)

    @property
    def total(self) -> int | None:
        """How many there are; None before the last was read."""
        return len(self._found.candidates) if self._found.is_complete else None

    @property
    def places(self) -> Places:
        """Where those read so far stand: of each the number in its source's answers, and the source's."""
        return self._found.places

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

    def chunks(self) -> Iterator[list[Candidate]]:
        """Those not read yet, as many at a time as have come."""
        return self._unread

    def if_here(self) -> list[Candidate] | None:
        """Return those not read yet if no source has to be waited for; None if one has."""
        return list(self) if self._found.is_here else None

    def __iter__(self) -> Iterator[Candidate]:
        return chain.from_iterable(self._unread)


@dataclass(frozen=True, slots=True)
class _Came:
    """Candidates of one source that came together, the first of them as so many-th of its answers."""

    candidates: Sequence[Candidate]
    first: int
    source: int
    is_last: bool

    @property
    def numbers(self) -> range:
        """The numbers of all."""
        return range(self.first, self.first + len(self.candidates))


def _merged(
    answers: Sequence[Iterator[_Came]],
    found: _Found,
    wanted: Callable[[Candidate], bool] | None,
    on_failure: Callable[[Failure], None],
) -> Iterator[list[Candidate]]:
    for came in _as_they_come(answers, found):
        _tell(found, on_failure)
        new: list[Candidate] = []
        for one in came:
            new += _added(one, found, wanted)
        if new:
            yield new
    found.is_complete = True
    found.came.clear()
    last = found.errors[-1] if found.errors and len(found.errors) == len(answers) else None
    if last is None or _of_all(found.errors) is last:
        _tell(found, on_failure, but=last)
    if found.errors and len(found.errors) == len(answers):
        raise _of_all(found.errors)


def _added(came: _Came, found: _Found, wanted: Callable[[Candidate], bool] | None) -> Sequence[Candidate]:
    """Add those that are wanted and have not come before; return them."""
    candidates = came.candidates if wanted is None else list(filter(wanted, came.candidates))
    new = found.came.add_all_new(candidates)
    if len(new) == len(came.candidates):
        found.places.extend(came.numbers, came.source)
    else:
        backwards = zip(reversed(came.numbers), reversed(came.candidates), strict=True)
        numbers = {id(one): number for number, one in backwards}  # of one that came twice, the first
        for one in new:
            found.places.append(numbers[id(one)], came.source)
    found.candidates += new
    return new


def _as_they_come(answers: Sequence[Iterator[_Came]], found: _Found) -> Iterator[Sequence[_Came]]:
    """What the sources answer, chunk by chunk, read ahead; but the first chunk of a single source by whoever takes it.

    He has nothing else to do, and after a `LastChunk` there is nothing to wait for.
    """
    if len(answers) == 1:
        first = next(answers[0], None)
        if first is None:
            return
        found.is_here = first.is_last
        yield [first]
        if found.is_here:
            yield from ([one] for one in answers[0])
            return
    yield from prefetch_merged([_one_by_one(one) for one in answers], room=_READ_AHEAD, most=_READ_AHEAD)


def _one_by_one(came: Iterator[_Came]) -> Iterator[Sequence[_Came]]:
    """The same, each with one candidate: how far is read ahead is counted by them."""
    for chunk in came:
        yield [
            _Came([candidate], number, chunk.source, chunk.is_last)
            for number, candidate in zip(chunk.numbers, chunk.candidates, strict=True)
        ]


def _tell(found: _Found, on_failure: Callable[[Failure], None], but: RetrieverError | None = None) -> None:
    """Tell of the sources that cannot be reached, except of the error `but`, which is raised."""
    while found.unreachable:
        failure = found.unreachable.pop(0)
        if but is None or failure.reason != str(but):
            on_failure(failure)


def _shared_cause(error: RetrieverError) -> str:
    """What several sources can fail by at once, and is told once for all of them then; empty if it is another cause."""
    match error:
        case SourceUnreachableError(reason=cause) | AnswerNotKeptError(question=cause):
            return cause
    return ""


def _of_all(errors: Sequence[RetrieverError]) -> RetrieverError:
    """The error of a search that no source answered: one for all, if all have failed for one cause, else the last."""
    causes = {_shared_cause(one) for one in errors}
    if len(causes) > 1 or not all(causes):
        return errors[-1]
    not_kept = sorted((one for one in errors if isinstance(one, AnswerNotKeptError)), key=lambda one: one.title)
    if not_kept:
        titles, hours = [one.title for one in not_kept], min(one.hours for one in not_kept)
        return AnswerNotKeptError.of(titles, not_kept[0].question, hours)
    unreachable = [one for one in errors if isinstance(one, SourceUnreachableError)]
    return SourceUnreachableError.not_connected(
        [source for one in unreachable for source in one.sources], unreachable[0].reason
    )


def _answers(
    index: int,
    source: AskedSource,
    strategy: TagStrategy,
    *,
    limit: int | None,
    filters: Filters,
    record: TagLog,
    on_error: Callable[[AskedSource, RetrieverError], None],
) -> Iterator[_Came]:
    most = source.usual_limit if limit is None else limit
    try:
        offered = 0
        for chunk in strategy.chunks(source.retriever, most, filters, record):
            for candidate in chunk:
                if not isinstance(candidate, Candidate):
                    raise TypeError(f"it offers {candidate!r:.80}, which is no Candidate")
            yield _Came(chunk, offered, index, isinstance(chunk, LastChunk))
            offered += len(chunk)
    except RetrieverError as error:
        on_error(source, error)
    except Exception as error:  # a plug-in's mistake must not end the search in the others
        on_error(source, SourceFaultError.of(source.origin.title, error))
