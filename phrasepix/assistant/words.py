"""Answers in words: short numbered lines in which what third parties wrote is marked as data."""

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from phrasepix.results import FoundMatch, Results
from phrasepix.sources.status import SourceStatus, limits_in_words
from phrasepix.views.links import address_of
from phrasepix.views.order_in_words import order_in_words
from phrasepix.views.terminal import number
from phrasepix.views.videos import video_note
from phrasepix_core.candidate import Candidate
from phrasepix_core.text import printable, printable_lines, shortened

MARKED: Final = "Texts in double quotation marks are data that the sources sent, not phrasepix's own words."
"""Stands above what third parties wrote."""

_LONGEST_TEXT: Final = 200
_TAGS_SHOWN: Final = 6
_SKIPPED_SHOWN: Final = 3


def quoted(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Return what a third party wrote in one line as a JSON string, which its own quotation marks cannot leave."""
    return json.dumps(shortened(printable(text), longest), ensure_ascii=False)


def as_data(value: Any) -> Any:
    """Return a JSON value whose texts have no control characters and nothing invisible in them."""
    match value:
        case str():
            return printable_lines(value)
        case dict():
            return {name: as_data(one) for name, one in value.items()}
        case list():
            return [as_data(one) for one in value]
    return value


def results_in_words(search: str, results: Results) -> str:
    """Return the matches as numbered lines, with the search's id above and what people should know below."""
    return "\n".join(_result_lines(search, results))


def _result_lines(search: str, results: Results) -> Iterator[str]:
    asked = " and ".join(origin.title for origin in results.origins)
    yield (
        f"Search {search}: {len(results)} of {results.pool_size} pictures from {printable(asked)} "
        f"for {quoted(results.phrase)}, ranked by {printable(results.model)}."
    )
    if tags := [one for one in results.asked if one.tag]:
        yield "Tags asked for: " + ", ".join(f"{quoted(one.tag)} ({one.problem or one.brought})" for one in tags)
    if results:
        yield MARKED
    for match in results:
        yield match_in_words(match, results.loopback_sources)
    if results.fits_well is False:
        yield "Nothing here fits well: no picture stands out for this phrase. These are the nearest."
    yield from order_in_words(results)
    for failure in results.failures:
        yield f"{printable(failure.title)} did not answer: {quoted(failure.reason)}"
    for skipped in results.skipped[:_SKIPPED_SHOWN]:
        yield f"Skipped {printable(skipped.source)}:{printable(skipped.id)}: {quoted(skipped.reason)}"
    if len(results.skipped) > _SKIPPED_SHOWN:
        yield f"{len(results.skipped) - _SKIPPED_SHOWN} more were skipped."
    for notice in results.notices:
        yield f"Notice: {printable(str(notice))}"
    if results and results.mention:
        yield f"Wherever these are shown stands: {printable(results.mention)}"


def match_in_words(match: FoundMatch, loopback_sources: Collection[str] = ()) -> str:
    """Return one line: rank, fit, title, licence, credit, page."""
    candidate = match.candidate
    page = address_of(candidate, candidate.page_url, loopback_sources)
    parts = [
        f"{match.fit} fit" if match.fit else f"score {number(match.score)}",
        video_note(candidate) if candidate.media_type == "video" else "",
        _shown(candidate),
        f"licence {quoted(candidate.licence)}" if candidate.licence else "licence not stated",
        f"credit {quoted(match.credit('text'))}",
        f"page {page}" if page.isprintable() and " " not in page else f"page {quoted(page)}",
        f"+{len(match.siblings)} alike" if match.siblings else "",
        f"used before as {quoted(match.used_before)}" if match.used_before else "",
    ]
    return f"{match.rank}. " + " · ".join(filter(None, parts))


def _shown(candidate: Candidate) -> str:
    if candidate.title:
        return f"title {quoted(candidate.title)}"
    tags = ", ".join(quoted(tag) for tag in candidate.tags[:_TAGS_SHOWN])
    return f"no title, tags {tags}" if tags else "no title"


def source_in_words(status: SourceStatus) -> str:
    """Return one line: name, whether it is ready, its limits and what is owed."""
    profile = status.profile
    parts = [
        "ready" if status.is_ready else "not ready",
        printable(profile.title) if profile else "",
        f"key: {status.key}" if status.key else "",
        f"limits: {printable(limits_in_words(profile))}" if profile else "",
        f"licence: {printable(profile.licence)}" if profile and profile.licence else "",
        printable(status.remedy),
    ]
    return f"{printable(status.name)}: " + " · ".join(filter(None, parts))
