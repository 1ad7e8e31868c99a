"""Where a WebP carries XMP and Exif: chunks at its end, announced by flags in the VP8X chunk at its beginning.

See https://developers.google.com/speed/webp/docs/riff_container.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image

from phrasepix.saving.metadata import exif, xmp
from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.splice import Edit, NoRoomError
from retriever.folder.packet import LARGEST_PACKET

_HEADER = 12
_XMP_FLAG, _EXIF_FLAG, _ALPHA_FLAG = 0x04, 0x08, 0x10


def webp_edits(file: BinaryIO, fields: CreditFields) -> tuple[list[Edit], xmp.Existing]:
    """The edits that put the credit into a WebP, and the XMP it has. Raises `NoRoomError`."""
    size = _size(file)
    chunks = {kind: (start, length) for kind, start, length in reversed(list(_chunks(file, size + 8)))}
    old, existing = chunks.get(b"XMP "), webp_xmp(file)
    block = None if b"EXIF" in chunks else exif.exif_block(fields)
    flags = _XMP_FLAG | (_EXIF_FLAG if block is not None else 0)
    tail = b"" if block is None else _chunk(b"EXIF", block)
    tail += _chunk(b"XMP ", xmp.packet_with(fields, existing))
    edits = [_announced(file, chunks, flags), Edit(size + 8, size + 8, tail)]
    if old is not None:
        edits.append(Edit(old[0], old[0] + 8 + old[1] + old[1] % 2, b""))
    grown = size + sum(len(edit.replacement) - (edit.end - edit.start) for edit in edits)
    if grown >= 1 << 32:
        raise NoRoomError("it would grow larger than a WebP can be")
    return [Edit(4, 8, struct.pack("<I", grown)), *edits], existing


def webp_xmp(file: BinaryIO) -> xmp.Existing:
    """The XMP of a WebP. Raises `NoRoomError`."""
    packets = []
    for kind, start, length in _chunks(file, _size(file) + 8):
        if kind == b"XMP ":
            if length > LARGEST_PACKET:
                raise NoRoomError("it has XMP that is too long to be read, which is left as it is")
            file.seek(start + 8)
            packets.append(file.read(length))
    return xmp.Existing(xmp.only(packets))


def _size(file: BinaryIO) -> int:
    """The size that the file says it has, in bytes, without the first eight."""
    file.seek(4)
    return int(struct.unpack("<I", file.read(4))[0])


def _announced(file: BinaryIO, chunks: dict[bytes, tuple[int, int]], flags: int) -> Edit:
    """The edit that sets the flags of the VP8X chunk, or puts one where there is none."""
    if b"VP8X" in chunks:
        place = chunks[b"VP8X"][0] + 8
        file.seek(place)
        return Edit(place, place + 1, bytes([file.read(1)[0] | flags]))
    if b"VP8L" in chunks:  # the simple lossless form says of itself whether it has transparency
        file.seek(chunks[b"VP8L"][0] + 8)
        bits = struct.unpack("<xI", file.read(5))[0]
        flags |= _ALPHA_FLAG if bits >> 28 & 1 else 0
    file.seek(0)
    with Image.open(file, formats=("WEBP",)) as picture:
        width, height = picture.size
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return Edit(_HEADER, _HEADER, _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides))


def _chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk."""
    start = _HEADER
    while start + 8 <= end:
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            raise NoRoomError("it is shorter than it says")
        kind, length = struct.unpack("<4sI", head)
        yield kind, start, length
        start += 8 + length + length % 2


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
