"""From an entry of Openverse's answer to a `Candidate`."""

from collections.abc import Mapping
from typing import Any

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.licence import Licence, creative_commons, licence_named
from retriever.api.json_fields import (
    UnusableHitError,
    fitted,
    flag_of,
    pixels_of,
    text_of,
    url_of,
    usable_entry,
    words_of,
)
from retriever.profile import SourceProfile

_THUMBNAIL_WIDTH = 600
_KINDS = {"illustration": "illustration", "digitized_artwork": "illustration"}
_RETIRED = {"sampling+": "CC Sampling+", "nc-sampling+": "CC NC-Sampling+"}
"""Licences of Creative Commons that are no longer given, by Openverse's words for them."""


def candidate_from_hit(hit: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate an entry describes. Raises `UnusableHitError`."""
    entry, identifier = usable_entry(hit)
    licence = _licence(entry)
    width, height = pixels_of(entry, "width"), pixels_of(entry, "height")
    if not (width and height):
        width = height = _THUMBNAIL_WIDTH  # some collections do not say
    title, creator = text_of(entry, "title"), text_of(entry, "creator")
    mature = flag_of(entry, "mature")
    return Candidate(
        source=profile.name,
        id=identifier,
        page_url=url_of(entry, "foreign_landing_url"),
        renditions=_renditions(entry, width, height),
        width=width,
        height=height,
        media_type=_media_type(entry),
        tags=_tags(entry.get("tags")),
        title=title,
        creator=creator,
        creator_url=url_of(entry, "creator_url"),
        licence=licence.name,
        licence_url=licence.url,
        credit=text_of(entry, "attribution") or _credit(title, creator, licence, profile),
        found_by=found_by,
        catalogue=catalogue,
        commercial_use=licence.commercial,
        modification=licence.modification,
        credit_owed=licence.credit_owed,
        g_rated=None if mature is None else not mature,
    )


def _licence(hit: Mapping[str, Any]) -> Licence:
    kind, version, url = text_of(hit, "license"), text_of(hit, "license_version"), url_of(hit, "license_url")
    if (known := creative_commons(kind, version)) is not None:
        return licence_named(known.name, url)  # which says the jurisdiction too
    return licence_named(f"{_RETIRED.get(kind.lower(), kind)} {version}".strip(), url)


def _credit(title: str, creator: str, licence: Licence, profile: SourceProfile) -> str:
    by = profile.credit_of(creator, licence.name)
    return f"“{title}” by {by}" if title else by


def _renditions(hit: Mapping[str, Any], width: int, height: int) -> tuple[Rendition, ...]:
    found = []
    if thumbnail := url_of(hit, "thumbnail"):
        found.append(Rendition(thumbnail, *fitted(width, height, wide=_THUMBNAIL_WIDTH)))
    if original := url_of(hit, "url"):
        found.append(Rendition(original, width, height))
    if not found:
        raise UnusableHitError("it has no picture URL")
    return tuple(found)


def _media_type(hit: Mapping[str, Any]) -> str:
    if text_of(hit, "filetype").lower() == "svg" or url_of(hit, "url").lower().endswith(".svg"):
        return "vector"
    return _KINDS.get(text_of(hit, "category"), "photo")


def _tags(tags: object) -> tuple[str, ...]:
    """Objects with a `name`, human tags and those of machines alike."""
    return words_of(tag.get("name") for tag in tags if isinstance(tag, Mapping)) if isinstance(tags, list) else ()
