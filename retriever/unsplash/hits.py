"""From a photo of Unsplash's answer to a `Candidate`.

Its own caption (`description`) is the title, or else the machine's (`alt_description`). `color` is one hexadecimal
value for a placeholder: it is not taken for a name. A photo of Unsplash+ has another licence, and its files a
watermark: it is left out.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from phrasepix_core.candidate import Candidate, Rendition
from retriever.api.json_fields import (
    UnusableHitError,
    day_of,
    object_of,
    pixels_of,
    text_of,
    url_of,
    usable_entry,
    words_of,
)
from retriever.profile import Hotlinking, SourceProfile
from retriever.unsplash.profile import REFERRAL, UNSPLASH_LICENCE

_WIDEST = {"thumb": 200, "small": 400, "regular": 1080}
_WIDTH_DERIVED = 640
_DERIVED = f"w={_WIDTH_DERIVED}&fit=max&q=80&fm=jpg"
"""What, added to the address of `raw`, makes a file of that width; https://unsplash.com/documentation names these."""


def candidate_from_photo(photo: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate a photo describes. Raises `UnusableHitError`."""
    entry, identifier = usable_entry(photo)
    if entry.get("premium") is True or entry.get("plus") is True:
        raise UnusableHitError("it is of Unsplash+, under another licence")
    width, height = pixels_of(entry, "width"), pixels_of(entry, "height")
    if not (width and height):
        raise UnusableHitError("it has no size")
    user, links = object_of(entry, "user"), object_of(entry, "links")
    creator = text_of(user, "name") or text_of(user, "username")
    return Candidate(
        source=profile.name,
        id=identifier,
        page_url=_referred(url_of(links, "html")),
        renditions=_renditions(object_of(entry, "urls"), width, height),
        width=width,
        height=height,
        media_type="photo",
        tags=_tags(entry.get("tags")),
        creator=creator,
        creator_url=_referred(url_of(object_of(user, "links"), "html")),
        licence=profile.licence,
        licence_url=profile.licence_url,
        credit=profile.credit_of(creator),
        found_by=found_by,
        catalogue=catalogue,
        title=text_of(entry, "description") or text_of(entry, "alt_description"),
        commercial_use=UNSPLASH_LICENCE.commercial,
        modification=UNSPLASH_LICENCE.modification,
        credit_owed=UNSPLASH_LICENCE.credit_owed,
        uploaded_on=day_of(entry, "created_at"),
        hotlink=profile.hotlinking is Hotlinking.REQUIRED,
        download_location=url_of(links, "download_location"),
    )


def _renditions(urls: Mapping[str, Any], width: int, height: int) -> tuple[Rendition, ...]:
    found = [_fitted(url, width, height, widest) for name, widest in _WIDEST.items() if (url := url_of(urls, name))]
    if raw := url_of(urls, "raw"):
        if width > _WIDTH_DERIVED:
            found.append(_fitted(_with_query(raw, _DERIVED), width, height, _WIDTH_DERIVED, as_given=False))
        found.append(Rendition(url_of(urls, "full") or raw, width, height))
    elif full := url_of(urls, "full"):
        found.append(Rendition(full, width, height))
    if not found:
        raise UnusableHitError("it has no picture URL")
    return tuple(sorted(found, key=lambda rendition: (rendition.short_side, rendition.as_given)))


def _fitted(url: str, width: int, height: int, widest: int, *, as_given: bool = True) -> Rendition:
    scale = min(1.0, widest / width)
    return Rendition(url, max(1, round(width * scale)), max(1, round(height * scale)), as_given)


def _referred(url: str) -> str:
    return _with_query(url, REFERRAL) if url else ""


def _with_query(url: str, query: str) -> str:
    """`url` with `query` behind what it has: by the `ixid` that stands there, Unsplash counts."""
    parts = urlsplit(url)
    return parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl()


def _tags(tags: object) -> tuple[str, ...]:
    entries = tags if isinstance(tags, list) else []
    return words_of(entry.get("title") for entry in entries if isinstance(entry, Mapping))
