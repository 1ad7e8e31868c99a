"""Putting the credit into a picture file, whichever format it has."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.jpeg import jpeg_edits
from phrasepix.saving.metadata.png import png_edits
from phrasepix.saving.metadata.splice import Edit, NoRoomError, splice
from phrasepix.saving.metadata.webp import webp_edits
from retriever.candidate import Candidate

_EDITS: dict[str, Callable[[BinaryIO, CreditFields], list[Edit]]] = {
    "JPEG": jpeg_edits,
    "MPO": jpeg_edits,
    "PNG": png_edits,
    "WEBP": webp_edits,
}


_CANNOT_BE_FOLLOWED = (struct.error, ValueError, IndexError, OverflowError)


def embed_credit(source: Path, target: BinaryIO, format_name: str, candidate: Candidate) -> str:
    """Copy the picture at `source`, of Pillow's format `format_name`, to `target` with the candidate's credit in it.

    Gives an empty text, or why the format, or this file, has no place for it: then the copy is a plain one. The encoded
    pixels are the same bytes as before, and what the file said of itself already stays.
    """
    with source.open("rb") as file:
        try:
            if format_name not in _EDITS:
                raise NoRoomError(f"nothing is written into {format_name} files")
            edits = _EDITS[format_name](file, CreditFields.of(candidate))
        except (NoRoomError, *_CANNOT_BE_FOLLOWED) as error:
            file.seek(0)
            shutil.copyfileobj(file, target)
            return str(error) if isinstance(error, NoRoomError) else "the file's structure cannot be followed"
        splice(file, target, edits)
    return ""
