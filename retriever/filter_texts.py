"""Values of filters as people type them: `16:9`, `2024-05`."""

import re
from calendar import monthrange
from datetime import date

from retriever.errors import WrongParameterError

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_SIDES = re.compile(r"(\d+(?:\.\d+)?)\s*[:/x×]\s*(\d+(?:\.\d+)?)", re.ASCII)
_FURTHEST_KM = 20_038
"""Half round the earth."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+", re.ASCII)


def aspect_ratio(text: str) -> float:
    """Return width divided by height, from a text such as 16:9 or 1.78. Raises `WrongParameterError`."""
    if sides := _SIDES.fullmatch(text.strip()):
        width, height = float(sides[1]), float(sides[2])
        if height > 0:
            return width / height
    elif _NUMBER.fullmatch(text.strip()):
        return float(text)
    raise WrongParameterError(f"aspect ratio {text!r} is none; it must look like 16:9 or 1.78")


def span(text: str) -> tuple[date, date]:
    """Return the first and the last day of a year, month or day: 2024, 2024-05, 2024-05-01.

    Raises `WrongParameterError`.
    """
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


def first_day(text: str) -> date:
    """Return the first day that a text such as 2024-05 names."""
    return span(text)[0]


def last_day(text: str) -> date:
    """Return the last day that a text such as 2024-05 names."""
    return span(text)[1]


def day_of_year(text: object) -> str:
    """Return a day of any year as MM-DD, of a text such as 12-24 or 2-29. Raises `WrongParameterError`."""
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text.strip(), re.ASCII) if isinstance(text, str) else None
    try:
        if found is not None:
            return f"{date(2000, int(found[1]), int(found[2])):%m-%d}"  # a leap year
    except ValueError:
        pass
    raise WrongParameterError(f"{text!r} is no day of a year; it must look like 12-24")


def year(text: str) -> tuple[date, date]:
    """Return the first and the last day of a year. Raises `WrongParameterError`."""
    if not re.fullmatch(r"\d{4}", text.strip(), re.ASCII):
        raise WrongParameterError(f"{text!r} is no year; it must look like 2024")
    return span(text)


def near(text: object) -> str:
    """Return a place and kilometres around it as `48.2,16.4,5.0`, of a text such as `48.2 16.4 5km`.

    Raises `WrongParameterError`.
    """
    parts = re.split(r"\s*,\s*|\s+", text.strip()) if isinstance(text, str) else []
    try:
        latitude, longitude, kilometres = (float(part.removesuffix("km")) for part in parts)
        if abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < kilometres <= _FURTHEST_KM:
            return f"{latitude!r},{longitude!r},{kilometres!r}"
    except ValueError:
        pass
    raise WrongParameterError(
        f"{text!r} is no place; it must look like 48.21,16.37,5: degrees north, degrees east, kilometres around it"
    )


def place_and_radius(text: str) -> tuple[float, float, float]:
    """Return degrees north, degrees east and kilometres of what `near` returned."""
    latitude, longitude, kilometres = map(float, text.split(","))
    return latitude, longitude, kilometres
