"""What `phrasepix library status` shows of libraries on a terminal."""

from collections.abc import Iterable, Mapping
from typing import Any


def status_table(states: Iterable[Mapping[str, Any]]) -> object:
    """Return the libraries for people, by what `overview_of` says of each."""
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from phrasepix_core.text import printable

    table = Table(box=None, show_header=False, padding=(0, 2, 1, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for state in states:
        size = f", {decimal(state['bytes'])}" if state["bytes"] else ""
        words = Text(f"{state['pictures']} pictures{size}")
        if state["problem"]:
            words = Text("not usable: ", "red").append(printable(state["problem"]))
        seen = ", ".join(f"{source} {count}" for source, count in state["seen"].items())
        facts = [
            ("folders", ", ".join(state["folders"])),
            ("models", ", ".join(state["models"])),
            ("seen", seen),
            ("where", state["path"]),
        ]
        for what, said in facts:
            if said and said != state["name"]:
                words.append(f"\n{what}: ", "dim").append(printable(said))
        table.add_row(Text(printable(state["name"]), "bold"), words)
    return table
