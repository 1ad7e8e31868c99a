"""A small Exif block: Artist and Copyright."""

from PIL import Image
from PIL.ExifTags import Base

from phrasepix.saving.metadata.fields import CreditFields

PREFIX = b"Exif\0\0"


def exif_block(fields: CreditFields) -> bytes | None:
    """Artist and Copyright as a TIFF structure, in UTF-8 as other programs write it; None where neither is known."""
    exif = Image.Exif()
    for tag, text in ((Base.Artist, fields.creator), (Base.Copyright, fields.rights)):
        if text:
            exif[tag] = text.encode()
    return exif.tobytes().removeprefix(PREFIX) if len(exif) else None
