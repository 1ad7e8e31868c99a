"""A request as JSON and back, by the options that are declared where a request and its filters are."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from phrasepix.library.columns import COLUMNS
from phrasepix.library.dictionary import condition_in, is_name
from phrasepix_core.options import options_of
from retriever.errors import WrongParameterError
from retriever.filters import Filters

if TYPE_CHECKING:  # bring NumPy and Pillow: a request without pictures does without them
    from reranker.query import Example, Part

PictureAt: TypeAlias = "Callable[[str], str | Path | Example]"
"""Gives the picture that a text names: an address, a path, or the picture itself."""

_COMPARED = ("like", "minus")
_PHRASE = '{"phrase": "…", "weight": 1}'
_PICTURE = '{"picture": "…", "weight": 1}'


def stated(declaring: Any) -> dict[str, Any]:
    """Return what a request, or its filters, says otherwise than by default, as JSON holds it.

    Raises `WrongParameterError` for what JSON cannot hold.
    """
    found: dict[str, Any] = {}
    for one in options_of(type(declaring)):
        value = getattr(declaring, one.name)
        if not one.option.in_json or _is_default(value, one.default):
            continue
        if one.name in _COMPARED:
            found[one.name] = [_compared(given) for given in value]
        else:
            found[one.name] = _plain(one.name, value)
    return found


def as_named(where: str) -> str | Path:
    """Return the picture that a text names: the text, if it is an address, or a path."""
    from phrasepix.query_inputs import is_address

    return where if is_address(where) else Path(where)


def arguments(declaring: type, described: Mapping[str, Any], picture_at: PictureAt = as_named) -> dict[str, Any]:
    """Return what a JSON object says of a request, as arguments of it; `declaring` is the request's class.

    Raises `WrongParameterError` for what is not known or not of its form; the values are left to the request.
    """
    _demand_known("option", described, _known_options(declaring))
    found = dict(described)
    if isinstance(query := found.get("phrase"), dict):
        found["phrase"] = _read_query(query, picture_at)
    for name in _COMPARED:
        if (given := found.get(name)) is not None:
            several = given if isinstance(given, list) else [given]
            found[name] = [_read_compared(one, picture_at) for one in several]
    if "filters" in found:
        found["filters"] = filters_of(found["filters"])
    return found


@cache
def _known_options(declaring: type) -> frozenset[str]:
    return frozenset(one.name for one in options_of(declaring) if one.option.in_json) | {"filters"}


def _is_default(value: Any, default: Any) -> bool:
    return value is default or value == () or (isinstance(default, bool | int | float | str) and value == default)


def _plain(name: str, value: Any) -> Any:
    from reranker.query import Query

    match value:
        case None | bool() | int() | float() | str():
            return value
        case Path() | date():
            return str(value)
        case Query():
            sides = {"wanted": value.wanted, "unwanted": value.unwanted}
            return {side: [_part(one) for one in parts] for side, parts in sides.items() if parts}
        case list() | tuple():
            return [_plain(name, one) for one in value]
    raise WrongParameterError(
        f"{name} holds {type(value).__name__}, which is of this process alone and cannot be written as JSON; "
        "give a name, a path or an address"
    )


def _part(part: "Part") -> dict[str, Any]:
    from reranker.query import Phrase, TaughtName

    if isinstance(part, Phrase | TaughtName):  # a name is found in it again
        return {"phrase": part.title} | _weight(part.weight)
    if isinstance(part.picture, str) and part.candidate is None and not part.stays:
        return {"picture": part.picture} | _weight(part.weight)
    raise WrongParameterError(
        f"the picture {part.title} is of this process alone and cannot be written as JSON; give a path or an address"
    )


def _compared(given: Any) -> dict[str, Any]:
    """One of `like` or `minus`, as a request keeps it."""
    from reranker.query import Example, Phrase

    item, weight = given if isinstance(given, tuple) else (given, 1.0)
    match item:
        case str() | Path():
            return {"picture": str(item)} | _weight(weight)
        case Phrase() | Example():
            return _part(item)
    raise WrongParameterError(
        f"{type(item).__name__} among the pictures to compare with is of this process alone and cannot be written as "
        "JSON; give a path or an address"
    )


def _weight(weight: float) -> dict[str, float]:
    return {} if weight == 1 else {"weight": float(weight)}


def _read_query(described: Mapping[str, Any], picture_at: PictureAt) -> object:
    from reranker.query import Query

    _demand_known("part of a query", described, {"wanted", "unwanted"})
    sides = []
    for side in ("wanted", "unwanted"):
        parts = described.get(side, [])
        if not isinstance(parts, list):
            raise WrongParameterError(f"{side} is {parts!r}; it must be a list of phrases and pictures")
        sides.append(tuple(_read_part(one, picture_at) for one in parts))
    return Query(*sides)


def _read_part(described: Any, picture_at: PictureAt) -> "Part":
    from reranker.query import Example, Phrase

    match described:
        case {"phrase": str() as text, **more} if more.keys() <= {"weight"}:
            return Phrase(text, described.get("weight", 1.0))
        case {"picture": str() as where, **more} if more.keys() <= {"weight"}:
            match picture_at(where):
                case str() as url:
                    return Example.at_address(url, described.get("weight", 1.0))
                case Example() as example:
                    return replace(example, weight=described.get("weight", 1.0))
    raise WrongParameterError(
        f"{described!r} is no part of a query; a phrase is {_PHRASE}, a picture {_PICTURE} with its address"
    )


def _read_compared(described: Any, picture_at: PictureAt) -> Any:
    """One of `like` or `minus` as it may be given to a request."""
    match described:
        case {"phrase": str()}:
            return _read_part(described, picture_at)
        case {"picture": str() as where, **more} if more.keys() <= {"weight"}:
            weight = described.get("weight", 1.0)
            if isinstance(weight, bool) or not isinstance(weight, int | float):
                raise WrongParameterError(f"the weight {weight!r} of {where} is no number; allowed: numbers above 0")
            return (picture_at(where), weight)
        case dict():
            raise WrongParameterError(f"{described!r} is nothing to compare with; give a text, {_PHRASE} or {_PICTURE}")
    return described


def filters_of(described: Any) -> Filters:
    """Return the filters of a dictionary: by their names, and as conditions on a library's columns.

    A key that is both is the filter if its value is plain. Raises `WrongParameterError`.
    """
    if not isinstance(described, Mapping):
        raise WrongParameterError(f"filters {described!r} are no JSON object")
    by_name = {one.name: one.option for one in options_of(Filters) if one.option.in_json}
    plain = {name: value for name, value in described.items() if name in by_name and not isinstance(value, Mapping)}
    conditions = {name: value for name, value in described.items() if name not in plain}
    if unknown := sorted(str(name) for name in conditions if not is_name(str(name))):
        raise WrongParameterError.not_among("filter", unknown[0], [*sorted(by_name), *COLUMNS])
    filters = Filters(**{name: _read(by_name[name].parse, value) for name, value in plain.items()})
    if not conditions:
        return filters
    both = [f"({part})" for part in (filters.where, condition_in(conditions)) if part is not None]
    return replace(filters, where=" AND ".join(both))


def _read(parse: Callable[[str], object] | None, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return parse(value) if parse is not None and isinstance(value, str) else value


def _demand_known(what: str, described: Mapping[str, Any], known: Any) -> None:
    if unknown := sorted(described.keys() - set(known)):
        raise WrongParameterError.not_among(what, unknown[0], sorted(known))
