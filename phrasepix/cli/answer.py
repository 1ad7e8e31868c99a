"""What goes to stdout: a table on a terminal, else tab-separated lines, JSON, or paths."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from phrasepix.cli.output import writing_to_stdout

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.live_results import LiveResults


def check_output(*, as_json: bool, as_paths: bool, gallery: Path | None) -> None:
    """Say what is wrong with the options before anything is searched for.

    Raises `WrongParameterError`, and `NotWrittenError` if the gallery cannot be written where it is wanted.
    """
    from phrasepix.errors import NotWrittenError, WrongParameterError

    if as_json and as_paths:
        raise WrongParameterError("--json and --paths both say what stdout gets; give one of them")
    if gallery is not None:
        from phrasepix_core.files import at_home, is_folder, reason_of

        place = at_home(gallery)
        # What stands there already may be a device, which takes what is written whatever its folder allows.
        folder = place.absolute().parent
        if not is_folder(folder):
            raise NotWrittenError(f"cannot write {gallery}: there is no folder {folder}; make it first")
        try:
            place.stat()
        except FileNotFoundError:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise NotWrittenError(f"cannot write {gallery}: the folder {folder} cannot be written to") from None
        except (OSError, ValueError) as error:
            raise NotWrittenError(f"cannot write {gallery}: {reason_of(error)}") from None


def write(results: "LiveResults", *, as_json: bool, with_header: bool) -> None:
    """The matches: a JSON object, a table on a terminal, or lines with or without a header."""
    from phrasepix.views.columns import MATCHES, header
    from phrasepix.views.console import console_of
    from phrasepix.views.terminal import results_lines

    with writing_to_stdout():
        if as_json:
            sys.stdout.write(results.to_json() + "\n")
        elif results and (console := console_of(sys.stdout)) is not None:
            console.print(results)
        else:
            sys.stdout.write((header(MATCHES) if with_header else "") + results_lines(results))


def write_paths(results: "LiveResults", *, null: bool, reporter: "Reporter") -> None:
    """The files that matches are, and on stderr how many are none."""
    from phrasepix.views.links import file_of

    found = [file_of(match.candidate) for match in results]
    put_paths((path for path in found if path is not None), null=null)
    if without := found.count(None):
        are = "is no file" if without == 1 else "are no files"
        reporter.say(f"{without} of {len(found)} matches {are} on this machine; --save DIR with --paths fetches them.")


def put_paths(paths: Iterable[Path], *, null: bool) -> None:
    """Each path byte by byte, whatever its name, with a line break or a NUL behind it."""
    end = b"\0" if null else b"\n"
    with writing_to_stdout():
        sys.stdout.flush()
        sys.stdout.buffer.write(b"".join(os.fsencode(path) + end for path in paths))
