"""How an option of a search is declared: once, at its field, for every face.

A dataclass whose fields are made by `field(default=…, metadata=option(…))` declares options. From them come the typed
signatures of functions, the command line, JSON schemas and the reference.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Final

_KEY: Final = "phrasepix.option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What every face needs to know of an option."""

    help: str
    """What it does, in a sentence or two without a face's own words: `{like}` stands for another option's name."""
    group: str
    """The heading it stands under."""
    flags: tuple[str, ...] = ()
    """What it is called on the command line, by default its own name; a second one `--no-…` turns a flag off."""
    on_command_line: bool = True
    """Whether the command line has it."""
    kind: type = str
    """Of one value: str, int, float, bool or Path."""
    repeats: bool = False
    """Whether several values may be given."""
    metavar: str = ""
    """What stands for a value in help texts, such as `FILE`."""
    choices: tuple[str, ...] = ()
    """The values allowed; empty if there are others."""
    least: float | None = None
    most: float | None = None
    parse: Callable[[str], object] | None = None
    """Makes a value of a text as people type it, such as `16:9`, or raises `PhrasepixError`; None: the text is it."""
    shown_default: str = ""
    """What holds without it, in words, if the default itself does not say that."""
    in_json: bool = True
    """Whether it stands in the JSON of a request."""


def option(help: str, group: str, *flags: str, **declared: Any) -> Mapping[str, Option]:  # noqa: A002  # as `Option`
    """Return the metadata of a field that is an option; the arguments are the fields of `Option`."""
    return {_KEY: Option(help=help, group=group, flags=flags, **declared)}


@dataclass(frozen=True, slots=True)
class DeclaredOption:
    """An option with what its field says of it."""

    name: str
    option: Option
    default: Any


def options_of(declaring: type) -> Iterator[DeclaredOption]:
    """Yield the options that a dataclass declares, in the order of its fields."""
    for field in fields(declaring):
        if (declared := field.metadata.get(_KEY)) is not None:
            yield DeclaredOption(field.name, declared, _default_of(field))


def _default_of(field: "Field[Any]") -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default
