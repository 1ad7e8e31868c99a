"""A double for stage 1's seam, for people who build on it: no network, no key."""

from collections.abc import Iterable, Iterator

from phrasepix_core.candidate import Candidate
from retriever.filtering import CHECKS, fits
from retriever.filters import NO_FILTERS, Filters


class ListRetriever:
    """Offers the candidates it was given whose tags include the tag asked for, in their order."""

    def __init__(self, candidates: Iterable[Candidate], name: str = "list") -> None:
        self.name = name
        self._candidates = tuple(candidates)

    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = NO_FILTERS) -> Iterator[Candidate]:
        """Yield up to `limit` candidates tagged `tag` of which nothing known is against the filters."""
        offered = 0
        for candidate in self._candidates:
            if offered == limit:
                return
            if tag in candidate.tags and fits(candidate, filters, asked=CHECKS, told=()):
                offered += 1
                yield candidate
