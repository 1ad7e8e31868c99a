"""Where a PNG carries XMP and Exif: an iTXt and an eXIf chunk."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from phrasepix.saving.metadata import exif, xmp
from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.splice import Edit

_KEYWORD = b"XML:com.adobe.xmp\0"
_LARGEST_PACKET = 1 << 20
_SIGNATURE = 8


def png_edits(file: BinaryIO, fields: CreditFields) -> list[Edit]:
    """The edits that put the credit into a PNG."""
    behind_header, old, existing, has_exif = _SIGNATURE, None, None, False
    for kind, start, length in _chunks(file):
        end = start + 12 + length
        if kind == b"IHDR":
            behind_header = end
        has_exif = has_exif or kind == b"eXIf"
        if kind == b"iTXt" and old is None and length <= _LARGEST_PACKET:
            file.seek(start + 8)
            data = file.read(length)
            if data.startswith(_KEYWORD):
                old, existing = (start, end), _packet(data)
    packet = xmp.packet_with(fields, existing)
    text = _chunk(b"iTXt", _KEYWORD + b"\0\0\0\0" + packet)
    block = None if has_exif else exif.exif_block(fields)
    added = b"" if block is None else _chunk(b"eXIf", block)
    if old is None:
        return [Edit(behind_header, behind_header, text + added)]
    return [Edit(*old, text), Edit(behind_header, behind_header, added)]


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk."""
    start = _SIGNATURE
    while True:
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, start, length
        if kind == b"IEND":
            return
        start += 12 + length


def _packet(data: bytes) -> bytes | None:
    """The text of an iTXt chunk: behind keyword, compression flag and method, language and translated keyword."""
    compressed, rest = data[len(_KEYWORD) : len(_KEYWORD) + 1], data[len(_KEYWORD) + 2 :]
    text = rest.split(b"\0", 2)[-1]
    if compressed != b"\1":
        return text
    try:
        return zlib.decompressobj().decompress(text, _LARGEST_PACKET)
    except zlib.error:
        return None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
