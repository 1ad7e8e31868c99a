"""Size and metadata of a picture file, by Pillow: no other library reads them from as many formats.

It is loaded with the first picture that has to be read.
"""

import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from phrasepix_core.bare import (
    RefusedPictureError,
    bare_file,
    holds_more_than_it_is,
    orientation_of,
    refuse_endless,
)
from phrasepix_core.hush import hush
from phrasepix_core.text import printable, unescaped
from retriever.folder.carriers import Carried, carried_by
from retriever.folder.facts import (
    Facts,
    Place,
    camera_of,
    day_of,
    degrees_of,
    place_of,
    rating_of,
    text_of,
    texts_of,
)
from retriever.folder.xmp import facts_of_packet

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF")

_ORIENTATION, _ARTIST, _COPYRIGHT, _EXIF_PART = 0x0112, 0x013B, 0x8298, 0x8769
_MAKER, _MODEL, _RATING = 0x010F, 0x0110, 0x4746
_TAKEN, _DIGITISED = 0x9003, 0x9004
_GPS_PART, _NORTH_OR_SOUTH, _LATITUDE, _EAST_OR_WEST, _LONGITUDE = 0x8825, 1, 2, 3, 4
_LYING = frozenset({5, 6, 7, 8})
"""Orientations of pictures that were stored lying on their side."""

_IPTC_TITLE, _IPTC_KEYWORD, _IPTC_DAY, _IPTC_CREATOR = (2, 5), (2, 25), (2, 55), (2, 80)
_IPTC_HEADLINE, _IPTC_CREDIT, _IPTC_RIGHTS = (2, 105), (2, 110), (2, 116)

FAILURES = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
    AssertionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow and its plug-ins raise on damaged files."""


class NoPictureError(Exception):
    """The file is not a picture that can be used; says why."""


def facts_of_file(file: IO[bytes], formats: tuple[str, ...] = FORMATS) -> Facts:
    """What the picture in `file` says of itself; no pixel is decoded. Raises `NoPictureError`."""
    import pi_heif
    from PIL import Image, UnidentifiedImageError

    pi_heif.register_heif_opener()
    hush("PIL")  # of ten thousand pictures some have damaged metadata, and nobody wants to read so of each
    try:
        refuse_endless(file)
        file.seek(0)
        try:
            with Image.open(file, formats=formats) as picture:
                return _facts_of_picture(picture, file)
        except FAILURES:  # perhaps for what is beside the pixels: its size is read without that
            if (bare := bare_file(file)) is None:
                raise
            with Image.open(bare.opened(), formats=formats) as picture:
                picture.info["exif"] = bare.exif
                return _facts_of_picture(picture, file)
    except RefusedPictureError as error:
        raise NoPictureError(f"the picture is not decoded: {error}") from None
    except UnidentifiedImageError:
        raise NoPictureError("the file is not a picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoPictureError("the picture has far too many pixels") from None
    except FAILURES as error:
        raise NoPictureError(f"the picture is damaged: {text_of(str(error)) or type(error).__name__}") from None


def _facts_of_picture(picture: "ImageFile", file: IO[bytes]) -> Facts:
    """What a picture opened from `file` says of itself; damaged metadata says nothing.

    XMP comes first, then IPTC, then EXIF, then what PNG has words of its own for.
    """
    exif, lies = _from_exif(picture)
    width, height = picture.size
    size = Facts(width=height if lies else width, height=width if lies else height)
    carried = _carried_by(file)
    said = size
    for packet in carried.packets or [_decoders_packet(picture)]:
        said = said.or_else(facts_of_packet(packet))
    said = said.or_else(_from_iptc(picture)).or_else(exif)
    words = {name: printable(unescaped(text_of(text))) for name, text in carried.words.items()}
    return said.or_else(replace(Facts(), **words))  # type: ignore[arg-type]  # fields that are texts


def _carried_by(file: IO[bytes]) -> Carried:
    try:
        return carried_by(file)
    except (RefusedPictureError, *FAILURES):  # its pixels may be sound for all that
        return Carried()


def _decoders_packet(picture: "ImageFile") -> bytes:
    """The packet that the format's decoder found; a TIFF may call its bytes text."""
    packet = picture.info.get("xmp")
    if isinstance(packet, str):
        return packet.encode("latin-1", "ignore")
    return packet if isinstance(packet, bytes) else b""


def _from_exif(picture: "ImageFile") -> tuple[Facts, bool]:
    """The facts of EXIF, and whether the size is that of a picture lying on its side."""
    from PIL import Image

    block = picture.info.get("exif")
    lies = orientation_of(block if isinstance(block, bytes) else b"", b"") in _LYING
    if isinstance(block, bytes) and holds_more_than_it_is(block):
        return Facts(), lies
    try:
        exif = Image.Image.getexif(picture)  # a PNG's own would decode the pixels in search of it
        said = Facts(
            creator=_exif_text(exif.get(_ARTIST)),
            rights=_exif_text(exif.get(_COPYRIGHT)),
            camera=camera_of(_exif_text(exif.get(_MAKER)), _exif_text(exif.get(_MODEL))),
            rating=rating_of(exif.get(_RATING)),
        )
        lies = exif.get(_ORIENTATION) in _LYING and picture.format != "TIFF"  # whose size is upright already
    except FAILURES:
        return Facts(), lies
    with suppress(*FAILURES):  # a damaged part takes nothing of the rest with it
        said = said.but(place=_place(exif.get_ifd(_GPS_PART)))
    try:
        part = exif.get_ifd(_EXIF_PART)
        return said.or_else(Facts(taken_on=day_of(part.get(_TAKEN)) or day_of(part.get(_DIGITISED)))), lies
    except FAILURES:
        return said, lies


def _place(part: dict[int, Any]) -> Place | None:
    latitude, longitude = (
        degrees_of(part.get(name) or (), _exif_text(part.get(direction)))
        for name, direction in ((_LATITUDE, _NORTH_OR_SOUTH), (_LONGITUDE, _EAST_OR_WEST))
    )
    return place_of(latitude, longitude)


def _exif_text(value: object) -> str:
    """EXIF's text is ASCII by the book and UTF-8 by habit; Pillow reads each byte as a character."""
    if isinstance(value, str):
        with suppress(UnicodeEncodeError):
            value = value.encode("latin-1")
    return printable(unescaped(text_of(value)))


def _from_iptc(picture: "ImageFile") -> Facts:
    from PIL import IptcImagePlugin

    try:
        fields: dict[tuple[int, int], Any] = IptcImagePlugin.getiptcinfo(picture) or {}
    except FAILURES:
        return Facts()

    def values(field: tuple[int, int]) -> tuple[str, ...]:
        value = fields.get(field, [])
        return tuple(printable(unescaped(text)) for text in texts_of(value if isinstance(value, list) else [value]))

    def first(*names: tuple[int, int]) -> str:
        return next((text for name in names for text in values(name)), "")

    return Facts(
        title=first(_IPTC_TITLE, _IPTC_HEADLINE),
        creator=", ".join(values(_IPTC_CREATOR)),
        credit=first(_IPTC_CREDIT),
        rights=first(_IPTC_RIGHTS),
        keywords=values(_IPTC_KEYWORD),
        taken_on=day_of(first(_IPTC_DAY)),
    )
