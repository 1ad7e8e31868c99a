"""How one source is asked: for each tag that was given, or for those found in the phrase until there are enough."""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from phrasepix.results import AskedTag
from retriever.candidate import Candidate
from retriever.errors import AnswerNotKeptError, RetrieverError
from retriever.filters import Filters
from retriever.protocol import AnswersByPage, Retriever

if TYPE_CHECKING:  # brings stop words and dictionaries: whoever gives a tag does without
    from phrasepix.tags import DerivedTag

logger = logging.getLogger(__name__)

USUAL_REQUESTS = 4
"""Requests to each source for the tags of one phrase, where nobody says how many."""


class Record:
    """Which tags were asked and what each brought; written by the threads that ask, read by others."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], AskedTag] = {}
        self._lock = threading.Lock()

    def note(self, source: str, tag: str, brought: int = 0, problem: str = "") -> None:
        """The tag was asked, and `brought` so many more."""
        if not tag:  # a folder, looked through as a whole
            return
        with self._lock:
            before = self._asked.get((source, tag))
            brought += before.brought if before else 0
            self._asked[source, tag] = AskedTag(source, tag, brought, problem)

    def brought(self, source: str, tag: str) -> int:
        """How many it brought so far."""
        with self._lock:
            asked = self._asked.get((source, tag))
            return asked.brought if asked else 0

    def so_far(self) -> tuple[AskedTag, ...]:
        """All that was asked, each source's tags in their order."""
        with self._lock:
            return tuple(self._asked.values())


class Asking(Protocol):
    """A way to ask."""

    def candidates(self, retriever: Retriever, limit: int, filters: Filters, record: Record) -> Iterator[Candidate]:
        """The candidates, each once, lazily; `record` is told what is asked.

        Raises a `RetrieverError` where the source cannot be asked or does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class GivenTags:
    """All of `tags`, up to the limit of each."""

    tags: Sequence[str]

    def candidates(self, retriever: Retriever, limit: int, filters: Filters, record: Record) -> Iterator[Candidate]:
        """The candidates of each tag in turn."""
        seen: set[tuple[str, str]] = set()
        for tag in self.tags:
            candidates = retriever.retrieve(tag, limit=limit, filters=filters)
            record.note(retriever.name, tag)
            for candidate in candidates:
                if candidate.identity not in seen:
                    seen.add(candidate.identity)
                    record.note(retriever.name, tag, 1)
                    yield candidate


@dataclass(frozen=True, slots=True)
class FoundTags:
    """`tags` narrow to broad, until there are as many candidates as the limit says or `requests` are spent.

    What came with the last answer is kept, even beyond the limit, unless the limit `is_cap`. Where the source does not
    know the main thing of the phrase, what comes is its surroundings only, and all requests are spent. Each tag is
    asked for one page; what is left of the requests goes to second pages, again from the narrowest. A page counts as a
    request also where its answer is kept on this machine, so that a repeated search asks the same. A tag whose answer
    is not kept is passed over offline, at no cost. A source that fails after some have come is asked no further; they
    stay.
    """

    tags: "Sequence[DerivedTag]"
    requests: int = USUAL_REQUESTS
    is_cap: bool = False

    def candidates(self, retriever: Retriever, limit: int, filters: Filters, record: Record) -> Iterator[Candidate]:
        """The candidates of the tags, each found by the narrowest that has it."""
        name = retriever.name
        seen: set[tuple[str, str]] = set()
        unasked = deque(self.tags)
        begun: deque[tuple[DerivedTag, Iterator[Iterable[Candidate]]]] = deque()
        not_kept: AnswerNotKeptError | None = None
        spent = 0
        is_main_known = False
        while (unasked or begun) and spent < self.requests:
            if spent and len(seen) >= limit and (self.is_cap or is_main_known):
                return
            is_first = bool(unasked)
            if unasked:
                derived = unasked.popleft()
                if derived.instead_of and record.brought(name, derived.instead_of):
                    continue
                deepest = limit if self.is_cap else limit * self.requests
                tag, pages = derived, _pages(retriever, derived.tag, limit, deepest, filters)
            else:
                tag, pages = begun.popleft()
            try:
                page = next(pages, None)
                if page is None:
                    continue
                spent += 1
                record.note(name, tag.tag)
                for candidate in page:
                    if candidate.identity not in seen and (not self.is_cap or len(seen) < limit):
                        seen.add(candidate.identity)
                        is_main_known = is_main_known or tag.is_main
                        record.note(name, tag.tag, 1)
                        yield candidate
            except AnswerNotKeptError as error:
                if is_first:
                    not_kept = not_kept or error
                    record.note(name, tag.tag, problem="not kept on this machine")
                continue
            except RetrieverError as error:
                if not seen:
                    raise
                logger.warning("%s; going on with the %d pictures that came", error, len(seen))
                return
            begun.append((tag, pages))
        if not spent and not_kept is not None:
            raise not_kept


def _pages(retriever: Retriever, tag: str, limit: int, deepest: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
    """Page by page down to the `deepest` candidate where the retriever can; else up to `limit` of them as one page."""
    if isinstance(retriever, AnswersByPage):
        return retriever.pages(tag, limit=deepest, filters=filters)
    return iter([retriever.retrieve(tag, limit=limit, filters=filters)])
