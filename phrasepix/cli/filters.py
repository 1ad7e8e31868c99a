"""From options as they are typed to `Filters`."""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date

from retriever.errors import WrongParameterError
from retriever.filters import USES, Filters

ANY_LICENCE = "any"

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_SIDES = re.compile(r"(\d+(?:\.\d+)?)\s*[:/x×]\s*(\d+(?:\.\d+)?)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+", re.ASCII)


def filters_of_options(
    *,
    media_type: str,
    orientation: str,
    aspect: str | None,
    min_width: int,
    min_height: int,
    colours: Iterable[str],
    licences: Iterable[str],
    year: str | None,
    since: str | None,
    until: str | None,
    no_ai: bool,
    safe_search: bool,
    creator: str | None,
    language: str | None,
    category: str | None,
    editors_choice: bool,
    order: str,
) -> Filters:
    """The filters that the options mean. Raises `WrongParameterError`, saying what an option must look like."""
    first, last = _days(year, since, until)
    return Filters(
        media_type=media_type,
        orientation=orientation,
        aspect_ratio=None if aspect is None else aspect_ratio(aspect),
        min_width=min_width,
        min_height=min_height,
        colours=tuple(colours),
        licence=uses(licences),
        since=first,
        until=last,
        exclude_ai=no_ai,
        safe_search=safe_search,
        creator=creator,
        language=language,
        category=category,
        editors_choice=editors_choice,
        order=order,
    )


def aspect_ratio(text: str) -> float:
    """Width through height, of a text such as 16:9 or 1.78."""
    if sides := _SIDES.fullmatch(text.strip()):
        width, height = float(sides[1]), float(sides[2])
        if height > 0:
            return width / height
    elif _NUMBER.fullmatch(text.strip()):
        return float(text)
    raise WrongParameterError(f"aspect ratio {text!r} is none; it must look like 16:9 or 1.78")


def uses(licences: Iterable[str]) -> tuple[str, ...]:
    """The uses that must be allowed; `any` asks for none."""
    named = tuple(licences)
    for licence in named:
        if licence not in (*USES, ANY_LICENCE):
            raise WrongParameterError.not_among("licence", licence, (*USES, ANY_LICENCE))
    return tuple(licence for licence in named if licence != ANY_LICENCE)


def span(text: str) -> tuple[date, date]:
    """First and last day of a year, a month or a day: of 2024, 2024-05 or 2024-05-01."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        raise WrongParameterError(f"{text!r} is no day; it must look like 2024-05-01, 2024-05 or 2024")
    month, day = (None if part is None else int(part) for part in found.groups()[1:])
    first_month, last_month = (1, 12) if month is None else (month, month)
    try:
        first = date(int(found[1]), first_month, 1 if day is None else day)
        last = date(first.year, last_month, monthrange(first.year, last_month)[1] if day is None else day)
    except ValueError:
        raise WrongParameterError(f"{text!r} is no day: the calendar does not have it") from None
    return first, last


def _days(year: str | None, since: str | None, until: str | None) -> tuple[date | None, date | None]:
    if year is None:
        return None if since is None else span(since)[0], None if until is None else span(until)[1]
    if since is not None or until is not None:
        raise WrongParameterError("--year stands for --since and --until of that year; give the one or the others")
    if not re.fullmatch(r"\d{4}", year.strip(), re.ASCII):
        raise WrongParameterError(f"{year!r} is no year; it must look like 2024")
    return span(year)
