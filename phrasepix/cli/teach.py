"""`phrasepix teach`: names that stand in phrases for what pictures share."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phrasepix.cli.blocks import blocks
from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.output import writing_to_stdout
from phrasepix.cli.value_types import PathValue
from phrasepix.views.columns import NAMES, header
from phrasepix.views.console import console_of
from phrasepix_core.text import printable

if TYPE_CHECKING:
    from phrasepix.names.store import Taught


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.argument("name", required=False, metavar="NAME")
@click.argument("pictures", nargs=-1, type=PathValue(), metavar="PICTURE…")
@click.option("--forget", metavar="NAME", help="Forget a name.")
@click.option("--model", metavar="MODEL", help="Which encodes its pictures now; others do when asked.")
@click.option("--pretrained", metavar="TAG", help="Its weights, where a model has several.")
@click.option("as_json", "--json", is_flag=True, help="JSON on stdout.")
@click.option(
    "with_header",
    "--header",
    is_flag=True,
    help=f"In a pipe, name the columns first: {', '.join(NAMES)} (tab-separated).",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def teach(
    name: str | None,
    pictures: tuple[Path, ...],
    forget: str | None,
    model: str | None,
    pretrained: str | None,
    as_json: bool,
    with_header: bool,
    debug: bool,
) -> None:
    """Teach a name by some pictures, best five: in phrases it stands for what they share. Without one, list names.

    For example: phrasepix teach "Paul" paul/*.jpg, then phrasepix "Paul reading on a beach" --source ~/Pictures
    """
    if forget is not None and name is not None:
        raise click.UsageError("--forget takes the name alone; pictures teach another one")
    if name is not None and not pictures:
        raise click.UsageError(f"no picture shows who or what {name} is; give some, best five")
    with explained(debug=debug):
        from phrasepix.cli.reporter import Reporter

        with Reporter() as reporter:
            if forget is not None:
                from phrasepix.names.store import forget as forget_name

                forget_name(forget)
                reporter.say(f"Forgotten: {forget}")
            elif name is not None:
                from phrasepix.finder import Finder

                reporter.expect(f"learning who or what {name} is")
                with Finder() as finder:
                    taught = finder.teach(name, pictures, model, pretrained, on_event=reporter.show)
                reporter.say(f"“{taught.name}” now stands for what {len(taught.pictures)} pictures share")
            else:
                from phrasepix.names.store import taught_names

                names = taught_names(reporter.say)
                _write(names, as_json=as_json, with_header=with_header)
                if not names:
                    reporter.say('No name is taught yet: phrasepix teach "Paul" paul/*.jpg')


def _write(names: "Sequence[Taught]", *, as_json: bool, with_header: bool) -> None:
    with writing_to_stdout():
        if as_json:
            from phrasepix.views.plain_json import plain_json

            listed = [
                {"name": one.name, "pictures": [picture.url for picture in one.pictures], "encoders": [*one.towers]}
                for one in names
            ]
            sys.stdout.write(plain_json(listed) + "\n")
        elif names and (console := console_of(sys.stdout)) is not None:
            console.print(_table(names))
        else:
            sys.stdout.write(header(NAMES) if with_header else "")
            for one in names:
                sys.stdout.write(f"{printable(one.name)}\t{len(one.pictures)}\t{printable(', '.join(one.towers))}\n")


def _table(names: "Sequence[Taught]") -> object:
    from rich.text import Text

    return blocks(
        (one.name, Text(f"{len(one.pictures)} pictures"), [("encoded by", ", ".join(one.towers))]) for one in names
    )
