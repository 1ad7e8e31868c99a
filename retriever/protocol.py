"""The seam of stage 1: whatever can turn a tag into candidates, and what it may say of itself beyond that."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from phrasepix_core.candidate import Candidate, Rendition
from retriever.filters import Filters
from retriever.profile import SourceProfile


@runtime_checkable
class Retriever(Protocol):
    """A source of candidate pictures.

    A candidate's id names the same picture for good: what was encoded of it is remembered under source and id.
    """

    @property
    def name(self) -> str:
        """The source's name, as it stands in `Candidate.source`."""
        ...

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        """Yield up to `limit` candidates for `tag`, lazily, page by page, each picture once.

        Raises a `RetrieverError` where the source cannot be asked or does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer brought: its `candidates`, maybe none; iterating it yields them.

    `offered` counts the pictures in the answer, those that a filter left out among them. `total` is how many the source
    has for the question, if it says so; after one that `is_last` there are no more.
    """

    candidates: Sequence[Candidate]
    offered: int
    total: int | None = None
    is_last: bool = False

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)


@runtime_checkable
class AnswersByPage(Protocol):
    """A retriever that can be asked for one page at a time, so that requests can be counted."""

    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        """What `retrieve` yields, one request at a time: each item is what one answer brought, maybe nothing.

        An item that is a `Page` says in addition how many pictures there are; tags found in a phrase are planned by it.

        Raises what `retrieve` raises.
        """
        ...


@runtime_checkable
class KnowsItsFilters(Protocol):
    """A retriever that says which filters it passes over."""

    def unhonoured(self, filters: Filters) -> frozenset[str]:
        """The names of the filters that this source can neither be asked for nor be checked against."""
        ...


@runtime_checkable
class Downloads(Protocol):
    """A retriever whose pictures may be saved."""

    def file_to_save(self, candidate: Candidate) -> Rendition:
        """The largest file that may be had, by a fresh address; does what the source demands at a download.

        Raises a `RetrieverError` where the source does not answer or no longer has the picture.
        """
        ...


@runtime_checkable
class OnLoopback(Protocol):
    """A retriever that says whether its pictures may come from a server on this machine."""

    @property
    def on_loopback(self) -> bool:
        """Whether they may."""
        ...


@runtime_checkable
class OnDisk(Protocol):
    """A retriever that says whether its pictures are files of this machine."""

    @property
    def on_disk(self) -> bool:
        """Whether they are: then, and only then, their `file:` URLs are read."""
        ...


def is_on_loopback(retriever: object) -> bool:
    """Whether a retriever says that its pictures may come from a server on this machine."""
    return isinstance(retriever, OnLoopback) and retriever.on_loopback is True


def is_on_disk(retriever: object) -> bool:
    """Whether a retriever says that its pictures are files of this machine."""
    return isinstance(retriever, OnDisk) and retriever.on_disk is True


def profile_of(retriever: object) -> SourceProfile | None:
    """Who a retriever's source is and what it demands, its `profile`; None where it says nothing of that."""
    profile = getattr(retriever, "profile", None)
    return profile if isinstance(profile, SourceProfile) else None
