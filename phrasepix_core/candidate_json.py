"""A candidate as JSON and back: nothing of it is lost on the way, and nothing comes back that no source may say."""

import json
from collections.abc import Callable
from dataclasses import MISSING, astuple, fields
from datetime import date
from typing import Any, Final

from phrasepix_core.candidate import Candidate, Clip, Rendition
from phrasepix_core.text import printable
from phrasepix_core.urls import is_web_address

_FIELDS: Final = {field.name: field for field in fields(Candidate) if field.name != "found_by"}
_DEFAULTS: Final = {name: field.default for name, field in _FIELDS.items() if field.default is not MISSING}
_ADDRESSES: Final = frozenset({"page_url", "creator_url", "licence_url", "download_location"})


def candidate_to_json(candidate: Candidate) -> str:
    """Return a candidate of the web as JSON, without the tag that found it; `candidate_from_json` reads it."""
    stated = {name: getattr(candidate, name) for name in _FIELDS}
    return json.dumps(
        {name: _plain(value) for name, value in stated.items() if name not in _DEFAULTS or value != _DEFAULTS[name]},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def candidate_from_json(text: str, found_by: str) -> Candidate:
    """Return the candidate that `candidate_to_json` wrote, as found by the tag `found_by`.

    The text may come from another machine: raises `ValueError` for a field of another kind, a text that cannot be
    shown, and an address that is none of the web.
    """
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("no JSON object")
    known = {name: _read(name, value) for name, value in said.items() if name in _FIELDS}
    if missing := _FIELDS.keys() - _DEFAULTS.keys() - known.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    return Candidate(**known, found_by=found_by)


def _plain(value: object) -> object:
    if isinstance(value, Rendition | Clip):
        return list(astuple(value))
    if isinstance(value, date):
        return value.isoformat()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _read(name: str, value: Any) -> Any:
    read = _READERS[str(_FIELDS[name].type)]
    return read(name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or printable(value) != value:
        raise ValueError(f"{name} is no text that can be shown")
    return _address(value) if name in _ADDRESSES and value else value


def _address(value: Any) -> str:
    if not isinstance(value, str) or not is_web_address(value):
        raise ValueError("an address is none of the web")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    return tuple(_address(one) if name == "other_urls" else _text(name, one) for one in _several(name, value))


def _several(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return value


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is no whole number")
    return value


def _number(name: str, value: Any) -> float | None:
    if value is not None and type(value) not in (int, float):
        raise ValueError(f"{name} is no number")
    return None if value is None else float(value)


def _flag(name: str, value: Any) -> bool | None:
    if value is not None and type(value) is not bool:
        raise ValueError(f"{name} is neither true nor false")
    return value


def _day(name: str, value: Any) -> date | None:
    return None if value is None else date.fromisoformat(_text(name, value))


def _renditions(name: str, value: Any) -> tuple[Rendition, ...]:
    return tuple(
        Rendition(_address(url), _whole(name, width), _whole(name, height), _flag(name, as_given) is True)
        for url, width, height, as_given in _several(name, value)
    )


def _clips(name: str, value: Any) -> tuple[Clip, ...]:
    return tuple(
        Clip(_address(url), _whole(name, width), _whole(name, height)) for url, width, height in _several(name, value)
    )


_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    str(kind): read
    for kind, read in {
        str: _text,
        int: _whole,
        bool: _flag,
        bool | None: _flag,
        date | None: _day,
        float | None: _number,
        tuple[str, ...]: _texts,
        tuple[Rendition, ...]: _renditions,
        tuple[Clip, ...]: _clips,
    }.items()
}
"""How a field is read, by the type that it is declared with."""
