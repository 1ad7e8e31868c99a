"""`phrasepix mcp`: the tools for assistants on stdin and stdout."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phrasepix.cli.errors import explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS, HelpedCommand
from phrasepix.cli.value_types import PathValue

if TYPE_CHECKING:
    from phrasepix.finder import Finder

_UNLOAD_AFTER_S = 15 * 60
"""An assistant may stay open all day: a model it no longer uses takes no memory."""
_BY_SIGNAL = 128
"""What is added to a signal's number in the exit code of a process that it ends."""


@click.command(cls=HelpedCommand, context_settings=CONTEXT_SETTINGS)
@click.option(
    "--root",
    metavar="DIR",
    type=PathValue(),
    help="The folder below which the assistant may save, and read pictures and folders. Without one it may do neither.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks, and all that is logged.")
def serve(root: Path | None, debug: bool) -> None:
    """Serve tools for an assistant (Model Context Protocol) on stdin and stdout, until stdin is closed."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if debug else logging.WARNING)
    with explained(debug=debug):
        from phrasepix.config import Config
        from phrasepix.errors import WrongValueError
        from phrasepix.finder import Finder
        from phrasepix_core.extras import why_unavailable
        from phrasepix_core.installing import install_command
        from phrasepix_core.root import Root

        if why := why_unavailable("phrasepix mcp", "mcp"):
            raise WrongValueError(why)
        below = None if root is None else Root.at(root)
        try:
            from phrasepix.assistant.stdio import serve_stdio
        except ImportError as error:
            if not (error.name or "").startswith("mcp"):
                raise
            raise WrongValueError(
                f"phrasepix mcp needs version 2 or newer of the package mcp: {install_command('mcp')} --upgrade"
            ) from None
        from phrasepix.assistant.toolbox import Toolbox
        from phrasepix.kept_searches import KeptSearches

        finder = Finder(Config(unload_after_s=_UNLOAD_AFTER_S))
        serve_stdio(Toolbox(finder, KeptSearches(), below), lambda number: _leave(finder, _BY_SIGNAL + number))
        _leave(finder, 0)


def _leave(finder: "Finder", code: int) -> None:
    """End the process at once: threads may still wait for a server."""
    finder.close()
    sys.stderr.flush()
    os._exit(code)
