"""From a file's page of Wikimedia Commons to a `Candidate`. Its metadata are HTML, written by many hands."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.licence import Licence, licence_named
from retriever.api.json_fields import (
    UnusableHitError,
    day_of,
    fitted,
    pixels_of,
    text_of,
    url_of,
    usable_entry,
    words_of,
)
from retriever.commons.plain_text import PlainText
from retriever.profile import SourceProfile

METADATA = (
    "ObjectName", "Artist", "Attribution", "AttributionRequired", "LicenseShortName", "LicenseUrl",
    "DateTimeOriginal", "Categories",
)  # fmt: skip
"""What is asked for of a file's metadata."""
THUMBNAIL_WIDTH = 960
"""The width of the thumbnail asked for, in pixels: one of those that Wikimedia keeps (others are refused)."""

_SMALLER_WIDTHS = (250, 330, 500)
_THUMBNAIL_NAME = re.compile(rf"(?<=[/-]){THUMBNAIL_WIDTH}px-(?=[^/]+$)")
_KINDS = {
    "image/jpeg": "photo",
    "image/tiff": "photo",
    "image/webp": "photo",
    "image/png": "illustration",
    "image/gif": "illustration",
    "image/svg+xml": "vector",
}
_OWN_WORK = re.compile(
    r"(?:my )?own (?:work|picture|photo(?:graph)?)|self[- ](?:made|photographed)|[\W_]*", re.IGNORECASE
)
"""What stands where a name should, in words; the wiki's own message is left out with its markup."""
_OF_THE_HOUSE = re.compile(
    r"CC-|PD\b|GFDL|Self-published|Files |Media |Pages |Images |Uploaded |License|All ", re.IGNORECASE
)
"""How the names of categories begin that say nothing of what is seen."""


def candidate_from_page(page: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate a page describes. Raises `UnusableHitError`."""
    entry, identifier = usable_entry(page, "pageid")
    infos = entry.get("imageinfo")
    info = infos[0] if isinstance(infos, list) and infos else None
    if not isinstance(info, Mapping):
        raise UnusableHitError("nothing is said of its file")
    mime = text_of(info, "mime")
    if mime not in _KINDS:
        raise UnusableHitError(f"its file is no picture that can be shown ({mime[:60] or 'no type'})")
    renditions = _renditions(info, as_it_is=mime != "image/svg+xml")
    metadata = info.get("extmetadata")
    facts = metadata if isinstance(metadata, Mapping) else {}
    artist = _html(facts, "Artist")
    creator, attribution = _named(artist.words), _named(_html(facts, "Attribution").words)
    licence = _licence(facts)
    return Candidate(
        source=profile.name,
        id=identifier,
        page_url=url_of(info, "descriptionurl"),
        renditions=renditions,
        width=pixels_of(info, "width") or renditions[-1].width,
        height=pixels_of(info, "height") or renditions[-1].height,
        media_type=_KINDS[mime],
        tags=_tags(_html(facts, "Categories").words),
        title=_html(facts, "ObjectName").words or _name(entry),
        attribution=attribution,
        creator=creator,
        creator_url=artist.link if creator else "",
        licence=licence.name,
        licence_url=licence.url,
        credit=profile.credit_of(attribution or creator, licence.name),
        found_by=found_by,
        catalogue=catalogue,
        commercial_use=licence.commercial,
        modification=licence.modification,
        credit_owed=licence.credit_owed,
        taken_on=_day(facts),
        uploaded_on=day_of(info, "timestamp"),
    )


def _renditions(info: Mapping[str, Any], *, as_it_is: bool) -> tuple[Rendition, ...]:
    width, height = pixels_of(info, "width") or THUMBNAIL_WIDTH, pixels_of(info, "height") or THUMBNAIL_WIDTH
    found = []
    thumbnail, original = url_of(info, "thumburl"), url_of(info, "url")
    if thumbnail and thumbnail != original:
        size = pixels_of(info, "thumbwidth"), pixels_of(info, "thumbheight")
        given = Rendition(thumbnail, *(size if all(size) else fitted(width, height, wide=THUMBNAIL_WIDTH)))
        found += [*_smaller(given), given]
    if original and as_it_is:
        found.append(Rendition(original, width, height))
    if not found:
        raise UnusableHitError("it has no picture URL")
    return tuple(sorted(found, key=lambda rendition: (rendition.short_side, rendition.as_given)))


def _smaller(given: Rendition) -> list[Rendition]:
    """The thumbnails of other widths that Wikimedia keeps, by their naming."""
    if not _THUMBNAIL_NAME.search(given.url):
        return []
    return [
        Rendition(
            _THUMBNAIL_NAME.sub(f"{width}px-", given.url, count=1),
            *fitted(given.width, given.height, wide=width),
            as_given=False,
        )
        for width in _SMALLER_WIDTHS
        if width < given.width
    ]


def _licence(facts: Mapping[str, Any]) -> Licence:
    url = url_of({"url": _html(facts, "LicenseUrl").words}, "url")
    licence = licence_named(_html(facts, "LicenseShortName").words, url)
    if licence.commercial is None and _html(facts, "AttributionRequired").words.lower() == "false":
        return replace(licence, credit_owed=False)
    return licence


def _named(words: str) -> str:
    """The words, unless they say “own work” in place of a name."""
    return "" if _OWN_WORK.fullmatch(words) else words


def _html(facts: Mapping[str, Any], key: str) -> PlainText:
    fact = facts.get(key)
    value = fact.get("value") if isinstance(fact, Mapping) else None
    return PlainText(str(value) if isinstance(value, str | int) else "")


def _day(facts: Mapping[str, Any]) -> date | None:
    """The day the picture was taken; many say it in words, some in a machine's way within the markup."""
    fact = facts.get("DateTimeOriginal")
    value = fact.get("value") if isinstance(fact, Mapping) else None
    found = re.search(r"\b\d{4}-\d\d-\d\d\b", value) if isinstance(value, str) else None
    return day_of({"day": found[0]}, "day") if found else None


def _tags(categories: str) -> tuple[str, ...]:
    return tuple(name for name in words_of(categories.split("|")) if not _OF_THE_HOUSE.match(name))


def _name(page: Mapping[str, Any]) -> str:
    """The file's name without namespace and ending."""
    name = text_of(page, "title").partition(":")[2]
    return name.rpartition(".")[0] or name
