"""Where a PNG carries XMP and Exif: an iTXt and an eXIf chunk."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from phrasepix.saving.metadata import exif, xmp
from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.splice import Edit, NoRoomError
from phrasepix_core.bare.jpeg import XMP_PREFIX
from phrasepix_core.bare.png import TEXT_CHUNKS, raw_profile, text_of_chunk
from retriever.folder.packet import LARGEST_PACKET

_KEYWORD = b"XML:com.adobe.xmp\0"
_OTHER_XMP = (b"XML:com.adobe.xmp\0", b"Raw profile type xmp\0")
_RAW_APP1 = b"Raw profile type APP1"
_OTHER_EXIF = (b"Raw profile type exif\0", _RAW_APP1 + b"\0")
"""Keywords under which some programs put XMP and Exif into chunks of plain text."""
_LONGEST_KEYWORD = 80
_SIGNATURE = 8


def png_edits(file: BinaryIO, fields: CreditFields) -> tuple[list[Edit], xmp.Existing]:
    """The edits that put the credit into a PNG, and the XMP it has. Raises `NoRoomError`."""
    behind_header, old, has_exif = _SIGNATURE, None, False
    for kind, start, length in _chunks(file):
        end = start + 12 + length
        if kind == b"IHDR":
            behind_header = end
        keyword = _head_of_text(file, kind, start, length)
        has_exif = has_exif or kind == b"eXIf" or keyword.startswith(_OTHER_EXIF)
        if kind == b"iTXt" and keyword.startswith(_KEYWORD):
            old = (start, end)
    existing = png_xmp(file)
    packet = xmp.packet_with(fields, existing)
    text = _chunk(b"iTXt", _KEYWORD + b"\0\0\0\0" + packet)
    block = None if has_exif else exif.exif_block(fields)
    added = b"" if block is None else _chunk(b"eXIf", block)
    if old is None:
        return [Edit(behind_header, behind_header, text + added)], existing
    if packet == existing.packet:
        return [Edit(behind_header, behind_header, added)], existing
    return [Edit(*old, text), Edit(behind_header, behind_header, added)], existing


def png_xmp(file: BinaryIO) -> xmp.Existing:
    """The XMP of a PNG. Raises `NoRoomError`."""
    packets = []
    for kind, start, length in _chunks(file):
        keyword = _head_of_text(file, kind, start, length)
        if kind == b"iTXt" and keyword.startswith(_KEYWORD):
            if length > LARGEST_PACKET:
                raise NoRoomError("it has XMP that is too long to be read, which is left as it is")
            file.seek(start + 8)
            packets.append(_packet(file.read(length)))
        elif keyword.startswith(_OTHER_XMP) or _is_raw_xmp(file, kind, start, length):
            raise NoRoomError("it has XMP in a chunk of plain text, which is left as it is")
    return xmp.Existing(xmp.only(packets))


def _is_raw_xmp(file: BinaryIO, kind: bytes, start: int, length: int) -> bool:
    """Whether the chunk is text that stands for a JPEG's segment of XMP."""
    if kind not in TEXT_CHUNKS or length > LARGEST_PACKET:
        return False
    file.seek(start + 8)
    _, text = text_of_chunk(kind, file.read(length), (_RAW_APP1,), LARGEST_PACKET)
    return raw_profile(text).startswith(XMP_PREFIX)


def _head_of_text(file: BinaryIO, kind: bytes, start: int, length: int) -> bytes:
    """How a chunk of text begins, with its keyword; nothing of other chunks."""
    if kind not in TEXT_CHUNKS:
        return b""
    file.seek(start + 8)
    return file.read(min(length, _LONGEST_KEYWORD))


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


def _packet(data: bytes) -> bytes:
    """The text of an iTXt chunk: behind keyword, compression flag and method, language and translated keyword.

    Raises `NoRoomError` if it cannot be had.
    """
    compressed, rest = data[len(_KEYWORD) : len(_KEYWORD) + 1], data[len(_KEYWORD) + 2 :]
    parts = rest.split(b"\0", 2)
    if len(parts) == 3 and compressed == b"\0":
        return parts[2]
    try:
        expander = zlib.decompressobj()
        text = expander.decompress(parts[-1], LARGEST_PACKET)
        if len(parts) == 3 and compressed == b"\1" and expander.eof:
            return text
    except zlib.error:
        pass
    raise NoRoomError("it has XMP that cannot be unpacked, which is left as it is")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
