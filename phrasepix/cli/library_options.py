"""What the commands of a library share: their options, and where the library is."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from phrasepix.library.location import Location

NAME = click.option(
    "--name", default="mine", metavar="NAME", help="Which library, by its name or URI.  [default: mine]"
)
MODEL = click.option(
    "--model", metavar="MODEL", help="Whose vectors.  [default: those that the library has, else ViT-B-32]"
)
PRETRAINED = click.option("--pretrained", metavar="TAG", help="Its weights, where a model has several.")
JSON = click.option("as_json", "--json", is_flag=True, help="JSON on stdout.")
DEBUG = click.option("--debug", is_flag=True, help="Show tracebacks.")


def located(name: str) -> "Location":
    """Return the place of a library, once what reads it is known to be installed. Raises `WrongValueError`."""
    from phrasepix.library.location import Location

    demand_table()
    return Location.of(name)


def demand_table() -> None:
    """Raise `WrongValueError`, saying how it is installed, if what reads a library is not."""
    from phrasepix.library.packages import demand_packages

    demand_packages("lance")
