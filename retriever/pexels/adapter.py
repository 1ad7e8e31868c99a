"""Pexels' photo API, adapted to what every source shares."""

from collections.abc import Mapping
from typing import Any, ClassVar

from phrasepix_core.candidate import Candidate
from retriever.api.adapter import ApiAdapter
from retriever.api_key import KeyPlace, in_header
from retriever.errors import SourceAnswerError, WrongParameterError
from retriever.filters import Filters
from retriever.pexels.hits import candidate_from_photo
from retriever.tags import plain_tag

MEDIA_TYPES = ("all", "photo")
ORIENTATIONS = {"horizontal": "landscape", "vertical": "portrait", "square": "square"}
# fmt: off
COLOURS = {
    "red": "red", "orange": "orange", "yellow": "yellow", "green": "green", "turquoise": "turquoise", "blue": "blue",
    "lilac": "violet", "pink": "pink", "brown": "brown", "black": "black", "gray": "gray", "white": "white",
}
LOCALES = {
    "en": "en-US", "pt": "pt-BR", "es": "es-ES", "ca": "ca-ES", "de": "de-DE", "it": "it-IT", "fr": "fr-FR",
    "sv": "sv-SE", "id": "id-ID", "pl": "pl-PL", "ja": "ja-JP", "zh": "zh-CN", "ko": "ko-KR", "th": "th-TH",
    "nl": "nl-NL", "hu": "hu-HU", "vi": "vi-VN", "cs": "cs-CZ", "da": "da-DK", "fi": "fi-FI", "uk": "uk-UA",
    "el": "el-GR", "ro": "ro-RO", "no": "nb-NO", "sk": "sk-SK", "tr": "tr-TR", "ru": "ru-RU",
}
# fmt: on
SIZES = (("large", 24_000_000), ("medium", 12_000_000), ("small", 4_000_000))
"""The least pixels in all that a photo of each `size` has."""


class PexelsAdapter(ApiAdapter):
    """https://www.pexels.com/api/documentation/, photos."""

    asks: ClassVar[frozenset[str]] = frozenset({"orientation", "colours"})
    tells: ClassVar[frozenset[str]] = frozenset(
        {"media_type", "orientation", "aspect_ratio", "min_width", "min_height", "licence", "creator"}
    )

    @property
    def key_place(self) -> KeyPlace:
        """The header `Authorization`, which is the key alone."""
        return in_header("Authorization")

    def asked(self, filters: Filters) -> frozenset[str]:
        """One colour can be asked for, and not each has a word."""
        return self.asks if _colour(filters) else self.asks - {"colours"}

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page. `size` only spares what would be too small anyway."""
        if filters.media_type not in MEDIA_TYPES:
            raise WrongParameterError.not_among("media type", filters.media_type, MEDIA_TYPES)
        language = filters.language_among(LOCALES)
        parameters = {
            "query": plain_tag(tag),
            "locale": LOCALES[language],
            "orientation": ORIENTATIONS.get(filters.orientation, ""),
            "size": _size(filters),
            "color": _colour(filters),
            "page": str(page),
            "per_page": str(page_size),
        }
        return {name: value for name, value in parameters.items() if value}

    def search_path(self) -> str:
        """Beside the look-up of one photo."""
        return "search"

    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The list under `photos`."""
        photos = answer.get("photos")
        return photos if isinstance(photos, list) else None

    def total(self, answer: Mapping[str, Any]) -> int | None:
        """`total_results`."""
        total = answer.get("total_results")
        return total if isinstance(total, int) else None

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_photo`."""
        return candidate_from_photo(hit, self.profile, found_by, catalogue)

    def is_answer(self, answer: Mapping[str, Any]) -> bool:
        """A page of photos, or the one that was looked up."""
        return self.hits(answer) is not None or _is_photo(answer)

    def refuses_key(self, error: SourceAnswerError) -> bool:
        """A 401, or a 403 that names the API; another 403 is of whoever guards the site, a key cannot help it."""
        return error.status == 401 or (error.status == 403 and "this api" in error.text.lower())

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One photo, by its number."""
        return (f"photos/{identifier}", {}) if identifier.isascii() and identifier.isdecimal() else None

    def looked_up(self, answer: Mapping[str, Any]) -> list[Any]:
        """The answer is the photo."""
        return [answer] if _is_photo(answer) else []


def _is_photo(answer: Mapping[str, Any]) -> bool:
    return "src" in answer and "id" in answer


def _colour(filters: Filters) -> str:
    return COLOURS.get(filters.colours[0], "") if len(filters.colours) == 1 else ""


def _size(filters: Filters) -> str:
    """The largest size that all photos have which reach both sides."""
    at_least = max(1, filters.min_width) * max(1, filters.min_height)
    return next((size for size, pixels in SIZES if at_least >= pixels), "")
