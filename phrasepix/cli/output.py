"""What goes to stdout, and what is said if it cannot be written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from phrasepix.cli.errors import FAILED


@contextmanager
def writing_to_stdout() -> Iterator[None]:
    """What is printed inside has left the process afterwards.

    Raises `NotWrittenError`, such as on a full disk; a pipe that was closed stays a `BrokenPipeError`.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from phrasepix.errors import NotWrittenError
        from phrasepix_core.files import reason_of

        _discard(sys.stdout)
        raise NotWrittenError(f"cannot write to standard output: {reason_of(error)}") from None


def leave_no_stream_closed() -> None:
    """Give a process that was started without stdout or stderr the null device in its place.

    Else the next file that is opened would get its number, and what is printed.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def failed_to_write(error: OSError) -> int:
    """Say that the output (such as --help's) could not be written; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        _discard(stream, unless_flushed=True)
    with suppress(OSError):
        print(f"Error: cannot write the output: {error.strerror or error}", file=sys.stderr)
    return FAILED


def exit_code_after_flushing(code: int) -> int:
    """Write what still waits to be written, before the process ends; its exit code, of which `code` was to be."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        code = failed_to_write(error)
    _discard(sys.stderr, unless_flushed=True)
    return code


def _discard(stream: TextIO, *, unless_flushed: bool = False) -> None:
    """Have what is in a stream's buffer, and all that comes, go nowhere: Python would try again at its end."""
    if unless_flushed:
        with suppress(OSError):
            stream.flush()
            return
    with suppress(OSError, ValueError):  # a stream of a test has no descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()
