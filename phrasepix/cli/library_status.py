"""What `phrasepix library status` shows of libraries on a terminal."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from phrasepix.cli.blocks import Fact, blocks
from phrasepix_core.text import printable

if TYPE_CHECKING:  # is imported where something is drawn
    from rich.text import Text


def status_table(states: Iterable[Mapping[str, Any]]) -> object:
    """Return the libraries for people, by what `overview_of` says of each."""
    return blocks((state["name"], _words(state), _facts(state)) for state in states)


def _words(state: Mapping[str, Any]) -> "Text":
    from rich.filesize import decimal
    from rich.text import Text

    if state["problem"]:
        return Text().append("not usable: ", "red").append(printable(state["problem"]))
    return Text(f"{state['pictures']} pictures" + (f", {decimal(state['bytes'])}" if state["bytes"] else ""))


def _facts(state: Mapping[str, Any]) -> list[Fact]:
    seen = ", ".join(f"{source} {count}" for source, count in state["seen"].items())
    where = state["path"] if state["path"] != state["name"] else ""
    return [
        ("folders", ", ".join(state["folders"])),
        ("models", ", ".join(state["models"])),
        ("seen", seen),
        ("where", where),
    ]
