"""`phrasepix library`: a table of one's own pictures, kept in step with folders, searched and asked by SQL."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedGroup
from phrasepix.cli.library_build import build
from phrasepix.cli.library_keeping import keeping, opening, report
from phrasepix.cli.library_options import DEBUG, JSON, MODEL, NAME, PRETRAINED, demand_table, located
from phrasepix.cli.library_status import status_table
from phrasepix.cli.library_views import duplicates, map_, timeline
from phrasepix.cli.output import writing_to_stdout
from phrasepix.cli.value_types import Number, PathValue, PlaceValue
from phrasepix.views.columns import LIBRARIES, header
from phrasepix.views.console import console_of

if TYPE_CHECKING:
    from phrasepix.library.folder_sync import SyncCounts

_FILE = PathValue(dir_okay=False)


@click.group(cls=HelpedGroup, context_settings=CONTEXT_SETTINGS)
def library() -> None:
    """Keep a library of your own pictures: searched by --source library:NAME, in milliseconds, and asked by SQL."""


for _command in (build, timeline, map_, duplicates):
    library.add_command(_command)


@library.command()
@click.argument("places", type=PlaceValue(), nargs=-1, required=True, metavar="FOLDER_OR_LIST…")
@NAME
@MODEL
@PRETRAINED
@click.option(
    "keeps_places",
    "--places/--no-places",
    default=None,
    help="Keep where pictures were taken, for --near; without it the library does not know.",
)
@JSON
@DEBUG
def add(
    places: tuple[str, ...],
    name: str,
    model: str | None,
    pretrained: str | None,
    keeps_places: bool | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Add folders, and encode their pictures. Nothing is copied; what was encoded before is not encoded again.

    A list, too: a CSV, TSV, Parquet or text file with the addresses of pictures on the web, and what is known of them.
    Or a tar archive of pictures, or what lies below s3://BUCKET/FOLDER, reached as the variables AWS_… say.
    """
    with explained(debug=debug), keeping(name) as (keeper, reporter):
        counts = keeper.add(places, model, pretrained, places=keeps_places)
        report(reporter, name, asdict(counts), as_json)


@library.command()
@NAME
@MODEL
@PRETRAINED
@JSON
@DEBUG
def sync(name: str, model: str | None, pretrained: str | None, as_json: bool, debug: bool) -> None:
    """Bring a library in step with its folders: what is new, changed, moved and gone."""
    with explained(debug=debug), keeping(name) as (keeper, reporter):
        counts = keeper.sync(model, pretrained)
        report(reporter, name, asdict(counts), as_json)


@library.command()
@NAME
@MODEL
@PRETRAINED
@click.option(
    "--every",
    type=Number(0),
    metavar="SECONDS",
    help="Look through the folders so often, as network drives need it.  [default: when the system tells of changes]",
)
@DEBUG
def watch(name: str, model: str | None, pretrained: str | None, every: float | None, debug: bool) -> None:
    """Keep a library in step with its folders until Ctrl-C."""
    with explained(debug=debug), keeping(name) as (keeper, reporter):
        from phrasepix.library.watching import LibraryWatcher

        def on_synced(counts: "SyncCounts") -> None:
            report(reporter, name, asdict(counts), as_json=False)

        def on_begun() -> None:
            reporter.say(f"Watching the folders of the library {name}; Ctrl-C ends it")

        LibraryWatcher(
            located(name), keeper, on_event=reporter.show, on_synced=on_synced, on_begun=on_begun, every_s=every
        ).run(model, pretrained)


@library.command()
@click.argument("places", type=PlaceValue(), nargs=-1, required=True, metavar="PATH…")
@NAME
@DEBUG
def remove(places: tuple[str, ...], name: str, debug: bool) -> None:
    """Take folders or files out of a library. Nothing on disk is deleted."""
    with explained(debug=debug), keeping(name) as (keeper, reporter):
        reporter.say(f"Taken out of the library {name}: {keeper.remove(places)} pictures")


@library.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE…]")
@click.option("--name", default="seen", metavar="NAME", help="Which library, by its name or URI.  [default: seen]")
@DEBUG
def forget(sources: tuple[str, ...], name: str, debug: bool) -> None:
    """Forget what --remember-in has remembered: of some stock sources by their names, or all. Your pictures stay."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library.forgetting import forget as forget_of
        from phrasepix.library.table import Library

        reporter.say(f"Forgotten in the library {name}: {forget_of(Library.open(location), sources)} pictures")


@library.command()
@click.option("--name", metavar="NAME", help="This one alone, by its name or URI.")
@JSON
@click.option(
    "with_header",
    "--header",
    is_flag=True,
    help=f"In a pipe, name the columns first: {', '.join(LIBRARIES)} (tab-separated).",
)
@DEBUG
def status(name: str | None, as_json: bool, with_header: bool, debug: bool) -> None:
    """List the libraries of this machine: how many pictures, of which folders, with vectors of which models."""
    with explained(debug=debug):
        demand_table()
        from phrasepix.library.location import library_names

        names = [name] if name is not None else library_names()
        if not names:
            click.echo("There is no library yet: phrasepix library add FOLDER makes one.", err=True)
        states = []
        for one in names:
            with opening(one) as (location, _):
                from phrasepix.library.overview import overview_of

                states.append(overview_of(location))
        with writing_to_stdout():
            if as_json:
                from phrasepix.views.plain_json import plain_json

                sys.stdout.write(plain_json(states) + "\n")
            elif states and (console := console_of(sys.stdout)) is not None:
                console.print(status_table(states))
            else:
                sys.stdout.write(header(LIBRARIES) if with_header else "")
                for state in states:
                    sys.stdout.write("\t".join(_in_a_cell(state[column]) for column in LIBRARIES) + "\n")


@library.command()
@NAME
@DEBUG
def doctor(name: str, debug: bool) -> None:
    """Say what is wrong with a library, and mend it."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library.forgetting import forget_expired
        from phrasepix.library.maintenance import gone_back, health_of, tidy
        from phrasepix.library.table import Library

        done = gone_back(location)
        opened = Library.open(location)
        opened.add_missing_columns()
        if forgotten := forget_expired(opened, datetime.now(UTC)):
            done.append(f"forgot {forgotten} candidates that their sources let nobody keep any longer")
        done += tidy(opened, completely=True)
        health = health_of(opened)
        reporter.clear()
        with writing_to_stdout():
            for line in done or ["nothing was wrong"]:
                print(line)
            for column, count in health.unencoded.items():
                if count:
                    model = opened.description.encoders[column].model
                    print(f"{count} of {health.rows} pictures have no vector of {model}: phrasepix library sync")


@library.command()
@click.argument("statement", metavar="SELECT")
@NAME
@MODEL
@click.option("as_csv", "--csv", is_flag=True, help="CSV: the names of the columns, then the rows.")
@JSON
@click.option("parquet", "--parquet", type=_FILE, metavar="FILE", help="Into a Parquet file.")
@DEBUG
def sql(
    statement: str, name: str, model: str | None, as_csv: bool, as_json: bool, parquet: Path | None, debug: bool
) -> None:
    """Ask a library by SQL: one SELECT on `pictures`, with similarity('a phrase') and resembles('a file')."""
    if as_csv + as_json + (parquet is not None) > 1:
        raise click.UsageError("--csv, --json and --parquet are several forms; choose one")
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library.packages import demand_packages

        demand_packages("duckdb")
        from phrasepix.finder import Finder
        from phrasepix.library.backup import write_parquet
        from phrasepix.library.sql import sql_over
        from phrasepix.library.table import Library
        from phrasepix.views.rows import write_csv, write_json, write_lines

        write = write_csv if as_csv else write_json if as_json else write_lines
        with Finder() as finder:
            asked = sql_over(Library.open(location), finder, model)
            if parquet is not None:
                with asked.answering_in_arrow(statement) as (schema, batches):
                    reporter.say(f"{write_parquet(parquet, schema, batches)} rows written to {parquet}")
                return
            with asked.answering(statement) as (columns, rows), writing_to_stdout():
                reporter.clear()
                write(sys.stdout, columns, rows)


@library.command()
@click.argument("path", type=_FILE, metavar="FILE")
@NAME
@DEBUG
def backup(path: Path, name: str, debug: bool) -> None:
    """Write all that a library holds into one file, of which `restore` makes it again. The pictures are not in it."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library.backup import back_up
        from phrasepix.library.table import Library

        reporter.say(f"{back_up(Library.open(location), path)} pictures written to {path}")


@library.command()
@click.argument("path", type=_FILE, metavar="FILE.parquet")
@NAME
@click.option("--places", is_flag=True, help="With where pictures were taken, if the library keeps it.")
@DEBUG
def export(path: Path, name: str, places: bool, debug: bool) -> None:
    """Write the columns of a library, and the vectors, into a Parquet file for other programs."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library import backup as copies
        from phrasepix.library.table import Library

        reporter.say(f"{copies.export(Library.open(location), path, places=places)} pictures written to {path}")


@library.command()
@click.argument("path", type=PathValue(exists=True, dir_okay=False), metavar="FILE")
@NAME
@DEBUG
def restore(path: Path, name: str, debug: bool) -> None:
    """Make a library of what `backup` wrote."""
    with explained(debug=debug), opening(name) as (location, reporter):
        from phrasepix.library import backup as copies

        reporter.say(f"The library {name}: {copies.restore(path, location)} pictures restored")


def _in_a_cell(value: Any) -> str:
    from phrasepix_core.text import printable

    if isinstance(value, dict):
        value = [f"{name} {count}" for name, count in value.items()]
    return printable(", ".join(value) if isinstance(value, list) else str(value))
