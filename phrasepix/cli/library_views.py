"""`phrasepix library timeline`, `map` and `duplicates`: a library as a whole, and what stands in it twice."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.library_keeping import opening
from phrasepix.cli.library_options import DEBUG, JSON, MODEL, NAME
from phrasepix.cli.output import writing_to_stdout
from phrasepix.cli.value_types import PathValue
from phrasepix.views.columns import DUPLICATES, header
from phrasepix.views.console import console_of
from phrasepix_core.text import printable

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.library.duplicates import DuplicateGroup

_PAGE = click.argument("page", type=PathValue(dir_okay=False), metavar="FILE.html")


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@_PAGE
@NAME
@DEBUG
def timeline(page: Path, name: str, debug: bool) -> None:
    """Write a page that shows a library by years and months."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library.pages.timeline import timeline_page
        from phrasepix.library.table import Library

        _write(page, timeline_page(Library.open(location)), reporter)


@click.command("map", cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@_PAGE
@NAME
@MODEL
@DEBUG
def map_(page: Path, name: str, model: str | None, debug: bool) -> None:
    """Write a page that shows a library as a map: what looks alike to the model lies together."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library.pages.map_page import map_page
        from phrasepix.library.table import Library

        library = Library.open(location)
        _write(page, map_page(library, library.column_of_model(model)), reporter)


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@NAME
@MODEL
@JSON
@click.option(
    "with_header",
    "--header",
    is_flag=True,
    help=f"In a pipe, name the columns first: {', '.join(DUPLICATES)} (tab-separated).",
)
@DEBUG
def duplicates(name: str, model: str | None, as_json: bool, with_header: bool, debug: bool) -> None:
    """List pictures that stand in a library several times, which of them to keep, and which can go. None is deleted."""
    with explained(debug=debug):
        with opening(name) as (location, reporter):
            from phrasepix.finder import Finder
            from phrasepix.library.duplicates import duplicate_groups
            from phrasepix.library.table import Library

            library = Library.open(location)
            with Finder() as finder:
                groups = duplicate_groups(library, library.column_of_model(model), finder.memory, reporter.show)
        with writing_to_stdout():
            if as_json:
                from phrasepix.views.plain_json import plain_json

                sys.stdout.write(plain_json([group.to_dict() for group in groups]) + "\n")
            elif groups and (console := console_of(sys.stdout)) is not None:
                console.print(_table(groups))
            else:
                sys.stdout.write(header(DUPLICATES) if with_header else "")
                _write_lines(groups)
        if not groups:
            reporter.say(f"No picture stands in the library {name} twice.")


def _write_lines(groups: "Sequence[DuplicateGroup]") -> None:
    for number, group in enumerate(groups, start=1):
        for one in group.copies:
            sys.stdout.write(f"{number}\t{one.verdict}\t{printable(one.path)}\t{printable(one.why)}\n")


def _table(groups: "Sequence[DuplicateGroup]") -> object:
    """The groups for people: a block each, what to do with a file before its path, and below it why."""
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    styles = {"keep": "green", "safe": "yellow", "look": "bold"}
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for number, group in enumerate(groups, start=1):
        for place, one in enumerate(group.copies):
            facts = f" ({one.width} × {one.height}, {decimal(one.bytes)})" if one.width else ""
            words = Text(printable(one.path)).append(facts, "dim").append(f"\n{printable(one.why)}", "dim")
            table.add_row("" if place else str(number), Text(one.verdict, styles[one.verdict]), words)
        table.add_row()
    freed = sum(group.bytes_safe for group in groups)
    table.caption = f"Groups: {len(groups)}" + (f"; what is safe to delete takes {decimal(freed)}" if freed else "")
    table.caption_justify = "left"
    return table


def _write(page: Path, html: str, reporter: "Reporter") -> None:
    from phrasepix.errors import NotWrittenError
    from phrasepix_core.files import reason_of, write_atomically

    try:
        write_atomically(page, html.encode())
    except OSError as error:
        raise NotWrittenError(f"cannot write {page}: {reason_of(error)}") from None
    reporter.say("Written:", page)
