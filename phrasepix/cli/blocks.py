"""Lists for people on a terminal: of each entry a block, its name before what is said of it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from phrasepix_core.text import printable

if TYPE_CHECKING:  # rich is imported where something is drawn
    from rich.table import Table
    from rich.text import Text

Fact = tuple[str, str]
"""What something is of, and it; where the latter is empty nothing is said."""


def blocks(entries: Iterable[tuple[str, "Text", Iterable[Fact]]]) -> "Table":
    """Return what is drawn of entries, each by its name, what is said of it first, and the facts below, a line each.

    What would steer a terminal is shown harmlessly, but in the `Text`.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 1, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, words, facts in entries:
        for what, said in facts:
            if said:
                words.append(f"\n{what}: " if words else f"{what}: ", "dim").append(printable(said))
        table.add_row(Text(printable(name), "bold"), words)
    return table
