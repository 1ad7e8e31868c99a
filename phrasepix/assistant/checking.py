"""Arguments of a tool checked against its schema.

The schemas are made of plain forms only: a text, a number, a flag, or a list of these. `jsonschema` is not used because
with its packages for formats, which Jupyter installs, its import takes longer than all the rest of the start.
"""

import reprlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from phrasepix.errors import WrongParameterError
from phrasepix_core.messages import nearest_in_words
from phrasepix_core.text import printable, shortened

_KINDS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
}


def checked_arguments(
    tool: str, given: Mapping[str, Any], parameters: Mapping[str, Any], required: Collection[str]
) -> dict[str, Any]:
    """Return the arguments that were given, without nulls; one value where a list may be given is a list of one.

    Raises `WrongParameterError`, which names the parameter, what was given and what is allowed.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    for name in arguments:
        if name not in parameters:
            raise WrongParameterError(
                f"{tool} has no parameter {shortened(printable(name))!r}{nearest_in_words(name, parameters)}; "
                f"it has {', '.join(parameters) or 'none'}"
            )
    for name in required:
        if name not in arguments:
            raise WrongParameterError(f"{tool} needs {name}")
    for name, value in arguments.items():
        if parameters[name]["type"] == "array" and not isinstance(value, list):
            arguments[name] = [value]
        _demand(name, arguments[name], parameters[name])
    return arguments


def _demand(name: str, value: Any, form: Mapping[str, Any]) -> None:
    kinds, words = _KINDS[form["type"]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise WrongParameterError(f"{name} {_shown(value)} is not {words}")
    if "enum" in form and value not in form["enum"]:
        raise WrongParameterError.not_among(name, shortened(printable(str(value))), form["enum"])
    if isinstance(value, int | float) and not form.get("minimum", value) <= value <= form.get("maximum", value):
        raise WrongParameterError(
            f"{name} {_shown(value)} is out of range; allowed: {_range(form.get('minimum'), form.get('maximum'))}"
        )
    if isinstance(value, list):
        if not form.get("minItems", 0) <= len(value) <= form.get("maxItems", len(value)):
            raise WrongParameterError(
                f"{name} has {len(value)} values; allowed: {_range(form.get('minItems'), form.get('maxItems'))}"
            )
        for one in value:
            _demand(name, one, form["items"])


def _range(least: float | None, most: float | None) -> str:
    words = ["" if least is None else f"from {least}", "" if most is None else f"to {most}"]
    return " ".join(filter(None, words))


def _shown(value: object) -> str:
    return printable(reprlib.repr(value))
