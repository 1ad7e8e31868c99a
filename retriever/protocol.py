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

    A candidate's identity names the same picture for good: what was encoded of it is remembered under it. A retriever
    may be asked by several threads at once, and raises no errors but `RetrieverError`s, none of which shows a key; nor
    does its `repr`, nor what it logs. `retriever.testing.check_source` checks every promise made here.
    """

    @property
    def name(self) -> str:
        """The source's name, one printable word, as it stands in `Candidate.source` and in its profile."""
        ...

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        """Return an iterator of up to `limit` candidates for `tag`, each picture once, in the source's order.

        Nothing is sent before the first candidate is wanted, and no page is asked for before its candidates are. A tag
        that the source has no picture for finds nothing. Asked again, a source that has the same pictures offers them
        in the same order. Of `filters`, each is honoured, named by `KnowsItsFilters.unhonoured`, or refused.

        Raises `WrongParameterError` before anything is sent if `limit` is no whole number from 1, or if the tag has
        control characters in it or is empty (a source of files of this machine may offer them all then). Raises another
        `RetrieverError` if the source cannot be asked or does not answer.
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
        """The names of those of `filters.wishes()` that this source can neither be asked for nor be checked against.

        A retriever that is not asked this honours them all: a candidate whose own facts are against a wish is left out
        and, if the wish is about rights, so is one of whose licence nothing is known.
        """
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
    return getattr(retriever, "on_loopback", False) is True


def is_on_disk(retriever: object) -> bool:
    """Whether a retriever says that its pictures are files of this machine."""
    return getattr(retriever, "on_disk", False) is True


def profile_of(retriever: object) -> SourceProfile | None:
    """Who a retriever's source is and what it demands, its `profile`; None where it says nothing of that."""
    profile = getattr(retriever, "profile", None)
    return profile if isinstance(profile, SourceProfile) else None
