"""Where a gallery goes when nobody says where."""

import itertools
import stat
import time
from contextlib import suppress
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix.saving.filenames import hyphenated
from phrasepix_core.files import create, reason_of
from retriever.directories import cache_directory

_KEPT = 50
_LONGEST_NAME_BYTES = 120


def place_for_gallery(phrase: str) -> Path:
    """A new, empty file in the cache directory, named after the phrase; the oldest beyond fifty are removed.

    It is no other search's: where the name is taken, a number sets it apart. Raises `NotWrittenError`.
    """
    directory = cache_directory() / "galleries"
    stem = hyphenated(phrase.lower(), _LONGEST_NAME_BYTES) or "gallery"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for _, old in sorted(_by_age(directory), reverse=True)[_KEPT - 1 :]:
            with suppress(OSError):  # it stays, and another search may remove it
                old.unlink()
        for number in itertools.count(1):
            place = directory / (f"{stem}.html" if number == 1 else f"{stem}-{number}.html")
            with suppress(FileExistsError):
                create(place).close()
                return place
    except OSError as error:
        raise NotWrittenError(f"cannot write to {directory}: {reason_of(error)}") from None
    raise AssertionError  # numbers do not end


def _by_age(directory: Path) -> list[tuple[int, Path]]:
    """The galleries there, each after the time of its last change; another process may remove some meanwhile.

    A time to come, by a clock that was wrong, counts as long ago.
    """
    found = []
    now = time.time_ns()
    for path in directory.glob("*.html"):
        with suppress(OSError):
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                found.append((about.st_mtime_ns if about.st_mtime_ns <= now else 0, path))
    return found
