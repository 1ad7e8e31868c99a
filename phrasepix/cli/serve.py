"""`phrasepix serve`: the page, the API and the inference endpoints, on this machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.value_types import PathValue, WholeNumber

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter

_UNLOAD_AFTER_S = 900.0
"""After so many seconds without a search the models' memory is given back."""
_PACKAGES = ("fastapi", "mcp", "uvicorn")


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.option(
    "--port", type=WholeNumber(0, 65535), default=0, metavar="N", help="Where to listen.  [default: a free port]"
)
@click.option(
    "--host", default="127.0.0.1", metavar="H", help="The name or address to listen on.  [default: 127.0.0.1]"
)
@click.option(
    "--root",
    type=PathValue(file_okay=False),
    default=Path("phrasepix-saved"),
    metavar="DIR",
    help="The folder below which pictures are saved, and folders and files are searched.  [default: phrasepix-saved]",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@click.option("--history/--no-history", "keeps_history", default=True, help="List recent searches.  [default: on]")
@click.option(
    "--note-feedback",
    "notes_feedback",
    is_flag=True,
    help="Note in the project folder's feedback.jsonl which pictures were marked as right and which as wrong, for "
    "`phrasepix adapt --from-picks`.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def run_server(
    port: int, host: str, root: Path, open_page: bool, keeps_history: bool, notes_feedback: bool, debug: bool
) -> None:
    """Serve the page and the API until Ctrl-C.

    The address that is printed has the token in it which every request must show.
    """
    with explained(debug=debug), _starting() as waiting:
        _demand_packages()
        from phrasepix.config import Config
        from phrasepix.finder import Finder
        from phrasepix.server.running import bound_socket, serve
        from phrasepix.server.settings import ServerSettings

        with bound_socket(host, port) as bound:
            settings = ServerSettings(
                port=bound.getsockname()[1],
                host=host,
                root=root,
                keeps_history=keeps_history,
                notes_feedback=notes_feedback,
            )

            def say_where() -> None:
                waiting.clear()
                print(settings.address_with_token, flush=True)
                if not settings.is_on_loopback:
                    print(_OPEN_TO_OTHERS.format(root=root), file=sys.stderr, flush=True)
                if open_page and click.launch(settings.address_with_token) != 0:
                    print("No browser could be opened; open the address above in one.", file=sys.stderr, flush=True)

            with Finder(Config(both_towers=True, unload_after_s=_UNLOAD_AFTER_S)) as finder:
                serve(finder, settings, bound, say_where)


_OPEN_TO_OTHERS = (
    "Whoever can reach this address and has its token can search with your keys, look at your folders below {root} and "
    "save there. The connection is not encrypted: others in the network can read the token."
)


@contextmanager
def _starting() -> Iterator["Reporter"]:
    """Show on a terminal that the server starts, if that takes a while, until what is given is cleared."""
    from phrasepix.cli.reporter import Reporter

    reporter = Reporter()  # not entered: what the stages log while it serves goes to stderr as it is
    reporter.expect("starting the server")
    try:
        yield reporter
    finally:
        reporter.clear()


def _demand_packages() -> None:
    from phrasepix.errors import WrongValueError
    from phrasepix_core.extras import why_unavailable

    if why := why_unavailable("phrasepix serve", *_PACKAGES):
        raise WrongValueError(why)
