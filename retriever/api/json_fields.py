"""The fields of an answer's entry, each of which may be missing or of any kind."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from phrasepix_core.candidate import Candidate
from phrasepix_core.text import printable, unescaped
from phrasepix_core.urls import is_on_this_machine, is_public

LONGEST_TEXT = 2_000
"""Characters of a title, a name or a credit; texts beyond that are no longer read by anybody."""
_MOST_TAGS = 500
_LONGEST_IDENTIFIER = 200
_LONGEST_URL = 8_000


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
    """A line of printable text, its HTML entities decoded; empty if it is missing or something else."""
    return line_of(entry.get(key))


def line_of(value: object) -> str:
    """A value as one line of printable text, its HTML entities decoded once, cut if it is longer than any real one.

    Empty if it is no text.
    """
    return bounded_text(unescaped(value[: 4 * LONGEST_TEXT]), LONGEST_TEXT) if isinstance(value, str) else ""


def bounded_text(text: str, longest: int) -> str:
    """A line of printable text of at most `longest` characters; one that was cut ends in an ellipsis."""
    line = printable(text[: 2 * longest])
    return line if len(text) <= longest or len(line) < longest else line[: longest - 1] + "…"


def words_of(values: Iterable[object]) -> tuple[str, ...]:
    """The texts among `values` as tags, each as `line_of` has it, each once, none empty, not too many."""
    return tuple(islice(dict.fromkeys(word for value in values if (word := line_of(value))), _MOST_TAGS))


def identifier_of(entry: object, key: str = "id") -> str:
    """The id, a text or a whole number, as text; empty where there is none, or one longer than any real one."""
    value = entry.get(key) if isinstance(entry, Mapping) else None
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return printable(text) if len(text) <= _LONGEST_IDENTIFIER else ""


def object_of(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object in the entry; an empty one where it is missing or something else."""
    value = entry.get(key)
    return value if isinstance(value, Mapping) else {}


def url_of(entry: Mapping[str, Any], key: str) -> str:
    """A web address, or nothing: no other scheme may reach a link or a fetch."""
    value = entry.get(key)
    value = value.strip() if isinstance(value, str) and len(value) <= _LONGEST_URL else ""
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


def public_part(candidate: Candidate, *, loopback: bool) -> Candidate:
    """The candidate without addresses in the reader's own network: whoever shows one would have a browser ask there.

    With `loopback`, those of this machine stay. Raises `UnusableHitError` where no file is left.
    """

    def is_fine(url: str) -> bool:
        return is_public(url) or (loopback and is_on_this_machine(url))

    renditions = tuple(one for one in candidate.renditions if is_fine(one.url))
    if not renditions:
        raise UnusableHitError("its files are at no public address")
    pages: dict[str, Any] = {
        name: ""
        for name in ("page_url", "creator_url", "licence_url", "download_location")
        if (url := getattr(candidate, name)) and not is_fine(url)
    }
    clips = tuple(one for one in candidate.clips if is_fine(one.url))
    if not pages and len(renditions) == len(candidate.renditions) and len(clips) == len(candidate.clips):
        return candidate
    return replace(candidate, renditions=renditions, clips=clips, **pages)
