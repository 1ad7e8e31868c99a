"""`phrasepix encoders`: what pictures can be compared by, what each needs and remembers."""

import sys
from typing import TYPE_CHECKING

import click

from phrasepix.cli.blocks import Fact, blocks
from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.output import writing_to_stdout
from phrasepix.views.columns import ENCODERS, header
from phrasepix.views.console import console_of
from phrasepix_core.text import printable

if TYPE_CHECKING:
    from rich.text import Text

    from phrasepix.models.encoder_status import EncoderStatus


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.option("--measure", is_flag=True, help="Measure how many pictures each encodes in a second; it takes a while.")
@click.option("as_json", "--json", is_flag=True, help="One JSON list on stdout.")
@click.option(
    "with_header",
    "--header",
    is_flag=True,
    help=f"In a pipe, name the columns first: {', '.join(ENCODERS)} (tab-separated).",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def show(measure: bool, as_json: bool, with_header: bool, debug: bool) -> None:
    """List the encoders: what each reads, what it remembers of a picture, its licence, and whether it is ready.

    Those that read texts rank a phrase (--model NAME); each compares pictures (--by NAME with --like).
    """
    with explained(debug=debug):
        from phrasepix.models.encoder_status import encoder_statuses, measured
        from retriever.directories import cache_directory

        encoders = encoder_statuses(cache_directory())
        if measure:
            encoders = measured(encoders, cache_directory())
        with writing_to_stdout():
            if as_json:
                sys.stdout.write(_as_json(encoders))
            elif (console := console_of(sys.stdout)) is not None:
                console.print(_table(encoders))
            else:
                sys.stdout.write((header(ENCODERS) if with_header else "") + _lines(encoders))


def _as_json(encoders: "list[EncoderStatus]") -> str:
    from phrasepix.views.plain_json import plain_json

    return plain_json([one.to_dict() for one in encoders]) + "\n"


def _lines(encoders: "list[EncoderStatus]") -> str:
    """The columns of `ENCODERS`, tab-separated; empty what is not known."""
    lines = []
    for one in encoders:
        profile = one.profile
        fields = [
            one.name,
            profile.title if profile else "",
            ("yes" if "texts" in profile.encodes else "no") if profile else "",
            str(profile.bytes_per_picture) if profile else "",
            profile.licence if profile else "",
            profile.extra if profile else "",
            one.weights,
            _speed(one),
            profile.home_url if profile else "",
            one.remedy,
        ]
        lines.append("\t".join(printable(field) for field in fields) + "\n")
    return "".join(lines)


def _speed(encoder: "EncoderStatus") -> str:
    return "" if encoder.pictures_per_s is None else f"{encoder.pictures_per_s:.1f}"


def _table(encoders: "list[EncoderStatus]") -> object:
    return blocks((one.name, _words(one), _facts(one)) for one in encoders)


def _words(encoder: "EncoderStatus") -> "Text":
    from rich.text import Text

    words = Text(printable(encoder.profile.title) if encoder.profile else "")
    if encoder.remedy:
        words.append("\nnot ready: " if words else "not ready: ", "red").append(printable(encoder.remedy))
    return words


def _facts(encoder: "EncoderStatus") -> list[Fact]:
    profile = encoder.profile
    facts = [("weights", encoder.weights), ("pictures a second", _speed(encoder))]
    if profile is not None:
        facts = [
            ("reads", encoder.modalities),
            ("remembers", f"{profile.bytes_per_picture} bytes a picture"),
            ("licence", profile.licence),
            *facts,
        ]
    return facts
