"""Pages that show what was found: where one goes when nobody says where, and how it is written and opened."""

import itertools
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phrasepix.errors import NotWrittenError
from phrasepix.saving.filenames import hyphenated
from phrasepix_core.files import create, reason_of
from phrasepix_core.unwritable import say_unwritable, why_unwritable
from retriever.directories import cache_directory

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter

_KEPT = 50
_LONGEST_NAME_BYTES = 120


def write_page(
    save: Callable[[Path], Path], name: str, path: Path | None, *, open_it: bool, reporter: "Reporter", kind: str
) -> None:
    """Write a page by `save` to `path`, or after its `name` into the cache directory, say where, and open it if told.

    `kind` is what it is called, such as “Gallery”. Raises `NotWrittenError` for a `path` that was asked for; without
    one it is said.
    """
    place = None
    try:
        place = path or place_for_gallery(name)
        written = save(place)
    except NotWrittenError as error:
        if path is not None:
            raise
        if place is not None:
            place.unlink(missing_ok=True)  # empty as it was begun
        if why := why_unwritable(cache_directory()):
            say_unwritable(cache_directory(), why)
        if open_it or not why:
            reporter.say(f"No {kind.lower()}: {error}")
        return
    reporter.say(f"{kind}:", written)
    if open_it and click.launch(written.as_uri()) != 0:
        reporter.say("No browser could be opened; open the file above in one.")


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
