"""Rows of a table as text: lines for pipes and people, CSV, JSON."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TextIO

from phrasepix.views.plain_json import plain_json
from phrasepix_core.text import printable

Rows = Iterable[tuple[Any, ...]]


def write_lines(out: TextIO, columns: Sequence[str], rows: Rows) -> None:
    """Write the names of the columns, then each row, tab-separated and in printable characters."""
    for row in _with(columns, rows):
        out.write("\t".join(printable(str(_plain(value))) for value in row) + "\n")


def write_csv(out: TextIO, columns: Sequence[str], rows: Rows) -> None:
    """Write the names of the columns, then each row, as CSV (RFC 4180)."""
    writer = csv.writer(out)
    for row in _with(columns, rows):
        writer.writerow([_plain(value) for value in row])


def write_json(out: TextIO, columns: Sequence[str], rows: Rows) -> None:
    """Write one JSON object: `columns`, their names, and `rows`, a list of values each."""
    values = [[value.isoformat() if isinstance(value, date) else value for value in row] for row in rows]
    out.write(plain_json({"columns": list(columns), "rows": values}) + "\n")


def _with(columns: Sequence[str], rows: Rows) -> Iterable[Sequence[Any]]:
    yield columns
    yield from rows


def _plain(value: Any) -> Any:
    """A list as its items with commas between; nothing for what is not known."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else value
