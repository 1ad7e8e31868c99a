"""Fills a library in a process of its own: `python -m tests.library_process BASE FOLDER CACHE`.

Commits eight rows at a time, and says after each commit how many files are done.
"""

import sys
from pathlib import Path

from tests.library_parts import sync


def main() -> None:
    """Fill the library that the arguments name."""
    base, folder, cache = map(Path, sys.argv[1:])
    sync(base, folder, cache, on_progress=lambda done, total: print(done, flush=True), commit_after=8)


if __name__ == "__main__":
    main()
