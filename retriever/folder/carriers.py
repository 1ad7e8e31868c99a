"""Where picture files carry XMP that their format's decoder does not give without decoding the pixels, or at all.

A decoder gives the packets of TIFF, HEIC and AVIF. Of a JPEG it leaves out what did not fit into one segment, of a PNG
all that stands behind the pixels and what some programs write as plain text, of a WebP what its beginning does not
announce, and of a GIF everything.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from phrasepix_core.bare.jpeg import APP1, JPEG_SIGNATURE, XMP_PREFIX, segments
from phrasepix_core.bare.png import PNG_SIGNATURE, TEXT_CHUNKS, XMP_KEYWORD, chunks, raw_profile, text_of_chunk
from retriever.folder.packet import LARGEST_PACKET, extended_packet

_MOST_PACKETS = 4
"""There should be one; programs that add a second differ in which they heed."""

_RAW_XMP, _RAW_APP1 = b"Raw profile type xmp", b"Raw profile type APP1"
"""Keywords under which some programs write XMP into a PNG, as hexadecimal digits."""

PNG_WORDS = {b"Title": "title", b"Author": "creator", b"Copyright": "rights"}
"""The keywords that PNG itself has for what is also said in XMP."""

_GIF_SIGNATURES = (b"GIF87a", b"GIF89a")
_GIF_XMP = b"XMP DataXMP"
_GIF_TRAILER = b"\x01\xff\xfe\xfd"
"""How the 258 bytes behind the packet begin, which lead a reader of blocks out of it."""
_MOST_GIF_BLOCKS = _MOST_WEBP_CHUNKS = 1_000_000


@dataclass(slots=True)
class Carried:
    """The XMP `packets` of a file, and its plain `words` by the names that `Facts` has for them."""

    packets: list[bytes] = field(default_factory=list)
    words: dict[str, bytes] = field(default_factory=dict)


def carried_by(file: IO[bytes]) -> Carried:
    """What stands in the file besides what its decoder gives; nothing of a format that the decoder reads to the end.

    Raises `RefusedPictureError` if the file has too many parts to look through.
    """
    file.seek(0)
    head = file.read(8)
    if head.startswith(JPEG_SIGNATURE):
        return Carried(_in_jpeg(file))
    if head == PNG_SIGNATURE:
        return _in_png(file)
    if head.startswith(b"RIFF"):
        return Carried(_in_webp(file))
    if head.startswith(_GIF_SIGNATURES):
        return Carried(_in_gif(file))
    return Carried()


def _in_jpeg(file: IO[bytes]) -> list[bytes]:
    found = (payload for payload in _app1(file) if payload.startswith(XMP_PREFIX))
    packets = [payload[len(XMP_PREFIX) :] for payload in islice(found, _MOST_PACKETS)]
    extension = extended_packet(packets[0] if packets else b"", _app1(file))
    return [*packets, extension] if extension else packets


def _app1(file: IO[bytes]) -> Iterator[bytes]:
    return (payload for marker, _, payload in segments(file) if marker == APP1)


def _in_png(file: IO[bytes]) -> Carried:
    carried, seen = Carried(), set[bytes]()
    for kind, place, length in chunks(file):
        if kind not in TEXT_CHUNKS or length > 2 * LARGEST_PACKET:  # a raw profile has two digits for each byte
            continue
        file.seek(place + 8)
        wanted = {XMP_KEYWORD, _RAW_XMP, _RAW_APP1, *PNG_WORDS} - seen
        keyword, text = text_of_chunk(kind, file.read(length), wanted, 2 * LARGEST_PACKET)
        if not text:
            continue
        seen.add(keyword)  # the first of a keyword counts
        if keyword in PNG_WORDS:
            # Of the kinds of text, one alone is UTF-8.
            carried.words[PNG_WORDS[keyword]] = text if kind == b"iTXt" else text.decode("latin-1").encode()
        elif keyword == XMP_KEYWORD:
            carried.packets.append(text)
        elif (profile := raw_profile(text)).startswith(XMP_PREFIX) or keyword == _RAW_XMP:
            carried.packets.append(profile.removeprefix(XMP_PREFIX))
    return carried


def _in_gif(file: IO[bytes]) -> list[bytes]:
    file.seek(10)
    flags = file.read(3)[:1]
    file.seek(_table_bytes(flags), io.SEEK_CUR)
    for _ in range(_MOST_GIF_BLOCKS):
        match file.read(1):
            case b"!":
                label, length = file.read(1), file.read(1)
                if label == b"\xff" and length == b"\x0b" and file.read(11) == _GIF_XMP:
                    packet, trailer, _ = file.read(LARGEST_PACKET + len(_GIF_TRAILER)).partition(_GIF_TRAILER)
                    return [packet] if trailer else []
                if label != b"\xff" or length != b"\x0b":
                    file.seek(-1, io.SEEK_CUR)
            case b",":
                file.seek(8, io.SEEK_CUR)
                file.seek(_table_bytes(file.read(1)) + 1, io.SEEK_CUR)
            case _:
                break
        while (length := file.read(1)) not in {b"", b"\0"}:
            file.seek(length[0], io.SEEK_CUR)
    return []


def _in_webp(file: IO[bytes]) -> list[bytes]:
    place = 12
    for _ in range(_MOST_WEBP_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        kind, length = struct.unpack("<4sI", head)
        if kind == b"XMP ":
            return [file.read(min(length, LARGEST_PACKET + 1))]
        place += 8 + length + length % 2
    return []


def _table_bytes(flags: bytes) -> int:
    """How long the colour table is that a byte of flags announces."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0
