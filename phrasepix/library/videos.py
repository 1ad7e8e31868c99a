"""Videos in a library: a row for each shot, known by the clip's content and the place in it."""

import hashlib
from collections.abc import Iterator, Sequence
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
_LIVE_VIDEOS: Final = (".mov", ".mp4")
_LIVE_STILLS: Final = (".heic", ".heif", ".jpg", ".jpeg")
_MOST_LIVE_BYTES: Final = 16 << 20
"""A live photo's video has about three seconds, of 2 to 7 MB; what is much larger is a film of the same name."""


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


def without_live_videos(entries: Sequence[FileEntry]) -> list[FileEntry]:
    """Return entries without the videos of live photos: short ones that have a photograph's name, in its folder.

    Phones write `IMG_1234.HEIC` and `IMG_1234.MOV` at one press; the video is no picture of its own.
    """
    live = {_name_of(entry) for entry in entries if _may_be_live(entry)}
    if not live:  # as nearly always: a name costs more than a look at its end
        return [*entries]
    stills = {_name_of(entry) for entry in entries if entry.path.name.lower().endswith(_LIVE_STILLS)}
    return [entry for entry in entries if not (_may_be_live(entry) and _name_of(entry) in stills)]


def _may_be_live(entry: FileEntry) -> bool:
    return entry.path.name.lower().endswith(_LIVE_VIDEOS) and entry.size <= _MOST_LIVE_BYTES


def _name_of(entry: FileEntry) -> tuple[Path, str]:
    return entry.path.parent, entry.path.stem.casefold()


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
