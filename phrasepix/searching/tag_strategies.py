"""Strategies of asking a source: for each given tag, or for tags found in the phrase until there are enough."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeVar

from phrasepix.request import USUAL_REQUESTS
from phrasepix.results import AskedTag
from phrasepix_core.candidate import Candidate
from phrasepix_core.identities import Identities
from retriever.errors import AnswerNotKeptError, RetrieverError
from retriever.filters import Filters
from retriever.protocol import AnswersByPage, Page, Retriever
from retriever.source import Notify, log_notice

if TYPE_CHECKING:  # brings stop words and dictionaries: whoever gives a tag does without
    from phrasepix.tags import DerivedTag

Item = TypeVar("Item")

_UNTOLD = 4
"""How many times as many pictures as came a source is taken to have that has more and does not say how many."""


class TagLog:
    """Which tags were asked and what each brought; written by the threads that ask, read by others."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], tuple[int, str]] = {}
        self._lock = threading.Lock()

    def note(self, source: str, tag: str, brought: int = 0, problem: str = "") -> None:
        """The tag was asked, and `brought` so many more."""
        if not tag:  # a folder, looked through as a whole
            return
        with self._lock:
            before, _ = self._asked.get((source, tag), (0, ""))
            self._asked[source, tag] = before + brought, problem

    def brought(self, source: str, tag: str) -> int:
        """How many it brought so far."""
        with self._lock:
            return self._asked.get((source, tag), (0, ""))[0]

    def so_far(self) -> tuple[AskedTag, ...]:
        """All that was asked, each source's tags in their order."""
        with self._lock:
            return tuple(AskedTag(*question, *answer) for question, answer in self._asked.items())


class LastChunk(list[Item]):
    """What comes last of a source: whoever reads on waits for nobody."""


class TagStrategy(Protocol):
    """A way to ask."""

    def chunks(
        self, retriever: Retriever, limit: int, filters: Filters, record: TagLog
    ) -> Iterator[Sequence[Candidate]]:
        """The candidates, each once, lazily, as many at a time as come together; `record` is told what is asked.

        They may say which chunk is a `LastChunk`.

        Raises a `RetrieverError` where the source cannot be asked or does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedTags:
    """All of `tags`, up to the limit of each."""

    tags: Sequence[str]

    def chunks(
        self, retriever: Retriever, limit: int, filters: Filters, record: TagLog
    ) -> Iterator[Sequence[Candidate]]:
        """The candidates of each tag in turn."""
        seen = Identities()
        for tag in self.tags:
            pages = _as_they_come(retriever, tag, limit, filters)
            record.note(retriever.name, tag)
            offered = 0
            for page in pages:
                chunk = page.candidates
                if len(self.tags) == 1:  # what a retriever gives twice for one tag is the pool's to tell
                    new: Sequence[Candidate] = chunk
                else:
                    new = [candidate for candidate in chunk if candidate not in seen]
                    for candidate in new:
                        seen.add(candidate)
                record.note(retriever.name, tag, len(new))
                offered += len(chunk)
                is_last = tag is self.tags[-1] and (page.is_last or offered >= limit)
                yield LastChunk(new) if is_last else new


@dataclass(frozen=True, slots=True)
class TagsFromPhrase:
    """Those of `tags`, alone and together, that `QuestionPlanner` finds worth asking, in at most `requests`.

    Once there are as many candidates as the limit says, only what is worth it is asked. What came with the last answer
    is kept, even beyond the limit, unless the limit `is_cap`: then an answer of which the source has more gives its
    share of the limit first, and its rest only if nothing narrower fills it. A page counts as a request also if its
    answer is kept on this machine, so that a repeated search asks the same. A question whose answer is not kept is
    passed over offline, at no cost. A source that fails after some have come is asked no further; they stay, and
    `notify` is told.
    """

    tags: "Sequence[DerivedTag]"
    requests: int = USUAL_REQUESTS
    is_cap: bool = False
    notify: Notify = log_notice

    def chunks(
        self, retriever: Retriever, limit: int, filters: Filters, record: TagLog
    ) -> Iterator[Sequence[Candidate]]:
        """The candidates, each found by the first question that brought it."""
        from phrasepix.tags.planner import QuestionPlanner

        name = retriever.name
        seen = Identities()
        kept_back: list[tuple[str, list[Candidate]]] = []
        planner = QuestionPlanner(self.tags, limit)
        begun: dict[tuple[str, ...], Iterator[Iterable[Candidate]]] = {}
        not_kept: AnswerNotKeptError | None = None
        deepest = limit if self.is_cap else limit * self.requests
        spent = 0

        def new(tag: str, candidates: Iterable[Candidate]) -> Sequence[Candidate]:
            found = []
            for candidate in candidates:
                if candidate not in seen and (not self.is_cap or len(seen) < limit):
                    seen.add(candidate)
                    found.append(candidate)
            record.note(name, tag, len(found))
            return found

        while spent < self.requests and not (self.is_cap and len(seen) >= limit):
            question = planner.next_question(is_enough=len(seen) >= limit)
            if question is None:
                break
            tag = question.text
            try:
                if not question.is_continued:
                    begun[question.tags] = _pages(retriever, tag, limit, deepest, filters)
                answer = next(begun[question.tags], None)
                if answer is None:
                    planner.pass_over(question)
                    continue
                spent += 1
                record.note(name, tag)
                page = _as_page(answer, limit)
                planner.learn(question, page.offered, _total_of(page), may_continue=not page.is_last)
                first = page.candidates
                if self.is_cap and _total_of(page) > page.offered:
                    share = -(-limit // self.requests)
                    first = page.candidates[:share]
                    kept_back.append((tag, list(page.candidates[share:])))
                yield new(tag, first)
            except AnswerNotKeptError as error:
                planner.pass_over(question)
                if not question.is_continued:
                    not_kept = not_kept or error
                    record.note(name, tag, problem="not kept on this machine")
            except RetrieverError as error:
                if not seen:
                    raise
                self.notify(f"{error}; going on with the {len(seen)} pictures that came")
                return
        for tag, candidates in reversed(kept_back):
            yield new(tag, candidates)
        if not spent and not_kept is not None:
            raise not_kept


def _as_they_come(retriever: Retriever, tag: str, limit: int, filters: Filters) -> Iterator[Page]:
    """What `retrieve` yields: a page at a time where a retriever answers by whole pages, else one by one."""
    if not isinstance(retriever, AnswersByPage):
        return (Page([candidate], 1) for candidate in retriever.retrieve(tag, limit=limit, filters=filters))
    pages = retriever.pages(tag, limit=limit, filters=filters)
    return chain.from_iterable(
        [page] if isinstance(page, Page) else (Page([candidate], 1) for candidate in page) for page in pages
    )


def _pages(retriever: Retriever, tag: str, limit: int, deepest: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
    """Page by page down to the `deepest` candidate where the retriever can; else up to `limit` of them as one page."""
    if isinstance(retriever, AnswersByPage):
        return retriever.pages(tag, limit=deepest, filters=filters)
    return iter([retriever.retrieve(tag, limit=limit, filters=filters)])


def _as_page(answer: Iterable[Candidate], limit: int) -> Page:
    """The answer as a `Page`; a retriever that yields mere candidates may have more if the answer is full."""
    if isinstance(answer, Page):
        return answer
    candidates = list(answer)
    return Page(candidates, len(candidates), is_last=len(candidates) < limit)


def _total_of(page: Page) -> int:
    """How many pictures the source has for the question, as far as it says."""
    if page.total is not None:
        return max(page.total, page.offered)
    return page.offered if page.is_last else page.offered * _UNTOLD
