"""`phrasepix cache`: what is kept on this machine, and clearing it."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from phrasepix.cli.faults import WRONG_USAGE, explained
from phrasepix.cli.output import writing_to_stdout
from phrasepix.columns import KEPT, header

if TYPE_CHECKING:
    from phrasepix.cache import Kept

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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
        raise typer.BadParameter(f"{text!r} is not a size; it must look like 500MB or 2GB")
    return int(float(match[1]) * _UNITS[match[2]])


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")] = False,
    with_header: Annotated[
        bool,
        typer.Option("--header", help=f"In a pipe, name the columns first: {', '.join(KEPT)} (tab-separated)."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Show what is kept on this machine: embeddings, fingerprints, pictures, answers, galleries, folders, weights."""
    if context.invoked_subcommand is not None:
        return
    with explained(debug=debug):
        from phrasepix.cache import what_is_kept
        from phrasepix.cli.screen import Screen

        with Screen() as screen:
            kept = what_is_kept()
        with writing_to_stdout():
            if as_json:
                sys.stdout.write(_as_json(kept))
            elif sys.stdout.isatty():
                from rich.console import Console

                Console().print(_table(kept))
            else:
                sys.stdout.write((header(KEPT) if with_header else "") + _lines(kept))
        if not kept:
            screen.say("Nothing is kept.")


@app.command()
def clear(
    embeddings: Annotated[
        str | None,
        typer.Option(metavar="[MODEL]", help="Embeddings: of every model, or of those whose name has MODEL in it."),
    ] = None,
    fingerprints: Annotated[bool, typer.Option("--fingerprints", help="What pictures are known again by.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures", help="Picture files.")] = False,
    answers: Annotated[bool, typer.Option("--answers", help="The sources' answers.")] = False,
    folders: Annotated[bool, typer.Option("--folders", help="Notes of what is in folders of your own.")] = False,
    galleries: Annotated[bool, typer.Option("--galleries", help="Gallery pages.")] = False,
    engines: Annotated[bool, typer.Option("--engines", help="Models made ready for an engine.")] = False,
    older_than: Annotated[
        float | None,
        typer.Option(
            metavar="DAYS", min=0, help="Only what was not used (embeddings, fingerprints) or made for so many days."
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Shrink to that, such as 500MB; the least recently used go, pictures first, embeddings last.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Clear what is kept: the kinds named, or everything but weights. What is cleared is made or fetched again."""
    from phrasepix.cache import ANSWERS, CLEARABLE, EMBEDDINGS, ENGINES, FINGERPRINTS, FOLDERS, GALLERIES, PICTURES

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
        raise typer.BadParameter("--max-size is about pictures, fingerprints and embeddings together; give it alone")
    model = None if embeddings in (None, EVERY_MODEL) else embeddings
    if not yes:
        _ask(kinds or list(CLEARABLE), model, older_than, max_size)
    with explained(debug=debug):
        from phrasepix.cache import clear, shrink
        from phrasepix.cli.screen import Screen

        with Screen() as screen:
            if most_bytes is not None:
                removed = shrink(most_bytes)
            else:
                removed = clear(kinds or CLEARABLE, model=model, older_than_days=older_than or 0)
        screen.say("Removed: " + ", ".join(f"{count} {kind}" for kind, count in removed.items()))


def _ask(kinds: list[str], model: str | None, older_than: float | None, max_size: str | None) -> None:
    if max_size is not None:
        what = f"the least recently used pictures, fingerprints and embeddings beyond {max_size}"
    else:
        what = ", ".join(kinds) + (f" (embeddings of {model})" if model else "")
        what += f" of {older_than:g} days ago and before" if older_than else ""
    if not sys.stdin.isatty():
        typer.echo(f"Error: nothing was cleared: say --yes to clear {what}.", err=True)
        raise typer.Exit(WRONG_USAGE)
    typer.confirm(f"Clear {what}?", abort=True, err=True)


def _as_json(kept: "list[Kept]") -> str:
    from phrasepix.plain_json import plain_json

    rows = [
        {"kind": one.kind, "name": one.name, "count": one.count, "bytes": one.size, "path": str(one.path)}
        for one in kept
    ]
    return plain_json(rows) + "\n"


def _lines(kept: "list[Kept]") -> str:
    return "".join(
        f"{one.kind}\t{one.name}\t{'' if one.count is None else one.count}\t{one.size}\t{one.path}\n" for one in kept
    )


def _table(kept: "list[Kept]") -> object:
    """What is kept, in lines that fit 80 columns, and below it where: places relative to the cache directory."""
    from rich import box
    from rich.console import Group
    from rich.filesize import decimal
    from rich.style import Style
    from rich.table import Table
    from rich.text import Text

    from phrasepix.cells import Lines, in_the_middle
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
