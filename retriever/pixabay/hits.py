"""From a hit of Pixabay's answer to a `Candidate`.

Recorded answers of several years differ: keys come in any order, go missing and are added; tags repeat;
a flag can be the integer 0; `type` can be `vector/svg`. Only what makes a picture usable is demanded.
"""

import re
from collections.abc import Mapping
from typing import Any

from retriever.answer_fields import flag_of, identifier_of, pixels_of, printable, text_of, url_of
from retriever.api_dialect import UnusableHitError
from retriever.candidate import Candidate, Rendition
from retriever.profile import SourceProfile

_HEIGHTS_DERIVED = (180, 340)
_LARGE_LONG_SIDE = 1280
_WEBFORMAT_SIZE = re.compile(r"_640(?=\.\w+$)")


def candidate_from_hit(hit: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate a hit describes. Raises `UnusableHitError`."""
    if not isinstance(hit, Mapping):
        raise UnusableHitError("it is not an object")
    if not (identifier := identifier_of(hit)):
        raise UnusableHitError("it has no id")
    renditions = _renditions(hit)
    largest = renditions[-1]
    creator = text_of(hit, "user")
    return Candidate(
        source=profile.name,
        id=identifier,
        page_url=url_of(hit, "pageURL"),
        renditions=renditions,
        width=pixels_of(hit, "imageWidth") or largest.width,
        height=pixels_of(hit, "imageHeight") or largest.height,
        media_type=text_of(hit, "type").partition("/")[0] or "photo",
        tags=_tags(hit.get("tags")),
        creator=creator,
        creator_url=url_of(hit, "userURL") or _creator_url(hit, creator, profile),
        licence=profile.licence,
        licence_url=profile.licence_url,
        credit=profile.credit.format(creator=creator or "an unnamed creator"),
        found_by=found_by,
        catalogue=catalogue,
        commercial_use=True,
        modification=True,
        credit_owed=False,
        ai_generated=flag_of(hit, "isAiGenerated"),
        no_ai_training=flag_of(hit, "noAiTraining"),
        g_rated=flag_of(hit, "isGRated"),
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


def _creator_url(hit: Mapping[str, Any], creator: str, profile: SourceProfile) -> str:
    """Answers before 2024 have no `userURL`; https://pixabay.com/api/docs/ says how it is made."""
    user_id = hit.get("user_id")
    if not creator or isinstance(user_id, bool) or not isinstance(user_id, int):
        return ""
    return f"{profile.home_url}users/{creator}-{user_id}/" if re.fullmatch(r"[\w.-]+", creator) else ""


def _tags(tags: object) -> tuple[str, ...]:
    """One comma-separated string, with repeats; newer clients may meet a list."""
    words = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else []
    shown = (printable(word) for word in words if isinstance(word, str))
    return tuple(dict.fromkeys(word for word in shown if word))
