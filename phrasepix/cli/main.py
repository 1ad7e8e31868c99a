"""The `phrasepix` command."""

import typer

from phrasepix.cli.find import find

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(find)


def main() -> None:
    """Run the command and leave with its exit code (see `phrasepix.cli.faults`)."""
    app()
