"""From a picture's hit to a `Candidate`. Only what makes a picture usable is demanded."""

import re
from collections.abc import Mapping
from typing import Any

from phrasepix_core.candidate import Candidate, Rendition
from retriever.api.json_fields import UnusableHitError, pixels_of, text_of, url_of, usable_entry
from retriever.pixabay.facts import day_in, described
from retriever.profile import SourceProfile

_HEIGHTS_DERIVED = (180, 340)
_LARGE_LONG_SIDE = 1280
_WEBFORMAT_SIZE = re.compile(r"_640(?=\.\w+$)")


def candidate_from_hit(hit: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate a hit describes. Raises `UnusableHitError`."""
    facts, identifier = usable_entry(hit)
    renditions = _renditions(facts)
    largest = renditions[-1]
    return described(
        facts,
        profile,
        found_by,
        catalogue,
        identifier=identifier,
        renditions=renditions,
        size=(pixels_of(facts, "imageWidth") or largest.width, pixels_of(facts, "imageHeight") or largest.height),
        media_type=text_of(facts, "type").partition("/")[0] or "photo",  # can be vector/svg
        uploaded_on=day_in(url_of(facts, "previewURL")),
    )


def _renditions(hit: Mapping[str, Any]) -> tuple[Rendition, ...]:
    found = []
    if preview := url_of(hit, "previewURL"):
        found.append(_sized(hit, preview, "preview", 150))
    if webformat := url_of(hit, "webformatURL"):
        given = _sized(hit, webformat, "webformat", 640)
        found += _derived(given)
        found.append(given)
    if large := url_of(hit, "largeImageURL"):
        found.append(_large(hit, large))
    if not found:
        raise UnusableHitError("it has no picture URL")
    return tuple(sorted(found, key=lambda rendition: (rendition.short_side, rendition.as_given)))


def _sized(hit: Mapping[str, Any], url: str, prefix: str, long_side: int) -> Rendition:
    width, height = pixels_of(hit, f"{prefix}Width"), pixels_of(hit, f"{prefix}Height")
    if not (width and height):
        width, height = _fitted(hit, long_side)
    return Rendition(url, width, height)


def _large(hit: Mapping[str, Any], url: str) -> Rendition:
    return Rendition(url, *_fitted(hit, _LARGE_LONG_SIDE))


def _fitted(hit: Mapping[str, Any], long_side: int) -> tuple[int, int]:
    """The original's size brought to `long_side`; a square of it where the original's is not known."""
    width, height = pixels_of(hit, "imageWidth") or long_side, pixels_of(hit, "imageHeight") or long_side
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _derived(given: Rendition) -> list[Rendition]:
    """The documented smaller files of a webformat URL: `_640` replaced by the height in pixels."""
    if not _WEBFORMAT_SIZE.search(given.url):
        return []
    return [
        Rendition(
            _WEBFORMAT_SIZE.sub(f"_{height}", given.url),
            max(1, round(given.width * height / given.height)),
            height,
            as_given=False,
        )
        for height in _HEIGHTS_DERIVED
        if height < given.height
    ]
