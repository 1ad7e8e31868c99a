"""Picture files without what is beside the pixels: damaged or hostile metadata then cannot lose a picture."""

from typing import IO

from phrasepix_core.bare.bare_file import BareFile, RefusedPictureError
from phrasepix_core.bare.endless import holds_more_than_it_is, refuse_endless
from phrasepix_core.bare.jpeg import JPEG_SIGNATURE, bare_jpeg
from phrasepix_core.bare.orientation import orientation_of, orientation_of_exif
from phrasepix_core.bare.png import PNG_SIGNATURE, bare_png

__all__ = [
    "BareFile",
    "RefusedPictureError",
    "bare_file",
    "holds_more_than_it_is",
    "orientation_of",
    "orientation_of_exif",
    "refuse_endless",
]


def bare_file(file: IO[bytes]) -> BareFile | None:
    """Strip a JPEG or PNG to what its pixels need; None if the file has another format.

    `file` must be seekable, and stays in use as long as the result. Raises `RefusedPictureError` if the file is built
    to cost hours of work.
    """
    file.seek(0)
    head = file.read(8)
    if head.startswith(JPEG_SIGNATURE):
        return bare_jpeg(file)
    if head == PNG_SIGNATURE:
        return bare_png(file)
    return None
