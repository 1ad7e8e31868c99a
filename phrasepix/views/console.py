"""Whether a stream is a terminal, and rich's console on it."""

import sys
from typing import TYPE_CHECKING, TextIO

from phrasepix_core import environment

if TYPE_CHECKING:
    from rich.console import Console

_CALL_IT_A_TERMINAL = ("FORCE_COLOR", "TTY_COMPATIBLE")


def may_be_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal, or is called one; rich has the last word, and is not imported for this."""
    return stream.isatty() or any(map(environment.is_set, _CALL_IT_A_TERMINAL))


def console_of(stream: TextIO) -> "Console | None":
    """rich's console on `stream`, stdout or stderr; None where that is no terminal, and rich need not be imported."""
    if not may_be_terminal(stream):
        return None
    from rich.console import Console

    console = Console(stderr=stream is sys.stderr)
    return console if console.is_terminal else None
