"""Wikimedia Commons' API (MediaWiki's, with CirrusSearch), adapted to what every source shares."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from phrasepix_core.candidate import Candidate
from retriever.api.adapter import ApiAdapter
from retriever.api.json_fields import identifier_of, text_of
from retriever.commons.hits import METADATA, THUMBNAIL_WIDTH, candidate_from_page
from retriever.errors import RetrieverError, SourceAnswerError, WrongParameterError
from retriever.filters import Filters
from retriever.languages import check_language
from retriever.tags import without_controls

LONGEST_SEARCH = 300
LONGEST_LAG_S = 5
"""How far the servers may lag behind before a request is put off; what Wikimedia asks programs to send."""

_KINDS = {
    "all": "filetype:bitmap|drawing",
    "photo": "filetype:bitmap -filemime:png -filemime:gif",
    "illustration": "filetype:bitmap -filemime:jpeg -filemime:tiff -filemime:webp",
    "vector": "filetype:drawing",
}
_OPERATORS = re.compile(r"""["~!*?\\:|()\[\]{}<>=]|(?<!\w)-""")
_BUSY = frozenset({"maxlag", "ratelimited", "cirrussearch-too-busy-error", "readonly"})


class CommonsAdapter(ApiAdapter):
    """https://www.mediawiki.org/wiki/API:Imageinfo of the files that a search finds.

    Commons does not say what is a photo: JPEG, TIFF and WebP count as photos, PNG and GIF as illustrations, SVG as
    vectors. Sound, video, documents and what else is no picture are not asked for.
    """

    asks: ClassVar[frozenset[str]] = frozenset({"media_type", "min_width", "min_height"})
    tells: ClassVar[frozenset[str]] = frozenset({"orientation", "aspect_ratio", "licence", "since", "until", "creator"})

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page."""
        if filters.media_type not in _KINDS:
            raise WrongParameterError.not_among("media type", filters.media_type, _KINDS)
        check_language(filters.tag_language)
        words = without_controls(_OPERATORS.sub(" ", tag))  # a tag is words, none of them an order to the search
        if not words:
            raise WrongParameterError(f"the tag {tag!r} has no word in it; give the main noun of what you look for")
        search = [words, _KINDS[filters.media_type]]
        search += [f"filew:>{filters.min_width}"] if filters.min_width else []  # it reads > as at least
        search += [f"fileh:>{filters.min_height}"] if filters.min_height else []
        gsrsearch = " ".join(search)
        if len(gsrsearch) > LONGEST_SEARCH:
            room = LONGEST_SEARCH - len(gsrsearch) + len(words)
            raise WrongParameterError(
                f"the tag has {len(words)} characters and Wikimedia Commons takes at most {room} under these filters; "
                "a tag is one or two nouns, the sentence belongs in the phrase"
            )
        return {
            **_ABOUT_PICTURES,
            "iiextmetadatalanguage": filters.tag_language,
            "generator": "search",
            "gsrnamespace": "6",
            "gsrsearch": gsrsearch,
            "gsrsort": "create_timestamp_desc" if filters.order == "latest" else "relevance",
            "gsrlimit": str(page_size),
            "gsroffset": str((page - 1) * page_size),
        }

    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The pages of the files, in the search's order; an answer that nothing was found has none."""
        query = answer.get("query")
        if query is None and "batchcomplete" in answer and "error" not in answer:
            return []
        pages = query.get("pages") if isinstance(query, Mapping) else None
        return sorted(pages, key=_place) if isinstance(pages, list) else None

    def total(self, answer: Mapping[str, Any]) -> int | None:
        """It does not say."""
        return None

    def is_last(self, answer: Mapping[str, Any]) -> bool:
        """Where there is more, it says how to go on."""
        return not answer.get("continue")

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_page`."""
        return candidate_from_page(hit, self.profile, found_by, catalogue)

    def identifier(self, hit: Any) -> str:
        """The number of the file's page."""
        return identifier_of(hit, "pageid") or "?"

    def asks_for_patience(self, answer: Mapping[str, Any]) -> str:
        """Servers that lag or are busy say so with status 200."""
        code, words = _error(answer)
        return words if code in _BUSY else ""

    def complaint(self, answer: Mapping[str, Any]) -> RetrieverError | None:
        """Errors come with status 200 too."""
        _, words = _error(answer)
        if not words:
            return None
        return SourceAnswerError(f"{self.profile.title} answered with an error: {words}", status=200, text=words)

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One file, by the number of its page."""
        return ("", {**_ABOUT_PICTURES, "pageids": identifier}) if re.fullmatch(r"[0-9]{1,18}", identifier) else None

    def looked_up(self, answer: Mapping[str, Any]) -> list[Any]:
        """The page, unless it is gone."""
        return [page for page in self.hits(answer) or [] if not (isinstance(page, Mapping) and page.get("missing"))]


_ABOUT_PICTURES = {
    "action": "query",
    "format": "json",
    "formatversion": "2",
    "maxlag": str(LONGEST_LAG_S),
    "prop": "imageinfo",
    "iiprop": "url|size|mime|timestamp|extmetadata",
    "iiextmetadatafilter": "|".join(METADATA),
    "iiurlwidth": str(THUMBNAIL_WIDTH),
}


def _place(page: object) -> float:
    index = page.get("index") if isinstance(page, Mapping) else None
    return index if isinstance(index, int) else float("inf")


def _error(answer: Mapping[str, Any]) -> tuple[str, str]:
    """An error's code, and code and text for people; both empty where there is none."""
    error = answer.get("error")
    if not isinstance(error, Mapping):
        return "", ""
    code = text_of(error, "code") or "without a code"
    return code, f"{code}: {text_of(error, 'info')[:200] or 'no text'}"
