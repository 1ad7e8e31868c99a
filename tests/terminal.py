"""Programs on a pseudo-terminal."""

import os
import pty
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence


def run_on_terminal(
    program: Sequence[str],
    *,
    columns: int = 100,
    on_shown: Callable[[str, "subprocess.Popen[bytes]"], object] = lambda shown, process: None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run with stdin, stdout and stderr on a terminal of that width; return the exit code and what was shown.

    `on_shown` gets what was shown so far, and the process, whenever there is more.
    """
    ours, theirs = pty.openpty()
    os.set_blocking(ours, True)
    shown = bytearray()
    with subprocess.Popen(
        program,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"COLUMNS": str(columns), "TERM": "xterm-256color"} | dict(environment or {}),
    ) as process:
        os.close(theirs)

        def read() -> None:
            try:
                while block := os.read(ours, 65536):
                    shown.extend(block)
                    on_shown(shown.decode("utf-8", "replace"), process)
            except OSError:
                pass  # the other end is closed: all was read

        reader = threading.Thread(target=read)
        reader.start()
        try:
            code = process.wait(120)
        finally:
            process.kill()
            reader.join()
    os.close(ours)
    return code, shown.decode("utf-8", "replace")
