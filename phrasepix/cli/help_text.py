"""How help texts look: one column for all names, whole words, bold headings on a terminal."""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from phrasepix_core import environment

WIDEST = 100
"""Columns at most; longer lines are hard to read."""

UNBROKEN: Final = "\N{NO-BREAK SPACE}"
"""A space in a help text at which no line is broken."""

_WIDEST_NAME = 20
"""A name that takes more columns stands on a line of its own."""


class HelpFormatter(click.HelpFormatter):
    """Writes definition lists with a column that all sections share, and breaks lines at spaces only."""

    def write_heading(self, heading: str) -> None:
        """Write a heading, bold where stdout is a terminal that knows bold (click takes it out elsewhere)."""
        is_plain = environment.variable("TERM") == "dumb"
        self.write(f"{'':>{self.current_indent}}{heading if is_plain else click.style(heading, bold=True)}:\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _WIDEST_NAME, col_spacing: int = 2) -> None:
        """Write each row's name, and beside it what it says."""
        indent = " " * self.current_indent
        column = self.current_indent + col_max + col_spacing
        for name, said in rows:
            width = max(self.width - column, 10)
            lines = textwrap.wrap(said, width, break_on_hyphens=False, break_long_words=False) or [""]
            lines = [line.replace(UNBROKEN, " ") for line in lines]
            if len(name) > col_max:
                self.write(f"{indent}{name}\n")
                name = ""
            self.write(f"{indent}{name:<{col_max}}{'':{col_spacing}}{lines[0]}".rstrip() + "\n")
            for line in lines[1:]:
                self.write(f"{'':{column}}{line}\n")


def write_lines(formatter: click.HelpFormatter, lines: Iterable[str]) -> None:
    """Write lines as they are, for people copy them."""
    for line in lines:
        formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class _Context(click.Context):
    formatter_class = HelpFormatter


class HelpedCommand(click.Command):
    """A command whose help is laid out by `HelpFormatter`, and none of whose options is taken for another's value."""

    context_class = _Context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. Raises `click.BadParameter` if an option's value was left out (`--tag --open`)."""
        rest = super().parse_args(ctx, args)
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        known = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
        for option in options:
            given = ctx.params.get(option.name or "")
            for value in given if isinstance(given, tuple) else (given,):
                if isinstance(value, str | Path) and str(value) in known:
                    raise click.BadParameter(f"its value is missing: {value} is an option", ctx, option)
        return rest


class HelpedGroup(click.Group):
    """A command with commands of its own, whose help is laid out by `HelpFormatter`."""

    context_class = _Context
    command_class = HelpedCommand


CONTEXT_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST}
