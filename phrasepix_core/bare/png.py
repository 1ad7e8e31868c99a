"""A PNG without its metadata, and without a transparency that cannot be read.

See https://www.w3.org/TR/png-3: a file is a row of chunks, each of which says its length, its kind and a checksum.
"""

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from typing import IO

from phrasepix_core.bare.bare_file import BareFile, Piece, RefusedPictureError, add_part

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_SHORTEST_TRANSPARENCY = {0: 2, 2: 6, 3: 1}
"""In bytes, by colour type: the grey or the colour that is transparent, or the palette's first alpha."""

_MOST_CHUNKS = 200_000
"""A megabyte of pixels in chunks of 8 KiB has 128. Each is a step of an interpreter's loop."""

_MOST_TEXT = 1 << 20
XMP_KEYWORD, RAW_EXIF = b"XML:com.adobe.xmp", b"Raw profile type exif"


def bare_png(file: IO[bytes]) -> BareFile:
    """Strip a PNG to what its pixels need. Of an animation, the picture for programs that know none is left.

    Raises `RefusedPictureError`.
    """
    size = file.seek(0, io.SEEK_END)
    pieces: list[Piece] = [(0, 8)]
    exif, texts, colour_type = b"", dict[bytes, bytes](), -1
    for kind, place, length in chunks(file):
        end = min(place + 12 + length, size)
        file.seek(place + 8)
        if kind in _PIXELS:
            if kind == b"IHDR" and length >= 10:
                colour_type = file.read(10)[9]
            add_part(pieces, place, end)
        elif kind == b"tRNS":
            if length >= _SHORTEST_TRANSPARENCY.get(colour_type, 1 << 32) and _is_whole(file, kind, min(length, 1024)):
                add_part(pieces, place, end)
        elif length <= _MOST_TEXT:
            if kind == b"eXIf":
                exif = exif or file.read(length)
            elif kind in TEXT_CHUNKS:
                wanted = {RAW_EXIF, XMP_KEYWORD} - texts.keys()  # the first of a keyword counts
                keyword, text = text_of_chunk(kind, file.read(length), wanted, _MOST_TEXT)
                texts[keyword] = text
    return BareFile(file, tuple(pieces), exif or raw_profile(texts.get(RAW_EXIF, b"")), texts.get(XMP_KEYWORD, b""))


def chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk, up to the end or to where the file can no longer be followed.

    Raises `RefusedPictureError` if there are too many.
    """
    place = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, place, length
        if kind == b"IEND" or not kind.isalpha():
            return
        place += 12 + length
    raise RefusedPictureError(f"it has more than {_MOST_CHUNKS} chunks")


def _is_whole(file: IO[bytes], kind: bytes, length: int) -> bool:
    """Whether the checksum behind the chunk's data, which come next in the file, is right."""
    data = file.read(length)
    return file.read(4) == struct.pack(">I", zlib.crc32(kind + data))


def text_of_chunk(kind: bytes, data: bytes, keywords: Collection[bytes], longest: int) -> tuple[bytes, bytes]:
    """The keyword of a text chunk and its text unpacked, at most the first `longest` bytes of a compressed one.

    Both are empty if the keyword is none of those given or the text cannot be unpacked.
    """
    keyword, _, rest = data.partition(b"\0")
    if keyword not in keywords:
        return b"", b""
    is_compressed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        is_compressed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    if is_compressed:
        try:
            rest = zlib.decompressobj().decompress(rest, longest)
        except zlib.error:
            return b"", b""
    return keyword, rest


def raw_profile(profile: bytes) -> bytes:
    """The bytes of ImageMagick's raw profile: a name, a length, then hexadecimal digits; empty if they are none."""
    try:
        return bytes.fromhex(b"".join(profile.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""
