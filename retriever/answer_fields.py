"""The fields of an answer's entry, each of which may be missing or of any kind."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from phrasepix_core.text import printable, unescaped


class UnusableHitError(ValueError):
    """An entry of an answer from which no candidate can be made; the message says why."""


def usable_entry(hit: object, key: str = "id") -> tuple[Mapping[str, Any], str]:
    """An entry and its id under `key`. Raises `UnusableHitError` where it is no object or has no id."""
    if not isinstance(hit, Mapping):
        raise UnusableHitError("it is not an object")
    if not (identifier := identifier_of(hit, key)):
        raise UnusableHitError("it has no id")
    return hit, identifier


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """A line of printable text, its HTML entities decoded; empty where it is missing or something else."""
    return line_of(entry.get(key))


def line_of(value: object) -> str:
    """A value as one line of printable text, its HTML entities decoded once; empty if it is no text."""
    return printable(unescaped(value)) if isinstance(value, str) else ""


def identifier_of(entry: object, key: str = "id") -> str:
    """The id, a text or a whole number, as text; empty where there is none."""
    value = entry.get(key) if isinstance(entry, Mapping) else None
    return printable(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def object_of(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object in the entry; an empty one where it is missing or something else."""
    value = entry.get(key)
    return value if isinstance(value, Mapping) else {}


def url_of(entry: Mapping[str, Any], key: str) -> str:
    """A web address, or nothing: no other scheme may reach a link or a fetch."""
    value = entry.get(key)
    value = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(value)
    except ValueError:  # such as http://[
        return ""
    return value if parts.scheme in {"http", "https"} and parts.hostname and value.isprintable() else ""


def pixels_of(entry: Mapping[str, Any], key: str) -> int:
    """A number of pixels; 0 where it is missing or cannot be one."""
    value = entry.get(key)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < 1e6 else 0


def flag_of(entry: Mapping[str, Any], key: str) -> bool | None:
    """True or false, also as 1 and 0; None where it is missing or odd."""
    value = entry.get(key)
    return bool(value) if isinstance(value, bool | int) else None


def day_of(entry: Mapping[str, Any], key: str) -> date | None:
    """The day of an ISO 8601 date or time; None where it is missing or odd."""
    value = entry.get(key)
    try:
        return datetime.fromisoformat(value.strip()).date() if isinstance(value, str) else None
    except ValueError:
        return None


def fitted(width: int, height: int, *, wide: int) -> tuple[int, int]:
    """`width` × `height` brought down to `wide` pixels of width, its proportions kept."""
    if width <= wide:
        return width, height
    return wide, max(1, round(height * wide / width))
