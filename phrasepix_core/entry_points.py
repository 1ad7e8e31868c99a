"""What packages of this environment register for us."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import: whoever names nothing that is registered does without
    from importlib.metadata import EntryPoint


def installed_entry_points(group: str) -> "tuple[EntryPoint, ...]":
    """Return the entry points of a group.

    All that is installed is read for them, which takes tens of milliseconds: again only after something was installed.
    """
    return _read(group, _stamp())


@lru_cache(maxsize=4)
def _read(group: str, _stamp: tuple[tuple[str, int], ...]) -> "tuple[EntryPoint, ...]":
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _stamp() -> tuple[tuple[str, int], ...]:
    """Return the folders that packages are looked for in, each with when something was last put there or removed."""
    stamp = []
    for folder in sys.path:
        try:
            stamp.append((folder, Path(folder).stat().st_mtime_ns))
        except OSError:  # not there, or not a folder of files
            stamp.append((folder, 0))
    return tuple(stamp)
