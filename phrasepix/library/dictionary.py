"""Filters in the dictionary form of vector databases, as a condition on a library's columns.

`{"year": {"$in": [2019, 2020]}, "$or": [{"rating": {"$gte": 4}}, {"tags": "boat"}]}`: all of a dictionary must hold.
A value alone is `$eq`; of a list of texts it is one of them. What a row does not say is equal to nothing: `$ne` and
`$nin` hold there, as in those databases.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from phrasepix.library.columns import COLUMNS, DAY, DECIMAL, FLAG, NUMBER, SHORT_NAMES, TEXT, TEXTS
from phrasepix.library.quoting import quoted
from retriever import filter_texts
from retriever.errors import WrongParameterError

_COMPARISONS: Final = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
LISTING: Final = ("$in", "$nin")
"""The operators that take a list."""
OPERATORS: Final = ("$eq", "$ne", *_COMPARISONS, *LISTING)
JOINED: Final = {"$and": " AND ", "$or": " OR "}
_LARGEST: Final = 2**62
_DEEPEST, _MOST_PARTS = 8, 200


def is_name(key: str) -> bool:
    """Whether a key of a dictionary is a column or joins conditions."""
    return key in COLUMNS or key in SHORT_NAMES or key in JOINED


def condition_in(described: Mapping[str, Any]) -> str:
    """Return the condition that a dictionary puts on a row, in the SQL of `Filters.where`.

    Raises `WrongParameterError`, which names what is not known or not of its kind.
    """
    return _all(described, _Counted())


class _Counted:
    """How many parts a dictionary had so far, and how deep it is."""

    def __init__(self) -> None:
        self.parts = self.depth = 0

    def add(self) -> None:
        self.parts += 1
        if self.parts > _MOST_PARTS:
            raise WrongParameterError(f"the filters have more than {_MOST_PARTS} conditions; give fewer")


def _all(described: object, counted: _Counted) -> str:
    if not isinstance(described, Mapping) or not described:
        raise WrongParameterError(
            f'{described!r} is no condition; it must look like {{"year": {{"$in": [2019, 2020]}}}}'
        )
    return _joined(" AND ", [_part(key, value, counted) for key, value in described.items()])


def _part(key: object, value: object, counted: _Counted) -> str:
    counted.add()
    if key in JOINED:
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise WrongParameterError(f"{key} takes a list of conditions, not {value!r}")
        counted.depth += 1
        if counted.depth > _DEEPEST:
            raise WrongParameterError(f"the filters lie more than {_DEEPEST} within each other; make them flatter")
        joined = _joined(JOINED[str(key)], [_all(one, counted) for one in value])
        counted.depth -= 1
        return joined
    if not isinstance(key, str) or not is_name(key):
        raise WrongParameterError.not_among("column", str(key), [*COLUMNS, *SHORT_NAMES, *JOINED])
    column = SHORT_NAMES.get(key, key)
    if not isinstance(value, Mapping):
        return _compared(column, "$eq", value)
    if not value:
        raise WrongParameterError(f"the condition on {key} is empty; give one of {', '.join(OPERATORS)}")
    return _joined(" AND ", [_compared(column, operator, one) for operator, one in value.items()])


def _joined(by: str, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + by.join(parts) + ")"


def _compared(column: str, operator: object, value: object) -> str:
    kind = COLUMNS[column]
    match operator:
        case "$eq" | "$ne" if value is None:
            return f"{column} IS {'NOT ' if operator == '$ne' else ''}NULL"
        case "$in" | "$nin":
            if isinstance(value, str) or not isinstance(value, Sequence) or not value:
                raise WrongParameterError(f"{operator} of {column} takes a list of values, not {value!r}")
            literals = _literals(column, value)
            return _equal(column, kind, literals, is_wanted=operator == "$in")
        case "$eq" | "$ne":
            return _equal(column, kind, _literals(column, [value]), is_wanted=operator == "$eq")
        case str() if operator in _COMPARISONS and kind in {NUMBER, DECIMAL, DAY, TEXT}:
            (literal,) = _literals(column, [value])
            return f"{column} {_COMPARISONS[operator]} {literal}"
        case str() if operator in _COMPARISONS:
            raise WrongParameterError(f"{operator} cannot compare {column}, which is {kind}; give $eq or $in")
    raise WrongParameterError.not_among("operator", str(operator), OPERATORS)


def _equal(column: str, kind: str, literals: Iterable[str], *, is_wanted: bool) -> str:
    listed = ", ".join(literals)
    there = f"array_has_any({column}, [{listed}])" if kind == TEXTS else f"{column} IN ({listed})"
    return there if is_wanted else f"({column} IS NULL OR NOT {there})"


def _literals(column: str, values: Iterable[object]) -> list[str]:
    kind = COLUMNS[column]
    literals = [_LITERALS[kind](value) for value in values]
    for literal, value in zip(literals, values, strict=True):
        if literal is None:
            raise WrongParameterError(f"{column} is {kind}, and {value!r} is none")
    return [literal for literal in literals if literal is not None]


def _number(value: object) -> str | None:
    is_whole = (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )
    if not is_whole or not abs(whole := int(value)) <= _LARGEST:  # type: ignore[call-overload]  # it is a number
        return None
    return str(whole) if whole >= 0 else f"(0 - {-whole})"


def _decimal(value: object) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(number := float(value)) <= _LARGEST:  # type: ignore[arg-type]  # it is a number
        return None
    return f"{number:.6f}" if number >= 0 else f"(0 - {-number:.6f})"


def _text(value: object) -> str | None:
    return quoted(value) if isinstance(value, str) else None


def _day(value: object) -> str | None:
    if isinstance(value, str):
        first, last = filter_texts.span(value)
        value = first if first == last else None
    return f"date '{value}'" if isinstance(value, date) and not isinstance(value, datetime) else None


def _flag(value: object) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None


_LITERALS: Final[dict[str, Callable[[object], str | None]]] = {
    NUMBER: _number,
    DECIMAL: _decimal,
    TEXT: _text,
    TEXTS: _text,
    DAY: _day,
    FLAG: _flag,
}
