"""How errors and interruptions reach the person at the keyboard, and with which exit code."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

FOUND, NOTHING_FOUND, WRONG_USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def leave_when_interrupted_amid_an_import() -> None:
    """Have Ctrl-C end the process at once while the main thread imports something.

    Raised there, the interruption could leave the lock of that import held: Python gives it back only from where it is
    never interrupted, and a thread that imports the same would wait for ever.
    """
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            # Not by sys.stderr, which may be amid a write of its own; a bar has hidden a terminal's cursor.
            os.write(2, (b"\x1b[?25h\n" if os.isatty(2) else b"") + b"Interrupted.\n")
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


@contextmanager
def explained(*, debug: bool) -> Iterator[None]:
    """Turn an error into one message on stderr and an exit code; show the traceback only with `debug`."""
    try:
        yield
    except (click.exceptions.Exit, BrokenPipeError):
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
        raise click.exceptions.Exit(_say(error)) from None


def _of_the_system(error: OSError) -> str:
    """Return what the system would not do, with which file; empty where it names none."""
    from phrasepix_core.files import reason_of, shown_path

    if isinstance(error, FileNotFoundError):
        try:
            os.getcwd()  # noqa: PTH109  # Path.cwd() is the same, and takes an import
        except FileNotFoundError:
            return "the folder that you are in is no longer there; change into another one (cd)"
    if not isinstance(error.filename, str | bytes | os.PathLike) or error.errno is None:
        return ""
    return f"{shown_path(os.fsdecode(error.filename))} cannot be used: {reason_of(error)}; --debug shows for what"


def _say(error: Exception) -> int:
    from phrasepix.cli.parameters import as_typed
    from phrasepix.errors import WRONG_USAGE as MENDED_BY_ANOTHER_CALL
    from phrasepix.errors import PhrasepixError
    from phrasepix_core.text import printable_lines

    if isinstance(error, PhrasepixError):
        print(printable_lines(f"Error: {error.worded(as_typed)}"), file=sys.stderr)
        return WRONG_USAGE if isinstance(error, MENDED_BY_ANOTHER_CALL) else FAILED
    if isinstance(error, OSError) and (said := _of_the_system(error)):
        print(printable_lines(f"Error: {said}"), file=sys.stderr)
        return FAILED
    unforeseen = f"Error: something unforeseen happened ({type(error).__name__}: {error}). "
    print(printable_lines(unforeseen + "Run it again with --debug and report what it shows."), file=sys.stderr)
    return FAILED
