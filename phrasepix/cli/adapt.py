"""`phrasepix adapt`: an encoder adapted to pictures of one's own, sorted into folders."""

import sys
from pathlib import Path

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.output import writing_to_stdout


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.argument("name", metavar="NAME")
@click.option(
    "folder",
    "--from",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="A folder of folders, whose names are labels of the pictures in them.",
)
@click.option("--base", metavar="MODEL", help="The encoder to adapt, which stays as it is.  [default: ViT-B-32]")
@click.option("--pretrained", metavar="TAG", help="Its weights, where a model has several.")
@click.option("as_json", "--json", is_flag=True, help="JSON on stdout.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def adapt(name: str, folder: Path, base: str | None, pretrained: str | None, as_json: bool, debug: bool) -> None:
    """Adapt an encoder to pictures that you sorted into folders; NAME is then a model to search by.

    A linear layer is learnt on what the encoder says of them, on this machine, in minutes. It is judged by pictures
    that it was not learnt on, and kept only if it is better than the encoder alone.
    """
    with explained(debug=debug):
        from phrasepix.adapting.adapting import Adapting, in_words
        from phrasepix.cli.reporter import Reporter
        from phrasepix.finder import Finder

        with Finder() as finder, Reporter() as reporter:
            adapted = Adapting(finder, reporter.show).adapt(name, folder, base, pretrained)
            if as_json:
                from dataclasses import asdict

                from phrasepix.views.plain_json import plain_json

                with writing_to_stdout():
                    sys.stdout.write(plain_json(asdict(adapted.adapter)) + "\n")
            adapter, verdict = adapted.adapter, adapted.verdict
            reporter.say(
                f"Learnt from {sum(adapter.labels.values())} pictures of {len(adapter.labels)} labels. On "
                f"{verdict.queries} pictures it was not learnt on: {in_words(verdict)}"
            )
            reporter.say(f"Kept as the model {name}: phrasepix --like photo.jpg --source FOLDER --model {name}")
