"""`phrasepix sources`: where pictures can come from, what each source needs and whether it is ready."""

import sys
from typing import TYPE_CHECKING

import click

from phrasepix.cli.blocks import Fact, blocks
from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.output import writing_to_stdout
from phrasepix.views.columns import SOURCES, header
from phrasepix.views.console import console_of
from phrasepix_core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from phrasepix.sources.status import SourceStatus


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.option("as_json", "--json", is_flag=True, help="One JSON list on stdout.")
@click.option(
    "with_header",
    "--header",
    is_flag=True,
    help=f"In a pipe, name the columns first: {', '.join(SOURCES)} (tab-separated).",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def show(as_json: bool, with_header: bool, debug: bool) -> None:
    """List the sources, with what each needs and demands, and whether it is ready."""
    with explained(debug=debug):
        from phrasepix.cli.reporter import Reporter
        from phrasepix.sources.status import source_statuses

        with Reporter() as reporter:
            sources = source_statuses()
        with writing_to_stdout():
            if as_json:
                sys.stdout.write(_as_json(sources))
            elif (console := console_of(sys.stdout)) is not None:
                console.print(_table(sources))
            else:
                sys.stdout.write((header(SOURCES) if with_header else "") + _lines(sources))
        for source in sources:
            if source.profile is None:
                reporter.say(source.remedy)


def _as_json(sources: "list[SourceStatus]") -> str:
    from phrasepix.views.plain_json import plain_json

    return plain_json([source.to_dict() for source in sources]) + "\n"


def _lines(sources: "list[SourceStatus]") -> str:
    """Name, title, whether ready, key, limits, credit, hotlinking, duty on download, what to do: tab-separated."""
    from phrasepix.sources.status import credit_in_words, limits_in_words

    lines = []
    for source in sources:
        terms = [""] * 4
        if (profile := source.profile) is not None:
            terms = [limits_in_words(profile), credit_in_words(profile), profile.hotlinking, profile.download_duty]
        title = profile.title if profile is not None else ""
        fields = [source.name, title, "ready" if source.is_ready else "not ready", source.key, *terms, source.remedy]
        lines.append("\t".join(printable(field) for field in fields) + "\n")
    return "".join(lines)


def _table(sources: "list[SourceStatus]") -> object:
    return blocks((one.name, _words(one), _terms(one)) for one in sources)


def _words(source: "SourceStatus") -> "Text":
    from rich.text import Text

    return Text.assemble(
        ("ready", "green") if source.is_ready else ("not ready", "red"),
        (f" (key: {source.key})" if source.key else "", "dim"),
        f"\n{printable(source.remedy)}" if source.remedy else "",
    )


def _terms(source: "SourceStatus") -> "Iterator[Fact]":
    from phrasepix.sources.status import credit_in_words, limits_in_words

    if (profile := source.profile) is not None:
        yield "limits", limits_in_words(profile)
        yield "credit", credit_in_words(profile)
        yield "hotlinking", profile.hotlinking.value
        yield "on download", profile.download_duty
