"""How errors and interruptions reach the person at the keyboard, and with which exit code."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

FOUND, NOTHING_FOUND, WRONG_USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


@contextmanager
def explained(*, debug: bool) -> Iterator[None]:
    """Turn an error into one message on stderr and an exit code; show the traceback only with `debug`."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        # At once: a normal exit would wait for every thread that still waits for a server.
        os._exit(INTERRUPTED)
    except Exception as error:
        if debug:
            traceback.print_exc()
        raise typer.Exit(_say(error)) from None


def _say(error: Exception) -> int:
    from phrasepix.errors import EVERY_ERROR
    from phrasepix.errors import WRONG_USAGE as MENDED_BY_ANOTHER_CALL

    if isinstance(error, EVERY_ERROR):
        print(f"Error: {error}", file=sys.stderr)
        return WRONG_USAGE if isinstance(error, MENDED_BY_ANOTHER_CALL) else FAILED
    print(
        f"Error: something unforeseen happened ({type(error).__name__}: {error}). "
        "Run it again with --debug and report what it shows.",
        file=sys.stderr,
    )
    return FAILED
