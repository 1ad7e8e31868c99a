"""The `phrasepix` command."""

import gc
import os
import sys
import warnings
from io import TextIOWrapper

from phrasepix.cli.commands import COMMANDS, check_command, command_named, fail, run
from phrasepix.cli.errors import WRONG_USAGE, leave_when_interrupted_amid_an_import
from phrasepix.cli.find import COMMAND
from phrasepix.cli.late_pandas import LatePandas
from phrasepix.cli.output import exit_code_after_flushing, failed_to_write, leave_no_stream_closed
from phrasepix_core import environment

_GARBAGE_FROM = 100_000
"""New objects before garbage is looked for among them; imports make nearly as many, and all of them stay."""


def main() -> None:
    """Run the command and leave with its exit code (see `phrasepix.cli.errors`).

    `find` is what is meant where no command is named, and so a phrase is all it takes. A phrase that is a command's
    name follows `find` or `--`.
    """
    if not sys.warnoptions:
        # What libraries have to say of themselves is not for the person; -W and PYTHONWARNINGS show it.
        warnings.simplefilter("ignore")
    leave_no_stream_closed()
    _write_every_script()
    _hurry()
    if sys.argv[1:2] in (["serve"], ["mcp"]):
        _share_the_cores()
    elif sys.argv[1:3] != ["library", "build"]:  # which Ray works for
        sys.meta_path.insert(0, LatePandas())
    leave_when_interrupted_amid_an_import()
    code: str | int | None
    try:
        run_command(sys.argv[1:])
        code = 0
    except SystemExit as leaving:
        code = leaving.code
    except OSError as error:  # what the parser itself prints
        code = failed_to_write(error)
    if code is None or isinstance(code, int):
        code = exit_code_after_flushing(code or 0)
        if "numpy" in sys.modules:
            os._exit(code)  # at once: to take NumPy or a model down part by part takes 0.1 s, and the end does it too
    sys.exit(code)


def _hurry() -> None:
    """Spend nothing on what a command that soon ends has no use for."""
    gc.set_threshold(_GARBAGE_FROM)
    # NumPy's threads would wait for more work by turning in circles for 0.1 s each time; asleep they are as soon there.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


def _share_the_cores() -> None:
    """Have each of several searches at once multiply by itself: NumPy's threads serve one, and the others wait."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _write_every_script() -> None:
    """Have files and pipes get UTF-8, unless PYTHONIOENCODING says otherwise; what cannot be written is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            as_it_is = stream.isatty() or environment.is_set("PYTHONIOENCODING")
            stream.reconfigure(encoding=None if as_it_is else "utf-8", errors="backslashreplace")


def run_command(arguments: list[str]) -> None:
    """Run the command that the arguments name. Raises `SystemExit` with its exit code, unless that is 0."""
    match arguments:
        case []:
            COMMAND.main(["--help"], prog_name="phrasepix", standalone_mode=False)
            sys.exit(WRONG_USAGE)
        case ["cache", *rest]:
            from phrasepix.cli import cache

            run(cache.show, cache.with_every_model(rest), "phrasepix cache")
        case ["find"]:
            fail('find needs to know what: phrasepix "PHRASE" (to search for that very word: phrasepix -- find)')
        case ["find", *rest] if not rest[0].startswith("-") or {"--help", "-h", "--like"} & {*rest}:
            run(COMMAND, rest, "phrasepix")
        case ["--", word, *rest] if word in COMMANDS:
            run(COMMAND, [word, *rest], "phrasepix")
        case [name, *rest] if name in COMMANDS and name != "find":
            run(command_named(name), rest, f"phrasepix {name}")
        case rest:
            check_command(rest)
            run(COMMAND, rest, "phrasepix")
