"""Where a JPEG carries XMP and Exif: APP1 segments before the picture."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from phrasepix.saving.metadata import exif, xmp
from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.splice import Edit, NoRoomError
from retriever.folder.packet import extended_packet

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_APP0, _APP1, _START_OF_SCAN, _END_OF_IMAGE = 0xE0, 0xE1, 0xDA, 0xD9
_LARGEST_SEGMENT = 65535 - 2


def jpeg_edits(file: BinaryIO, fields: CreditFields) -> tuple[list[Edit], xmp.Existing]:
    """The edits that put the credit into a JPEG, and the XMP it has. Raises `NoRoomError`."""
    place, has_exif, old = 2, False, None
    for marker, start, payload in _segments(file):
        end = start + 4 + len(payload)
        if marker == _APP1 and payload.startswith(_XMP) and old is None:
            old = (start, end)
        is_exif = marker == _APP1 and payload.startswith(exif.PREFIX)
        has_exif = has_exif or is_exif
        if start == place and (marker == _APP0 or is_exif):
            place = end  # JFIF and Exif want to come first; the index of an MPO counts from behind this place
    existing = jpeg_xmp(file)
    packet = _XMP + xmp.packet_with(fields, existing)
    if len(packet) > _LARGEST_SEGMENT:
        raise NoRoomError("its XMP would not fit into a JPEG's segment")
    edits = [Edit(*(old or (place, place)), _segment(packet))]
    block = None if has_exif else exif.exif_block(fields)
    if block is not None:
        edits.append(Edit(place, place, _segment(exif.PREFIX + block)))
    return _joined(edits), existing


def jpeg_xmp(file: BinaryIO) -> xmp.Existing:
    """The XMP of a JPEG. Raises `NoRoomError`."""
    packet = xmp.only([payload[len(_XMP) :] for payload in _app1(file) if payload.startswith(_XMP)])
    return xmp.Existing(packet, extended_packet(packet or b"", _app1(file)))


def _app1(file: BinaryIO) -> Iterator[bytes]:
    return (payload for marker, _, payload in _segments(file) if marker == _APP1)


def _joined(edits: list[Edit]) -> list[Edit]:
    """Exif before XMP, where both are inserted at one place."""
    if len(edits) == 2 and edits[0].start == edits[0].end == edits[1].start:
        return [Edit(edits[0].start, edits[0].end, edits[1].replacement + edits[0].replacement)]
    return edits


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Marker, start and payload of each segment before the picture's data. Raises `NoRoomError`."""
    file.seek(2)
    while True:
        head = file.read(2)
        while head == b"\xff\xff":  # padding before a marker
            head = head[1:] + file.read(1)
        start = file.tell() - 2
        if len(head) < 2 or head[0] != 0xFF or head[1] < 0xC0:
            raise NoRoomError("its segments cannot be followed up to the picture")
        if head[1] in (_START_OF_SCAN, _END_OF_IMAGE):
            return
        length = struct.unpack(">H", file.read(2))[0] - 2
        if length < 0:
            raise NoRoomError("a segment's length is not one")
        payload = file.read(length)
        if len(payload) < length:
            raise NoRoomError("it breaks off")
        yield head[1], start, payload


def _segment(payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, _APP1, len(payload) + 2) + payload
