"""Pixabay's picture API in the words every source shares."""

from collections.abc import Mapping
from typing import Any, ClassVar

from retriever.api_dialect import ApiDialect
from retriever.candidate import Candidate
from retriever.errors import SourceAnswerError
from retriever.filters import Filters
from retriever.pixabay.hits import candidate_from_hit
from retriever.pixabay.request import PER_PAGE, PixabayRequest


class PixabayDialect(ApiDialect):
    """https://pixabay.com/api/docs/, pictures."""

    asks: ClassVar[frozenset[str]] = frozenset(
        {
            "media_type", "orientation", "min_width", "min_height", "colours", "safe_search", "category",
            "editors_choice",
        }
    )  # fmt: skip
    tells: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "licence", "creator", "exclude_ai"})
    smallest_page: ClassVar[int] = PER_PAGE.start

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page; see `PixabayRequest`."""
        return PixabayRequest.of(tag, filters, page=page, per_page=page_size).parameters()

    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The list under `hits`."""
        hits = answer.get("hits")
        return hits if isinstance(hits, list) else None

    def total(self, answer: Mapping[str, Any]) -> int | None:
        """`totalHits`: what can be reached of all matches."""
        total = answer.get("totalHits")
        return total if isinstance(total, int) else None

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_hit`."""
        return candidate_from_hit(hit, self.profile, found_by, catalogue)

    def is_past_the_end(self, error: SourceAnswerError) -> bool:
        """A page beyond the 500 pictures is an error 400 in plain text."""
        return error.status == 400 and "out of valid range" in error.text

    def refuses_key(self, error: SourceAnswerError) -> bool:
        """A bad key is an error 400, not a 401."""
        return error.status in {400, 401, 403} and "API key" in error.text

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One picture, by its number."""
        if not identifier.isdecimal():
            return None
        return "", PixabayRequest(id=int(identifier), image_type="all", per_page=PER_PAGE.start).parameters()
