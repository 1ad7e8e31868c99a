"""What is wrong with a request's form, of all that pydantic says: one sentence, about the field that was meant."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

NO_JSON: Final = "json_invalid"
"""What pydantic calls a body that is no JSON."""

_WANTED: Final = {
    "string_type": "a text",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
    "list_type": "a list",
}
"""By the name of an error: what is wanted in place of a value of another kind."""

_MISSING: Final = "missing"

_KINDS: Final = frozenset({"str", "int", "float", "bool"})


def wrong_form(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return where something is wrong, as a path of fields and numbers (empty: the body), and what.

    Of a field that takes several kinds of values pydantic says for each kind why the value is none of it. What counts
    is what is said of the kind that was given; where it is of none, the kinds are listed.
    """
    field = errors[0]["loc"][1:2]
    of_field = [one for one in errors if one["loc"][1:2] == field]
    if said := next((one for one in of_field if one["type"] not in {*_WANTED, _MISSING}), None):
        return _where(said), str(said["msg"])
    # Of an object that has a field of another kind, another object's missing field is not what is wrong.
    deepest = max(of_field, key=lambda one: (_depth(one), one["type"] != _MISSING))
    where = _where(deepest)
    wanted = [_WANTED[one["type"]] for one in of_field if _where(one) == where and one["type"] in _WANTED]
    if len({*wanted}) < 2:
        return where, str(deepest["msg"])
    return where, f"give {' or '.join(dict.fromkeys(wanted))}"


def _depth(error: Mapping[str, Any]) -> int:
    return len(_where(error).split("."))


def _where(error: Mapping[str, Any]) -> str:
    """The place of a value; among its parts pydantic names the kinds that were tried, such as `list[str]`."""
    return ".".join(str(part) for part in error["loc"][1:] if isinstance(part, int) or _is_field(part))


def _is_field(part: str) -> bool:
    return part.isidentifier() and part.islower() and part not in _KINDS
