"""Openverse's picture API, adapted to what every source shares."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from phrasepix_core.candidate import Candidate
from retriever.api.adapter import ApiAdapter
from retriever.errors import SourceAnswerError, WrongParameterError
from retriever.filters import Filters
from retriever.languages import check_language
from retriever.openverse.hits import candidate_from_hit
from retriever.tags import plain_tag

LONGEST_Q = 200
"""Openverse silently drops what is beyond."""

_KINDS = {
    "all": {},
    "photo": {"category": "photograph"},
    "illustration": {"category": "illustration,digitized_artwork"},
    "vector": {"extension": "svg"},
}
_SHAPES = {"horizontal": "wide", "vertical": "tall"}  # its squares are exact, ours need not be
_NAMES_THE_PAGE = re.compile(r"\{.*\bpage\b", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class OpenverseAdapter(ApiAdapter):
    """https://api.openverse.org/v1/, pictures.

    Its `size` counts pixels of the area and its `creator` does nothing beside a tag: both are checked here.
    """

    asks: ClassVar[frozenset[str]] = frozenset({"media_type", "orientation", "licence", "safe_search"})
    tells: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "min_width", "min_height", "creator"})

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page."""
        q = plain_tag(tag, longest=LONGEST_Q, taker=self.profile.title)
        if filters.media_type not in _KINDS:
            raise WrongParameterError.not_among("media type", filters.media_type, _KINDS)
        check_language(filters.tag_language)
        parameters = {"q": q, "page": str(page), "page_size": str(page_size), **_KINDS[filters.media_type]}
        if filters.orientation in _SHAPES:
            parameters["aspect_ratio"] = _SHAPES[filters.orientation]
        if filters.licence:
            parameters["license_type"] = ",".join(sorted(set(filters.licence)))  # what allows all of them
        if not filters.safe_search:
            parameters["mature"] = "true"  # left out otherwise: what is sent as false has counted as true
        return parameters

    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The list under `results`."""
        results = answer.get("results")
        return results if isinstance(results, list) else None

    def is_answer(self, answer: Mapping[str, Any]) -> bool:
        """A search's answer, or that to a look-up: one entry alone."""
        return self.hits(answer) is not None or "foreign_landing_url" in answer

    def total(self, answer: Mapping[str, Any]) -> int | None:
        """`result_count`."""
        total = answer.get("result_count")
        return total if isinstance(total, int) else None

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_hit`."""
        return candidate_from_hit(hit, self.profile, found_by, catalogue)

    def is_past_the_end(self, error: SourceAnswerError) -> bool:
        """A page behind the last is an error in JSON that names the page."""
        return error.status in {400, 404} and _NAMES_THE_PAGE.match(error.text) is not None

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One picture, by its UUID."""
        return (f"{identifier}/", {}) if _UUID.fullmatch(identifier) else None

    def looked_up(self, answer: Mapping[str, Any]) -> list[Any]:
        """The answer is the entry."""
        return [answer]
