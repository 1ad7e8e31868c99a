"""The command in the test's own process, for tests of its words and exit code: no process has to start.

What only a process has (pipes, signals, a full disk under stdout, imports, two at once) is tested with
`tests.test_command_line.run`.
"""

import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from unittest.mock import patch

from phrasepix.cli.main import run_command


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `phrasepix` with these arguments and variables of the environment writes to files, and its exit code."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", errors="backslashreplace") for _ in range(2))
    with patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        try:
            run_command([*arguments])
            code: str | int | None = 0
        except SystemExit as leaving:
            code = leaving.code
    assert isinstance(code, int), f"what is no number goes to stderr and is exit code 1: {code}"
    return subprocess.CompletedProcess([*arguments], code, *(_written(stream) for stream in (out, err)))


def _written(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
