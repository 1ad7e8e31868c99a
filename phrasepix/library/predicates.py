"""Filters of a search as a condition on a library's table, in the SQL of Lance."""

import math
from collections.abc import Callable
from typing import Final

from phrasepix.library.condition import checked_condition
from phrasepix.library.quoting import one_of, quoted
from phrasepix_core.text import caseless
from retriever.filter_texts import place_and_radius
from retriever.filtering import WITHIN
from retriever.filters import Filters
from retriever.folder.names import words


def condition_of(filters: Filters, tag: str = "") -> str | None:
    """Return the condition that filters, and the words of a tag, put on a row; None if there is none.

    Raises `WrongParameterError` for a `where` that is none.
    """
    wishes = filters.wishes()
    parts = [_CONDITIONS[name](filters) for name in sorted(wishes & _CONDITIONS.keys())]
    if tag:
        stands = " ".join(words(tag))
        parts.append(f"contains(words, {quoted(f' {stands} ')})" if stands else "false")
    return " AND ".join(f"({part})" for part in parts if part) or None


def unhonoured_by_library(filters: Filters) -> frozenset[str]:
    """Return the names of the filters that a library's rows say nothing of."""
    return filters.wishes() - _CONDITIONS.keys() - {"safe_search"}


def _orientation(filters: Filters) -> str:
    match filters.orientation:
        case "horizontal":
            return "width > height"
        case "vertical":
            return "width < height"
        case _:
            return _alike("height * 1.0")


def _aspect_ratio(filters: Filters) -> str:
    return _alike(f"height * {filters.aspect_ratio!r}")


def _alike(other: str) -> str:
    """Whether the width and `other` are within 3 %, as `retriever.filtering` has it."""
    most = 1 + WITHIN + 1e-9
    return f"width > 0 AND width <= {other} * {most!r} AND {other} <= width * {most!r}"


def _licence(filters: Filters) -> str:
    column = {"commercial": "commercial_use", "modification": "modification"}
    return " AND ".join(f"{column[use]} IS TRUE" for use in filters.licence)


def _month(filters: Filters) -> str:
    return f"taken_month IN ({', '.join(map(str, filters.months))})"


def _on_day(filters: Filters) -> str:
    month, day = (filters.on_day or "").split("-")
    return f"taken_month = {int(month)} AND taken_day = {int(day)}"


def _tags(function: str, tags: tuple[str, ...]) -> str:
    return f"{function}(tag_keys, [{', '.join(quoted(caseless(tag)) for tag in tags)}])"


def _media(filters: Filters) -> str:
    """A file does not say whether it was photographed or drawn; but whether it is a video."""
    return "media = 'video'" if filters.media_type == "video" else "media IS NULL OR media <> 'video'"


_EARTH_KM = 6371.0088
"""Mean radius."""


def _near(filters: Filters) -> str:
    """Within so many kilometres on the sphere, by the haversine; the latitudes first, which need no sine."""
    north, east, kilometres = place_and_radius(filters.near or "")
    degrees = math.degrees(kilometres / _EARTH_KM)
    between = f"latitude BETWEEN {north - degrees!r} AND {north + degrees!r}"
    chord = (
        f"power(sin(radians(latitude - {north!r}) / 2), 2) + {math.cos(math.radians(north))!r} * "
        f"cos(radians(latitude)) * power(sin(radians(longitude - {east!r}) / 2), 2)"
    )
    return f"{between} AND {chord} <= {math.sin(min(kilometres / _EARTH_KM, math.pi) / 2) ** 2!r}"


_CONDITIONS: Final[dict[str, Callable[[Filters], str]]] = {
    "media_type": _media,
    "orientation": _orientation,
    "aspect_ratio": _aspect_ratio,
    "min_width": lambda filters: f"width >= {filters.min_width}",
    "min_height": lambda filters: f"height >= {filters.min_height}",
    "licence": _licence,
    "since": lambda filters: f"taken_on >= date '{filters.since}'",
    "until": lambda filters: f"taken_on <= date '{filters.until}'",
    "months": _month,
    "on_day": _on_day,
    "any_tags": lambda filters: _tags("array_has_any", filters.any_tags),
    "all_tags": lambda filters: _tags("array_has_all", filters.all_tags),
    "no_tags": lambda filters: f"NOT {_tags('array_has_any', filters.no_tags)}",
    "creator": lambda filters: one_of("creator_key", [caseless(filters.creator or "")]),
    "camera": lambda filters: one_of("camera_key", [caseless(filters.camera or "")]),
    "min_rating": lambda filters: f"rating >= {filters.min_rating}",
    "near": _near,
    "exclude_ai": lambda filters: "ai_generated IS NOT TRUE",
    "where": lambda filters: checked_condition(filters.where or ""),
}
