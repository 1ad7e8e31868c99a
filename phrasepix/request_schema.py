"""The JSON schema of a request, made of the options where they are declared."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from phrasepix.library.columns import COLUMNS, SHORT_NAMES
from phrasepix.library.dictionary import JOINED, LISTING, OPERATORS
from phrasepix.request import SCHEMA_VERSION, SearchRequest
from phrasepix_core.options import DeclaredOption, options_of
from retriever.filters import Filters

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TYPES: Final = {str: "string", Path: "string", int: "integer", float: "number", bool: "boolean"}
_WEIGHT: Final = {"type": "number", "exclusiveMinimum": 0, "default": 1, "description": "How much it counts."}
_DEFINITIONS: Final[dict[str, Any]] = {
    "phrase": {
        "type": "object",
        "properties": {"phrase": {"type": "string", "pattern": r"\S"}, "weight": _WEIGHT},
        "required": ["phrase"],
        "additionalProperties": False,
    },
    "picture": {
        "type": "object",
        "description": "A picture by the path of its file or its http or https address.",
        "properties": {"picture": {"type": "string", "pattern": r"\S"}, "weight": _WEIGHT},
        "required": ["picture"],
        "additionalProperties": False,
    },
    "condition": {
        "description": "What a column's value must be: the value, or how it compares.",
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {
                "type": "object",
                "properties": {
                    operator: {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}
                    if operator in LISTING
                    else {"type": ["string", "number", "boolean", "null"]}
                    for operator in OPERATORS
                },
                "minProperties": 1,
                "additionalProperties": False,
            },
        ],
    },
    "parts": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/phrase"}, {"$ref": "#/$defs/picture"}]}},
    "query": {
        "type": "object",
        "description": "All that is wanted and not wanted; pictures by their addresses.",
        "properties": {
            "wanted": {"$ref": "#/$defs/parts", "minItems": 1},
            "unwanted": {"$ref": "#/$defs/parts"},
        },
        "required": ["wanted"],
        "additionalProperties": False,
    },
}
_CONDITION: Final = {"$ref": "#/$defs/condition"}
_TEXT: Final = {"type": "string", "pattern": r"\S"}
_FORMS: Final[dict[str, list[dict[str, Any]]]] = {
    "phrase": [_TEXT, {"$ref": "#/$defs/query"}],
    "like": [_TEXT, {"$ref": "#/$defs/picture"}],
    "minus": [_TEXT, {"$ref": "#/$defs/phrase"}, {"$ref": "#/$defs/picture"}],
}
"""What one value looks like where it is more than a text or a number."""


def request_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema, draft 2020-12) of what `SearchRequest.to_json` writes and `from_json` reads.

    What may be one or several is a value or a list. A request that meets it can still be refused: a file may be missing
    or a source not be known.
    """
    filters = {
        "type": "object",
        "description": "Which candidates are looked at; of a library also by conditions on its columns.",
        "properties": _properties(Filters),
        "patternProperties": _conditions(without=_properties(Filters)),
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "SearchRequest",
        "description": "What a search of phrasepix is asked for.",
        "type": "object",
        "properties": {
            "version": {"const": SCHEMA_VERSION, "description": "The version of this schema."},
            **_properties(SearchRequest),
            "filters": filters,
        },
        "anyOf": [{"required": ["phrase"]}, {"required": ["like"]}],
        "additionalProperties": False,
        "$defs": _DEFINITIONS
        | {
            "conditions": {
                "type": "object",
                "patternProperties": _conditions(),
                "minProperties": 1,
                "additionalProperties": False,
            }
        },
    }


def _conditions(without: Collection[str] = ()) -> dict[str, Any]:
    """What the columns of a library may be asked for, and how conditions are joined, by patterns of their names."""
    names = "|".join(name for name in (*COLUMNS, *SHORT_NAMES) if name not in without)
    joined = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/conditions"}}
    return {f"^({names})$": _CONDITION, f"^({'|'.join(map(re.escape, JOINED))})$": joined}


def _properties(declaring: type) -> dict[str, Any]:
    return {one.name: _property(one) for one in options_of(declaring) if one.option.in_json}


def description_of(declared: DeclaredOption) -> dict[str, Any]:
    """Return what a schema says of an option beside its type: `description` and, if it is one value, `default`."""
    option = declared.option
    names = {one.name: f"`{one.name}`" for each in (SearchRequest, Filters) for one in options_of(each)}
    text = option.help.format_map(names)
    described: dict[str, Any] = {
        "description": f"{text} By default {option.shown_default}." if option.shown_default else text
    }
    if isinstance(declared.default, bool | int | float | str) and declared.default != "":
        described["default"] = declared.default
    return described


def _property(declared: DeclaredOption) -> dict[str, Any]:
    option = declared.option
    described = description_of(declared)
    forms = _forms(declared)
    if option.repeats:
        forms = [
            *forms,
            {"type": "array", "items": _any_of(forms)} | ({"minItems": 1} if declared.name == "source" else {}),
        ]
    if declared.name in COLUMNS:  # a filter that is called as one takes conditions on it too
        forms = [*forms, _CONDITION]
    if declared.default is None:
        forms = [*forms, {"type": "null"}]
    return _any_of(forms) | described


def _forms(declared: DeclaredOption) -> list[dict[str, Any]]:
    """The forms of one value."""
    option = declared.option
    if declared.name in _FORMS:
        return _FORMS[declared.name]
    typed = [] if option.parse is None or option.kind is str else [{"type": "string"}]
    return [plain_form(declared), *typed]


def plain_form(declared: DeclaredOption) -> dict[str, Any]:
    """Return the form of one value as a text, a number or a flag, with what is allowed."""
    option = declared.option
    form: dict[str, Any] = {"type": _TYPES[option.kind]}
    if option.choices:
        form["enum"] = list(option.choices)
    if option.least is not None:
        form["minimum"] = option.least
    if option.most is not None:
        form["maximum"] = option.most
    return form


def _any_of(forms: list[dict[str, Any]]) -> dict[str, Any]:
    return dict(forms[0]) if len(forms) == 1 else {"anyOf": forms}
