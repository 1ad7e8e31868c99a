"""`phrasepix library build`: a library of a large list or prefix, made on this machine or by a Ray cluster."""

from dataclasses import asdict

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.library_keeping import keeping, report
from phrasepix.cli.library_options import DEBUG, JSON, MODEL, PRETRAINED
from phrasepix.cli.value_types import PlaceValue, WholeNumber


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.argument("places", type=PlaceValue(), nargs=-1, required=True, metavar="LIST_OR_PREFIX…")
@click.option(
    "--to", "name", required=True, metavar="URI", help="Which library, by its URI or name: s3://BUCKET/FOLDER."
)
@click.option("--ray", metavar="ADDRESS", help="Have the Ray cluster there encode, such as auto or ray://HEAD:10001.")
@click.option(
    "--piece",
    type=WholeNumber(1),
    metavar="N",
    help="Pictures that an actor of the cluster encodes and writes at once.  [default: 4096]",
)
@MODEL
@PRETRAINED
@JSON
@DEBUG
def build(
    places: tuple[str, ...],
    name: str,
    ray: str | None,
    piece: int | None,
    model: str | None,
    pretrained: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Fill a library with the pictures of lists, or of s3://BUCKET/FOLDER, which stay there.

    Without a cluster it does what `add` does. What is there already is not encoded again: after a kill, start it again.
    """
    with explained(debug=debug), keeping(name) as (keeper, reporter):
        if ray is None:
            counts = keeper.add(places, model, pretrained)
        else:
            from phrasepix.library.packages import demand_packages

            demand_packages("ray", "lance_ray", what="a build by a cluster")
            counts = keeper.build(places, ray, model, pretrained, piece=piece)
        report(reporter, name, asdict(counts), as_json)
