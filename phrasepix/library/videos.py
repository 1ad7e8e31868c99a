"""Videos in a library: a row for each shot, known by the clip's content and the place in it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from phrasepix.library.schema import Row
from phrasepix_core.files import open_regular
from reranker.pictures.videos import VideoShots, shots_of
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts, text_of
from retriever.folder.walk import FileEntry

_DIGEST_BYTES: Final = 12
_READ_AT: Final = 1 << 20
"""Of a video its beginning, middle and end are read to know it by, each so many bytes: it may have a hundred GB."""
_BETWEEN: Final = "@"


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video file, the digest that it is known by, and its shots."""

    digest: str
    shots: VideoShots

    @property
    def facts(self) -> Facts:
        """What is known of each of its shots."""
        shots = self.shots
        title = text_of(shots.title)
        return Facts(width=shots.width, height=shots.height, title=title, taken_on=shots.taken_on)


def clip_of(entry: FileEntry) -> VideoFile:
    """Return what is in a video file. Raises `OSError`, and `PictureError` if no frame can be had of it."""
    return VideoFile(_digest(entry), shots_of(entry.path))


def rows_of(entry: FileEntry, folder: Path, clip: VideoFile) -> Iterator[Row]:
    """Yield a row for each shot of a clip."""
    for begin in clip.shots.begin_s:
        contents = Contents(f"{clip.digest}{_BETWEEN}{round(1000 * begin)}", clip.facts)
        yield Row(entry, folder, contents, clip.facts, frame_at=begin, duration_s=clip.shots.duration_s)


def file_key_of(key: str) -> str:
    """Return the key of the file that a row is of: its own, or without the place in a clip."""
    return urlsplit(key)._replace(fragment="").geturl() if "#" in key else key


def clip_digest_of(digest: str) -> str:
    """Return the digest of the file that a row's digest is of."""
    return digest.partition(_BETWEEN)[0]


def _digest(entry: FileEntry) -> str:
    digest = hashlib.blake2b(str(entry.size).encode(), digest_size=_DIGEST_BYTES)
    with open_regular(entry.path) as file:
        for place in sorted({0, max(0, entry.size // 2), max(0, entry.size - _READ_AT)}):
            file.seek(place)
            digest.update(file.read(_READ_AT))
    return digest.hexdigest()
