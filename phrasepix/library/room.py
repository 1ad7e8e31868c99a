"""Room on the disk of a library: what is short of it is noticed before it is full."""

import shutil
from pathlib import Path
from typing import Final

from phrasepix.errors import LibraryError
from phrasepix.library.location import Location

RESERVED: Final = 32 << 20
"""Bytes that are left free on the disk: with none the machine's other programs fail too."""
_TIMES: Final = 2
"""How many times its size in memory a batch may take: its rows, and the versions and indexes that go with them."""


def has_room(location: Location, size: int) -> bool:
    """Whether so many bytes may be written; at a URI it is not known, and taken for granted."""
    return location.is_uri or _free(location) >= size + RESERVED


def demand_room(location: Location, size: int) -> None:
    """Raise `LibraryError` if a batch of `size` bytes would leave too little free."""
    if not has_room(location, _TIMES * size):
        raise LibraryError(
            f"the disk of the library {location.name} has {_free(location) >> 20} MB left, too little to go on; make "
            "room, then `phrasepix library sync` goes on where it was"
        )


def bytes_below(directory: Path) -> int:
    """Return the bytes of all files below a directory."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # compacted meanwhile
            continue
    return total


def _free(location: Location) -> int:
    return shutil.disk_usage(location.base).free
