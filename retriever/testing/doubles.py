"""A double for stage 1's seam, for people who build on it: no network, no key."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from phrasepix_core.candidate import Candidate
from retriever.filtering import CHECKS, RightsFilter
from retriever.filters import NO_FILTERS, Filters
from retriever.tags import demand_limit, demand_tag, without_controls


class ListRetriever:
    """Offers the candidates it was given whose tags include the tag asked for, in their order."""

    def __init__(self, candidates: Iterable[Candidate], name: str = "list") -> None:
        self.name = name
        self._candidates = tuple(candidates)

    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = NO_FILTERS) -> Iterator[Candidate]:
        """Yield up to `limit` candidates tagged `tag` of which nothing known is against the filters.

        Each comes once, with `tag` as what it was found by. Raises `WrongParameterError`.
        """
        demand_limit(limit)
        demand_tag(tag)
        return islice(self._offered(without_controls(tag), filters), limit)

    def _offered(self, tag: str, filters: Filters) -> Iterator[Candidate]:
        wanted = RightsFilter(self.name, asked=CHECKS, told=())
        seen: set[tuple[str, str]] = set()
        for candidate in self._candidates:
            if tag in candidate.tags and candidate.identity not in seen and wanted.fits(candidate, filters):
                seen.add(candidate.identity)
                yield candidate if candidate.found_by == tag else replace(candidate, found_by=tag)

    def unhonoured(self, filters: Filters) -> frozenset[str]:
        """The names of the filters that nothing a candidate says of itself can answer."""
        return filters.wishes() - CHECKS.keys()
