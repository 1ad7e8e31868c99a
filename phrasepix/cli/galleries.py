"""Where a gallery goes when nobody says where."""

import time
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix.saving.names import hyphenated
from retriever.directories import cache_directory

_KEPT = 50
_LONGEST_NAME_BYTES = 120


def _made_at(path: Path) -> float:
    """When it was made, in seconds; a time to come, by a clock that was wrong, counts as long ago."""
    made_at = path.stat().st_mtime
    return made_at if made_at <= time.time() else 0.0


def place_for_gallery(phrase: str) -> Path:
    """A file in the cache directory named after the phrase; the oldest beyond fifty are removed.

    Raises `NotWrittenError`.
    """
    directory = cache_directory() / "galleries"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        by_age = sorted(directory.glob("*.html"), key=_made_at, reverse=True)
        for old in by_age[_KEPT - 1 :]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise NotWrittenError(f"cannot write to {directory}: {error.strerror or error}") from None
    return directory / f"{hyphenated(phrase.lower(), _LONGEST_NAME_BYTES) or 'gallery'}.html"
