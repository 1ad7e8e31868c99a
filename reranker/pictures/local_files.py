"""Pictures that are files of this machine."""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO, Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from PIL import Image

from phrasepix_core.files import open_regular
from reranker.errors import PictureError, PictureUnreachableError
from reranker.pictures.decode import FORMATS, decode_file
from reranker.pictures.raw_preview import raw_preview
from reranker.pictures.videos import frame_at
from reranker.reduced_picture import reduced

LARGEST_LOCAL_PIXELS = 128_000_000
"""Twice what is decoded of strangers' pictures: telephones have a hundred million."""


LARGEST_PART_BYTES: Final = 2 << 30
_PART: Final = re.compile(r"offset=(?P<offset>\d{1,18})&size=(?P<size>\d{1,12})&name=(?P<name>[^&]*)")
"""The fragment of the URL of a picture in an archive."""

LARGEST_LOCAL_BYTES = 2304 << 20
"""What one of one's own pictures may take alone: a WebP of 128 million pixels does."""


class LocalFiles:
    """Decodes files where they lie; nothing is copied.

    At most `at_once` at a time (by default the processors): photographs straight from a camera are large.
    """

    def __init__(self, at_once: int | None = None) -> None:
        self._at_once = threading.BoundedSemaphore(at_once or os.cpu_count() or 1)

    def picture(self, urls: Sequence[str], enough: int) -> Image.Image:
        """The picture in RGB, upright, from the first of its copies that can be had, by their `file:` URLs.

        Where its short side exceeds `enough` pixels twice or more, it is reduced to what is just above.
        Raises the first copy's `PictureError`.
        """
        failures: list[PictureError] = []
        for url in urls:
            path = path_of(url)
            at = _place_in_clip(url)
            try:
                with self._at_once:
                    return _decoded(url, enough) if at is None else _reduced(frame_at(path, at), enough)
            except PictureError as error:
                failures.append(type(error)(f"{path.as_uri()}: {error}"))
        raise failures[0]


def path_of(url: str) -> Path:
    """The path a `file:` URL leads to, byte by byte. Raises `PictureUnreachableError` for another URL."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        raise PictureUnreachableError("its address is not that of a file on this machine")
    path = os.fsdecode(unquote_to_bytes(parts.path))
    return Path(path[1:] if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path)


def part_url(path: Path, name: str, offset: int, size: int) -> str:
    """The URL of a part of a file: of the picture `name` in an archive, from `offset` on, `size` bytes."""
    return f"{path.as_uri()}#offset={offset}&size={size}&name={quote(os.fsencode(name), safe='')}"


def is_part(url: str) -> bool:
    """Whether a URL is one of `part_url`."""
    return _PART.fullmatch(urlsplit(url).fragment) is not None


def local_name(url: str) -> str:
    """How the picture at a `file:` URL is called, in its folder or archive. Raises `PictureUnreachableError`."""
    part = _PART.fullmatch(urlsplit(url).fragment)
    return PurePosixPath(os.fsdecode(unquote_to_bytes(part["name"]))).name if part else path_of(url).name


@contextmanager
def open_local(url: str) -> Iterator[BinaryIO]:
    """Open the file at a `file:` URL, or the part of one. Raises `OSError` and `PictureUnreachableError`."""
    part = _PART.fullmatch(urlsplit(url).fragment)
    with open_regular(path_of(url)) as file:
        if part is None:
            yield file
            return
        size = int(part["size"])
        if size > LARGEST_PART_BYTES:
            raise OSError("that part of it is too large")
        file.seek(int(part["offset"]))
        yield BytesIO(file.read(size))


def _place_in_clip(url: str) -> float | None:
    """The seconds that the URL of a video's frame names, as media fragments (W3C 2012) write it; None for a picture."""
    found = re.fullmatch(r"t=(\d+(?:\.\d+)?)", urlsplit(url).fragment)
    return None if found is None else float(found[1])


def local_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that files of this machine may have: with that of telephones' pictures."""
    import pi_heif

    pi_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def _decoded(url: str, enough: int) -> Image.Image:
    formats = local_formats()
    try:
        with open_local(url) as file:
            # A camera's own file cannot be told by content: most are TIFF, and begin with a picture of a stamp's size.
            if PurePath(local_name(url)).suffix.lower() not in Image.registered_extensions():
                return _reduced(raw_preview(file, enough), enough)
            return decode_file(
                file,
                enough=enough,
                largest_pixels=LARGEST_LOCAL_PIXELS,
                kept_pixels=0,
                formats=formats,
                largest_alone=LARGEST_LOCAL_BYTES,
            )
    except OSError as error:
        raise PictureUnreachableError(f"the file cannot be read: {error.strerror or error}") from None


def _reduced(picture: Image.Image, enough: int) -> Image.Image:
    """The picture at a whole fraction of its size: what a JPEG's decoder does for one, for all formats."""
    return reduced(picture, min(picture.size) // enough)
