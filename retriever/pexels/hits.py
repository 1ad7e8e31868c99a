"""From a photo of Pexels' answer to a `Candidate`.

`alt` describes the photo in a sentence: it is the title. Pexels gives no tags, and words cut out of a sentence are
none, so a candidate has no tags. `avg_color` is the mean of all pixels, mostly some grey that nobody would call the
photo by: it is not taken for a dominant colour. The cropped files (`portrait`, `landscape`, `tiny`) are not the whole
picture and left out.
"""

from collections.abc import Mapping
from typing import Any

from phrasepix_core.candidate import Candidate, Rendition
from retriever.api.json_fields import UnusableHitError, object_of, pixels_of, text_of, url_of, usable_entry
from retriever.pexels.profile import PEXELS_LICENCE
from retriever.profile import SourceProfile

_UNBOUNDED = 1_000_000
_BOUNDS = {
    "small": (_UNBOUNDED, 130),
    "medium": (_UNBOUNDED, 350),
    "large": (940, 650),
    "large2x": (2 * 940, 2 * 650),
    "original": (_UNBOUNDED, _UNBOUNDED),
}
"""The width and height, in pixels, into which each file is fitted."""


def candidate_from_photo(photo: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate a photo describes. Raises `UnusableHitError`."""
    entry, identifier = usable_entry(photo)
    width, height = pixels_of(entry, "width"), pixels_of(entry, "height")
    if not (width and height):
        raise UnusableHitError("it has no size")
    creator = text_of(entry, "photographer")
    return Candidate(
        source=profile.name,
        id=identifier,
        page_url=url_of(entry, "url"),
        renditions=_renditions(object_of(entry, "src"), width, height),
        width=width,
        height=height,
        media_type="photo",
        tags=(),
        creator=creator,
        creator_url=url_of(entry, "photographer_url"),
        licence=profile.licence,
        licence_url=profile.licence_url,
        credit=profile.credit_of(creator),
        found_by=found_by,
        catalogue=catalogue,
        title=text_of(entry, "alt"),
        commercial_use=PEXELS_LICENCE.commercial,
        modification=PEXELS_LICENCE.modification,
        credit_owed=PEXELS_LICENCE.credit_owed,
    )


def _renditions(files: Mapping[str, Any], width: int, height: int) -> tuple[Rendition, ...]:
    found = []
    for name, (widest, tallest) in _BOUNDS.items():
        if url := url_of(files, name):
            scale = min(1.0, widest / width, tallest / height)
            found.append(Rendition(url, max(1, round(width * scale)), max(1, round(height * scale))))
    if not found:
        raise UnusableHitError("it has no picture URL")
    return tuple(sorted(found, key=lambda rendition: rendition.short_side))
