"""The candidates of one search: several sources asked side by side, each picture once."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Lock

from phrasepix.results import Failure, Origin
from reranker.look_ahead import merge_ahead
from retriever.candidate import Candidate
from retriever.errors import RetrieverError
from retriever.filters import Filters
from retriever.protocol import Retriever

logger = logging.getLogger(__name__)

_READ_AHEAD = 256


@dataclass(frozen=True, slots=True)
class AskedSource:
    """A source that is open, and who it is to people."""

    retriever: Retriever
    origin: Origin

    @property
    def usual_limit(self) -> int:
        """How many candidates are looked at for each tag where nobody says how many."""
        profile = getattr(self.retriever, "profile", None)
        if profile is None:
            return 200
        return int(profile.deepest if profile.usual_limit is None else profile.usual_limit)


class Pool:
    """The candidates of `sources` for all `tags`, as they come; read once, counted, each picture once,
    and none that is not `wanted`.

    A source's answers are in its own order; which source answers first is left to chance, `place_of` is not. One that
    fails is told to `on_failure` and the others answer; where all do, the last one's error is raised instead, by
    `has_any` or while iterating.
    """

    def __init__(
        self,
        sources: Sequence[AskedSource],
        tags: Sequence[str],
        *,
        limit: int | None,
        filters: Filters,
        on_failure: Callable[[Failure], None],
        wanted: Callable[[Candidate], bool] = lambda candidate: True,
    ) -> None:
        self._sources = sources
        self._tags = tags
        self._limit = limit
        self._filters = filters
        self._on_failure = on_failure
        self._wanted = wanted
        self._errors: list[RetrieverError] = []
        self._failing = Lock()
        self._places: dict[tuple[str, str], tuple[int, ...]] = {}
        self._is_complete = False
        self._unread = self._merged()

    @property
    def total(self) -> int | None:
        """How many there are; None before the last was read."""
        return len(self._places) if self._is_complete else None

    def place_of(self, candidate: Candidate) -> tuple[int, ...]:
        """Its number in its source's answers, and the source's number."""
        return self._places[candidate.identity]

    def has_any(self) -> bool:
        """Whether there is a candidate; waits for the first."""
        for first in self._unread:
            self._unread = chain([first], self._unread)
            return True
        return False

    def __iter__(self) -> Iterator[Candidate]:
        return self._unread

    def _merged(self) -> Iterator[Candidate]:
        answers = [self._answers(index, source) for index, source in enumerate(self._sources)]
        for place, candidate in chain.from_iterable(merge_ahead(answers, room=_READ_AHEAD)):
            if candidate.identity not in self._places and self._wanted(candidate):
                self._places[candidate.identity] = place
                yield candidate
        self._is_complete = True
        if self._errors and len(self._errors) == len(self._sources):
            raise self._errors[-1]

    def _answers(self, index: int, source: AskedSource) -> Iterator[tuple[tuple[int, ...], Candidate]]:
        limit = source.usual_limit if self._limit is None else self._limit
        number = 0
        try:
            for tag in self._tags:
                for candidate in source.retriever.retrieve(tag, limit=limit, filters=self._filters):
                    yield (number, index), candidate
                    number += 1
        except RetrieverError as error:
            with self._failing:
                self._errors.append(error)
                is_last = len(self._errors) == len(self._sources)
            if not is_last:
                self._on_failure(Failure(source.retriever.name, source.origin.title, str(error)))
