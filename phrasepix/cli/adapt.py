"""`phrasepix adapt`: an encoder adapted to pictures of one's own, sorted into folders or picked for projects."""

import sys
from pathlib import Path

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.output import writing_to_stdout
from phrasepix.cli.value_types import PathValue


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.argument("name", metavar="NAME")
@click.option(
    "folder",
    "--from",
    type=PathValue(),
    metavar="FOLDER",
    help="A folder of folders, whose names are labels of the pictures in them.",
)
@click.option(
    "projects",
    "--from-picks",
    multiple=True,
    type=PathValue(),
    metavar="PROJECT",
    help="A folder that you saved pictures into: what was picked or preferred there is told from what was to be "
    "avoided, if that was noted with --note-feedback. May be given several times.",
)
@click.option("--base", metavar="MODEL", help="The encoder to adapt, which stays as it is.  [default: ViT-B-32]")
@click.option("--pretrained", metavar="TAG", help="Its weights, where a model has several.")
@click.option("as_json", "--json", is_flag=True, help="JSON on stdout.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def adapt(
    name: str,
    folder: Path | None,
    projects: tuple[Path, ...],
    base: str | None,
    pretrained: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Adapt an encoder to pictures that you sorted into folders or picked; NAME is then a model to search by.

    A linear layer is learnt on what the encoder says of them, on this machine, in minutes. It is judged by pictures
    that it was not learnt on, and kept only if it is better than the encoder alone.
    """
    if (folder is None) == (not projects):
        raise click.UsageError("say what to learn from: either --from FOLDER, or --from-picks PROJECT")
    with explained(debug=debug):
        from phrasepix.adapting.adapting import Adapting, in_words
        from phrasepix.cli.reporter import Reporter
        from phrasepix.finder import Finder

        with Finder() as finder, Reporter() as reporter:
            adapting = Adapting(finder, reporter.show)
            if folder is not None:
                adapted = adapting.adapt(name, folder, base, pretrained)
            else:
                adapted = adapting.adapt_to_picks(name, projects, base, pretrained)
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
