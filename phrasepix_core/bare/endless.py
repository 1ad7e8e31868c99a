"""Files of a few megabytes that a decoder would open or decode for minutes, or in gigabytes; found by their headers."""

import io
import struct
from collections.abc import Iterator
from typing import IO

from phrasepix_core.bare.bare_file import RefusedPictureError

_MOST_BESIDE = 1 << 20
"""Bytes of comments before a GIF's first frame: what joins them block by block takes time by their square."""

_MOST_NUMBERS = 300_000
"""How many numbers a TIFF's field may have; rows of as many strips are more than twice as high as pictures can be."""

_MOST_PAGES = 16
_MOST_RUN_BYTES, _MOST_RUN_PIXELS = 4 << 20, 4_000_000
"""Of a BMP compressed by run lengths, which is decoded pixel by pixel in Python: a second's work."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a number in a TIFF by its type."""

_PLAIN = {1, 2, 7}
"""Types that are read as they are, and not as one object a number."""

_COLOUR_TABLE = 0x80


def refuse_endless(file: IO[bytes]) -> None:
    """Raise `RefusedPictureError` if a GIF, TIFF or BMP is built to cost minutes or gigabytes.

    A file of another format, or one that cannot be followed, passes. `file` must be seekable.
    """
    file.seek(0)
    head = file.read(34)
    if head[:3] == b"GIF":
        _refuse_gif(file, head)
    elif head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        _refuse_tiff(file)
    elif head[:2] == b"BM" and len(head) == 34:
        _refuse_bmp(file, head)


def holds_more_than_it_is(block: bytes) -> bool:
    """Whether the fields of a TIFF or an Exif block name more bytes than there are: many point at the same ones."""
    try:
        _refuse_tiff(io.BytesIO(block.removeprefix(b"Exif\0\0")))
    except RefusedPictureError:
        return True
    return False


def _refuse_gif(file: IO[bytes], head: bytes) -> None:
    file.seek(13 + (3 << (head[10] & 7) + 1 if head[10] & _COLOUR_TABLE else 0))
    beside = 0
    while file.read(1) == b"!" and len(file.read(1)) == 1:
        while length := ord(file.read(1) or b"\0"):
            file.seek(length, io.SEEK_CUR)
            beside += length
            if beside > _MOST_BESIDE:
                raise RefusedPictureError(f"it has more than {_MOST_BESIDE >> 20} MiB of comments before its pixels")


def _refuse_bmp(file: IO[bytes], head: bytes) -> None:
    header, width, height = struct.unpack_from("<Iii", head, 14)
    (compression,) = struct.unpack_from("<I", head, 30)
    if header < 40 or compression not in {1, 2}:
        return
    if abs(width * height) > _MOST_RUN_PIXELS or file.seek(0, io.SEEK_END) > _MOST_RUN_BYTES:
        raise RefusedPictureError(
            "it is a BMP compressed by run lengths, which takes long to decode; "
            f"at most {_MOST_RUN_PIXELS // 1_000_000} million pixels and {_MOST_RUN_BYTES >> 20} MiB of these are"
        )


def _refuse_tiff(file: IO[bytes]) -> None:
    size = file.seek(0, io.SEEK_END)
    named = 0
    for kind, count in _fields(file):
        length = count * _SIZES.get(kind, 1)
        if length > size:
            continue  # it is damaged, and nobody reads it
        if count > _MOST_NUMBERS and kind not in _PLAIN:
            raise RefusedPictureError(f"one of its fields has {count} numbers")
        named += length if length > 8 else 0
        if named > size:
            raise RefusedPictureError("its fields name more bytes than it has")


def _fields(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Type and count of each field of a TIFF's first pages."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2:4] in {b"+\0", b"\0+"}
    entry, offset = (order + "HHQQ", order + "Q") if is_big else (order + "HHII", order + "I")
    count_of = order + ("Q" if is_big else "H")
    try:
        (place,) = struct.unpack_from(offset, head, 8 if is_big else 4)
        for _ in range(_MOST_PAGES):
            if not place:
                return
            file.seek(place)
            (entries,) = struct.unpack(count_of, file.read(struct.calcsize(count_of)))
            table = file.read(min(entries, 1 << 16) * struct.calcsize(entry))
            for field in range(len(table) // struct.calcsize(entry)):
                _, kind, count, _ = struct.unpack_from(entry, table, field * struct.calcsize(entry))
                yield kind, count
            (place,) = struct.unpack(offset, file.read(struct.calcsize(offset)))
    except (struct.error, OSError, OverflowError, ValueError):
        return  # it ends here
