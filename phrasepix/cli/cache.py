"""`phrasepix cache`: what is kept on this machine, and clearing it."""

import re
import sys
from typing import TYPE_CHECKING

import click

from phrasepix.cli.errors import WRONG_USAGE, explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedGroup
from phrasepix.cli.output import writing_to_stdout
from phrasepix.cli.value_types import Number
from phrasepix.views.columns import KEPT, header
from phrasepix.views.console import console_of

if TYPE_CHECKING:
    from phrasepix.cache_inventory import CacheEntry

EVERY_MODEL = "*"
"""What stands for `--embeddings` without a model."""

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def with_every_model(arguments: list[str]) -> list[str]:
    """`--embeddings` may stand alone; options with a value that may be left out are not known to the parser."""
    spelled = []
    for argument, following in zip(arguments, [*arguments[1:], "-"], strict=False):
        alone = argument == "--embeddings" and following.startswith("-")
        spelled.append(f"{argument}={EVERY_MODEL}" if alone else argument)
    return spelled


def _size(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?B|)\s*", text.upper())
    if match is None or match[2] not in _UNITS:
        raise click.BadParameter(f"{text!r} is not a size; it must look like 500MB or 2GB")
    return int(float(match[1]) * _UNITS[match[2]])


@click.group(cls=HelpedGroup, invoke_without_command=True, context_settings=CONTEXT_SETTINGS)
@click.option("as_json", "--json", is_flag=True, help="One JSON list on stdout.")
@click.option(
    "with_header",
    "--header",
    is_flag=True,
    help=f"In a pipe, name the columns first: {', '.join(KEPT)} (tab-separated).",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def show(context: click.Context, as_json: bool, with_header: bool, debug: bool) -> None:
    """Show what is kept on this machine: embeddings, fingerprints, pictures, answers, galleries, folders, weights."""
    if context.invoked_subcommand is not None:
        return
    with explained(debug=debug):
        from phrasepix.cache_inventory import inventory
        from phrasepix.cli.reporter import Reporter

        with Reporter() as reporter:
            reporter.expect("looking at what is kept")
            kept = inventory()
        with writing_to_stdout():
            if as_json:
                sys.stdout.write(_as_json(kept))
            elif (console := console_of(sys.stdout)) is not None:
                console.print(_table(kept))
            else:
                sys.stdout.write((header(KEPT) if with_header else "") + _lines(kept))
        if not kept:
            reporter.say("Nothing is kept.")


@show.command()
@click.option(
    "--embeddings", metavar="[MODEL]", help="Embeddings: of every model, or of those whose name has MODEL in it."
)
@click.option("--fingerprints", is_flag=True, help="What pictures are known again by.")
@click.option("--pictures", is_flag=True, help="Picture files.")
@click.option("--answers", is_flag=True, help="The sources' answers.")
@click.option("--folders", is_flag=True, help="Notes of what is in folders of your own.")
@click.option("--galleries", is_flag=True, help="Gallery pages.")
@click.option("--engines", is_flag=True, help="Models made ready for an engine.")
@click.option(
    "--older-than",
    metavar="DAYS",
    type=Number(0),
    help="Only what was not used (embeddings, fingerprints) or made for so many days.",
)
@click.option(
    "--max-size",
    metavar="SIZE",
    help="Shrink to that, such as 500MB; the least recently used go, pictures first, embeddings last.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def clear(
    embeddings: str | None,
    fingerprints: bool,
    pictures: bool,
    answers: bool,
    folders: bool,
    galleries: bool,
    engines: bool,
    older_than: float | None,
    max_size: str | None,
    yes: bool,
    debug: bool,
) -> None:
    """Clear what is kept: the kinds named, or everything but weights. What is cleared is made or fetched again."""
    from phrasepix.cache_inventory import (
        ANSWERS,
        CLEARABLE,
        EMBEDDINGS,
        ENGINES,
        FINGERPRINTS,
        FOLDERS,
        GALLERIES,
        PICTURES,
    )

    chosen = {
        EMBEDDINGS: embeddings is not None,
        FINGERPRINTS: fingerprints,
        PICTURES: pictures,
        ANSWERS: answers,
        GALLERIES: galleries,
        ENGINES: engines,
        FOLDERS: folders,
    }
    kinds = [kind for kind, wanted in chosen.items() if wanted]
    most_bytes = None if max_size is None else _size(max_size)
    if most_bytes is not None and (kinds or older_than is not None):
        raise click.BadParameter("--max-size is about pictures, fingerprints and embeddings together; give it alone")
    model = None if embeddings in (None, EVERY_MODEL) else embeddings
    if not yes:
        _ask(kinds or list(CLEARABLE), model, older_than, max_size)
    with explained(debug=debug):
        from phrasepix.cache_inventory import clear, shrink
        from phrasepix.cli.reporter import Reporter

        with Reporter() as reporter:
            reporter.expect("clearing")
            if most_bytes is not None:
                removed = shrink(most_bytes)
            else:
                removed = clear(kinds or CLEARABLE, model=model, older_than_days=older_than or 0)
        reporter.say("Removed: " + ", ".join(f"{count} {kind}" for kind, count in removed.items()))


def _ask(kinds: list[str], model: str | None, older_than: float | None, max_size: str | None) -> None:
    if max_size is not None:
        what = f"the least recently used pictures, fingerprints and embeddings beyond {max_size}"
    else:
        what = ", ".join(kinds) + (f" (embeddings of {model})" if model else "")
        what += f" of {older_than:g} days ago and before" if older_than else ""
    if not sys.stdin.isatty():
        click.echo(f"Error: nothing was cleared: say --yes to clear {what}.", err=True)
        raise click.exceptions.Exit(WRONG_USAGE)
    click.confirm(f"Clear {what}?", abort=True, err=True)


def _as_json(kept: "list[CacheEntry]") -> str:
    from phrasepix.views.plain_json import plain_json

    rows = [
        {"kind": one.kind, "name": one.name, "count": one.count, "bytes": one.size, "path": str(one.path)}
        for one in kept
    ]
    return plain_json(rows) + "\n"


def _lines(kept: "list[CacheEntry]") -> str:
    return "".join(
        f"{one.kind}\t{one.name}\t{'' if one.count is None else one.count}\t{one.size}\t{one.path}\n" for one in kept
    )


def _table(kept: "list[CacheEntry]") -> object:
    """What is kept, in lines that fit 80 columns, and below it where: places relative to the cache directory."""
    from rich import box
    from rich.console import Group
    from rich.filesize import decimal
    from rich.style import Style
    from rich.table import Table
    from rich.text import Text

    from phrasepix.views.cells import Lines, in_the_middle
    from retriever.directories import cache_directory

    directory = cache_directory()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("kept", no_wrap=True)
    table.add_column("how many", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("where")
    for one in kept:
        is_inside = one.path.is_relative_to(directory)
        where = one.path.relative_to(directory) if is_inside else one.path
        cell = Lines()
        cell.add(Text(one.name))
        cell.add(Text(str(where), Style(dim=True, link=one.path.absolute().as_uri())), cut=in_the_middle)
        table.add_row(one.kind, "" if one.count is None else f"{one.count}", decimal(one.size), cell)
    place = Text.assemble("Places are in ", (str(directory), Style(link=directory.absolute().as_uri())))
    return Group(table, *([place] if kept else []))
