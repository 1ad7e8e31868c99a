"""Putting the credit into a picture file, whichever format it has."""

import io
import shutil
import struct
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import BinaryIO

from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.jpeg import jpeg_edits, jpeg_xmp
from phrasepix.saving.metadata.png import png_edits, png_xmp
from phrasepix.saving.metadata.splice import Edit, NoRoomError, splice
from phrasepix.saving.metadata.webp import webp_edits, webp_xmp
from phrasepix.saving.metadata.xmp import Existing, check
from phrasepix_core.candidate import Candidate

_FORMATS: dict[
    str, tuple[Callable[[BinaryIO, CreditFields], tuple[list[Edit], Existing]], Callable[[BinaryIO], Existing]]
] = {
    "JPEG": (jpeg_edits, jpeg_xmp),
    "MPO": (jpeg_edits, jpeg_xmp),
    "PNG": (png_edits, png_xmp),
    "WEBP": (webp_edits, webp_xmp),
}
"""How the credit is put into a file of each format, and how its XMP is read."""

_CANNOT_BE_FOLLOWED = (struct.error, ValueError, IndexError, OverflowError)


def embed_credit(source: Path, target: BinaryIO, format_name: str, candidate: Candidate) -> str:
    """Copy the picture at `source`, of Pillow's format `format_name`, to `target` with the candidate's credit in it.

    `target` is empty, and open for reading too: what was written is read again. Gives an empty text, or why there is no
    credit inside: then the copy is a plain one. The encoded pixels are the same bytes as before, and what the file said
    of itself already stays.
    """
    with source.open("rb") as file:
        try:
            _embed(file, target, format_name, CreditFields.of(candidate))
        except (NoRoomError, *_CANNOT_BE_FOLLOWED) as error:
            file.seek(0)
            target.seek(0)
            target.truncate()
            shutil.copyfileobj(file, target)
            return str(error) if isinstance(error, NoRoomError) else "the file's structure cannot be followed"
    return ""


def _embed(file: BinaryIO, target: BinaryIO, format_name: str, fields: CreditFields) -> None:
    """Raises `NoRoomError`, or another error of a file that cannot be followed; then `target` is not to be used."""
    if format_name not in _FORMATS:
        raise NoRoomError(f"nothing is written into {format_name} files")
    if not any(astuple(fields)):
        raise NoRoomError("nothing is known of whom to credit")
    edits_of, xmp_of = _FORMATS[format_name]
    edits, existing = edits_of(file, fields)
    splice(file, target, edits)
    check(xmp_of(target).packet, fields, existing)
    target.seek(0, io.SEEK_END)
