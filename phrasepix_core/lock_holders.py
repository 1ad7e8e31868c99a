"""Who holds the lock of a file, as far as the system tells."""

import os
from pathlib import Path

from phrasepix_core.files import shown_path

_LOCKS = Path("/proc/locks")


def holder_of(lock: Path) -> str:
    """Who holds the lock `lock`, with its process id where Linux tells it: "process 123 (python)"."""
    try:
        found = lock.stat()
        place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        rows = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines()]
        process = next(row[4] for row in rows if len(row) > 5 and row[1] != "->" and row[5] == place)
        name = Path("/proc", process, "comm").read_text(encoding="utf-8", errors="replace").strip()
        return f"process {process} ({shown_path(name)})"
    except (OSError, ValueError, StopIteration, AttributeError):
        return "another process"
