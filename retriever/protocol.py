"""The seam of stage 1: whatever can turn a tag into candidates."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from retriever.candidate import Candidate
from retriever.filters import Filters


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
