"""Unsplash's photo API, adapted to what every source shares."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

from phrasepix_core.candidate import Candidate, Rendition
from retriever.api.adapter import ApiAdapter
from retriever.api.json_fields import url_of
from retriever.api_key import KeyPlace, in_header
from retriever.errors import SourceAnswerError, WrongParameterError
from retriever.filters import Filters
from retriever.languages import check_language
from retriever.tags import plain_tag
from retriever.unsplash.hits import candidate_from_photo

MEDIA_TYPES = ("all", "photo")
ORIENTATIONS = {"horizontal": "landscape", "vertical": "portrait", "square": "squarish"}
# fmt: off
COLOURS = {
    "grayscale": "black_and_white", "black": "black", "white": "white", "yellow": "yellow", "orange": "orange",
    "red": "red", "lilac": "purple", "pink": "magenta", "green": "green", "turquoise": "teal", "blue": "blue",
}
# fmt: on
ORDERS = {"popular": "relevant", "latest": "latest"}

_IDENTIFIER = re.compile(r"[\w-]+", re.ASCII)
_DOWNLOAD_PATH = re.compile(r"photos/[\w-]+/download$", re.ASCII)
_SPENT = re.compile(r"rate ?limit", re.IGNORECASE)
_KEY_REFUSED = re.compile(r"oauth|access token", re.IGNORECASE)


class UnsplashAdapter(ApiAdapter):
    """https://unsplash.com/documentation, photos."""

    asks: ClassVar[frozenset[str]] = frozenset({"orientation", "colours", "safe_search"})
    tells: ClassVar[frozenset[str]] = frozenset(
        {
            "media_type", "orientation", "aspect_ratio", "min_width", "min_height", "licence", "since", "until",
            "creator",
        }
    )  # fmt: skip

    @property
    def key_place(self) -> KeyPlace:
        """The header `Authorization`."""
        return in_header("Authorization", "Client-ID ")

    def asked(self, filters: Filters) -> frozenset[str]:
        """One colour can be asked for, and not each has a word."""
        return self.asks if _colour(filters) else self.asks - {"colours"}

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page."""
        if filters.media_type not in MEDIA_TYPES:
            raise WrongParameterError.not_among("media type", filters.media_type, MEDIA_TYPES)
        check_language(filters.tag_language)
        parameters = {
            "query": plain_tag(tag),
            "lang": filters.tag_language,
            "orientation": ORIENTATIONS.get(filters.orientation, ""),
            "color": _colour(filters),
            "content_filter": "high" if filters.safe_search else "low",
            "order_by": ORDERS[filters.order],
            "page": str(page),
            "per_page": str(page_size),
        }
        return {name: value for name, value in parameters.items() if value}

    def search_path(self) -> str:
        """Beside the look-up of one photo."""
        return "search/photos"

    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The list under `results`."""
        results = answer.get("results")
        return results if isinstance(results, list) else None

    def total(self, answer: Mapping[str, Any]) -> int | None:
        """`total`."""
        total = answer.get("total")
        return total if isinstance(total, int) else None

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_photo`."""
        return candidate_from_photo(hit, self.profile, found_by, catalogue)

    def is_answer(self, answer: Mapping[str, Any]) -> bool:
        """A page of photos, or the one that was looked up; never what a download led to."""
        return self.hits(answer) is not None or _is_photo(answer)

    def is_spent(self, status: int, text: str) -> bool:
        """A 429, or a 403 that says so in plain text."""
        return status == 429 or (status == 403 and _SPENT.search(text) is not None)

    def refuses_key(self, error: SourceAnswerError) -> bool:
        """A 401, or a 403 that speaks of the key."""
        return error.status == 401 or (error.status == 403 and _KEY_REFUSED.search(error.text) is not None)

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One photo, by its id."""
        return (f"photos/{identifier}", {}) if _IDENTIFIER.fullmatch(identifier) else None

    def looked_up(self, answer: Mapping[str, Any]) -> list[Any]:
        """The answer is the photo."""
        return [answer] if _is_photo(answer) else []

    def download(self, candidate: Candidate) -> tuple[str, Mapping[str, str]] | None:
        """The photo's `download_location`, below the address that is asked: the key goes nowhere else."""
        given = urlsplit(candidate.download_location)
        path = _DOWNLOAD_PATH.search(given.path)
        if path is None:
            return f"photos/{quote(candidate.id, safe='')}/download", {}
        return path[0], dict(parse_qsl(given.query))

    def downloaded(self, answer: Mapping[str, Any], largest: Rendition) -> Rendition:
        """The file at the answer's `url`. Raises `SourceAnswerError` where it has none."""
        if url := url_of(answer, "url"):
            return replace(largest, url=url)
        raise SourceAnswerError(
            f"{self.profile.title} was told of the download and names no file; try again later",
            status=200,
            text=str(answer)[:200],
        )


def _is_photo(answer: Mapping[str, Any]) -> bool:
    return "urls" in answer and "id" in answer


def _colour(filters: Filters) -> str:
    return COLOURS.get(filters.colours[0], "") if len(filters.colours) == 1 else ""
