"""Pictures that are built to cost: small files of one colour with as many pixels as are accepted, and fat small ones.

Each is a valid file of its format. Nothing is random, so each compresses to next to nothing.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

_CHANNELS = {0: 1, 2: 3, 3: 1, 6: 4}
"""Samples per pixel of a PNG by its colour type."""

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, and steps across and down of each pass of an interlaced PNG."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to build a costly picture: `make` gives a square one of a side in pixels.

    `side` is the largest that a search accepts, `side_saved` the largest that saving does, 0 if it is the same one.
    """

    name: str
    suffix: str
    make: Callable[[int], bytes]
    side: int
    side_saved: int = 0


def png(side: int, depth: int = 8, colour: int = 2, *, interlaced: bool = False, beside: bytes = b"") -> bytes:
    """Build a black PNG; `beside` is put before its pixels."""
    compressor = zlib.compressobj(1)
    body = []
    for width, height in _passes(side, interlaced):
        row = b"\0" + bytes((width * _CHANNELS[colour] * depth + 7) // 8)
        block = row * max(1, (1 << 20) // len(row))
        left = len(row) * height
        while left > 0:
            body.append(compressor.compress(block[:left]))
            left -= len(block)
    body.append(compressor.flush())
    head = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, int(interlaced))
    palette = chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    pixels = chunk(b"IDAT", b"".join(body))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + beside + palette + pixels + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Build a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def animated_png(side: int, frames: int = 50) -> bytes:
    """Build an animation whose frames are all of the full size."""
    still = png(side)
    pixels = still[still.index(b"IDAT") + 4 : -16]
    control = struct.pack(">IIIIHHBB", side, side, 0, 0, 1, 10, 0, 0)
    parts = [still[:33], chunk(b"acTL", struct.pack(">II", frames, 0)), chunk(b"fcTL", struct.pack(">I", 0) + control)]
    parts.append(chunk(b"IDAT", pixels))
    for frame in range(1, frames):
        parts.append(chunk(b"fcTL", struct.pack(">I", 2 * frame - 1) + control))
        parts.append(chunk(b"fdAT", struct.pack(">I", 2 * frame) + pixels))
    return b"".join((*parts, chunk(b"IEND", b"")))


def saved(mode: str, kind: str, **how: object) -> Callable[[int], bytes]:
    """What builds a picture of one colour in a mode and format of Pillow's."""

    def make(side: int) -> bytes:
        file = io.BytesIO()
        Image.new(mode, (side, side)).save(file, kind, **how)
        return file.getvalue()

    return make


def one_strip(mode: str) -> Callable[[int], bytes]:
    """What builds a TIFF that is all one strip, which is decoded at once."""
    return saved(mode, "TIFF", compression="tiff_adobe_deflate", strip_size=1 << 30)


def animated(kind: str, frames: int = 3) -> Callable[[int], bytes]:
    """What builds an animation in a format of Pillow's; its frames differ in one corner."""

    def make(side: int) -> bytes:
        def later() -> Iterator[Image.Image]:
            for frame in range(1, frames):
                following = Image.new("RGB", (side, side))
                following.paste((255, 0, frame), (0, 0, 16, 16))
                following.paste((0, 255, frame), (side - 16, side - 16, side, side))
                yield following

        file = io.BytesIO()
        Image.new("RGB", (side, side)).save(file, kind, save_all=True, append_images=later())
        return file.getvalue()

    return make


def animated_gif(side: int, frames: int = 8) -> bytes:
    """Build an animation whose frames are all of the full size."""
    still = saved("RGB", "GIF")(side)
    start = 13 + (3 << (still[10] & 7) + 1 if still[10] & 0x80 else 0)
    return still[:start] + still[start:-1] * frames + b";"


def many_scans(side: int, scans: int, mode: str = "RGB") -> bytes:
    """Build a progressive JPEG whose last scan is repeated until there are `scans` of them: libjpeg decodes each."""
    jpeg = saved(mode, "JPEG", progressive=True, subsampling=0, quality=50)(side)
    there = jpeg.count(b"\xff\xda")
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * (scans - there) + b"\xff\xd9"


def fat_jpeg(side: int, size: int = 31 << 20) -> bytes:
    """Build a JPEG with `size` bytes of colour profile before its pixels."""
    jpeg = saved("RGB", "JPEG")(side)
    segment = struct.pack(">BBH", 0xFF, 0xE2, 0xFFFF) + b"ICC_PROFILE\0\1\1" + bytes(0xFFFF - 2 - 14)
    return jpeg[:2] + segment * (size // len(segment)) + jpeg[2:]


def fat_png(side: int, size: int = 31 << 20) -> bytes:
    """Build a PNG with `size` bytes of text before its pixels, and a profile and a text that decompress to more."""
    bomb = zlib.compress(bytes(1 << 28), 9)
    bombs = chunk(b"iCCP", b"p\0\0" + bomb) + chunk(b"zTXt", b"t\0\0" + bomb)
    return png(side, beside=bombs + chunk(b"tEXt", b"Comment\0" + b"x" * (size - len(bombs))))


def fat_webp(side: int, size: int = 31 << 20) -> bytes:
    """Build a WebP with `size` bytes of XMP."""
    return saved("RGB", "WEBP", lossless=True, xmp=b"x" * size)(side)


def _passes(side: int, interlaced: bool) -> Iterator[tuple[int, int]]:
    if not interlaced:
        yield side, side
        return
    for left, top, across, down in _ADAM7:
        yield len(range(left, side, across)), len(range(top, side, down))


KINDS = (
    Kind("PNG, grey of 8 bits", ".png", lambda side: png(side, 8, 0), 8000, 13340),
    Kind("PNG, RGBA of 8 bits", ".png", lambda side: png(side, 8, 6), 8000, 13340),
    Kind("PNG, grey of 16 bits", ".png", lambda side: png(side, 16, 0), 8000, 13340),
    Kind("PNG, RGB of 16 bits", ".png", lambda side: png(side, 16, 2), 8000, 13340),
    Kind("PNG, RGBA of 16 bits, interlaced", ".png", lambda side: png(side, 16, 6, interlaced=True), 8000, 13340),
    Kind("PNG, palette", ".png", lambda side: png(side, 8, 3), 8000, 13340),
    Kind("PNG, 50 frames", ".png", animated_png, 8000),
    Kind("PNG, RGB of 8 million", ".png", png, 2828),
    Kind("JPEG, RGB", ".jpg", saved("RGB", "JPEG", subsampling=0), 8000, 13340),
    Kind("JPEG, 22 scans", ".jpg", lambda side: many_scans(side, 22), 8000, 11300),
    Kind("JPEG, CMYK, 18 scans", ".jpg", lambda side: many_scans(side, 18, "CMYK"), 8000, 9400),
    Kind("JPEG, 100 scans of 14 million", ".jpg", lambda side: many_scans(side, 100), 3740),
    Kind("WebP, lossless", ".webp", saved("RGB", "WEBP", lossless=True, method=0), 5670),
    Kind("WebP, lossless with transparency", ".webp", saved("RGBA", "WEBP", lossless=True, method=0, exact=True), 5670),
    Kind("WebP, lossy", ".webp", saved("RGB", "WEBP", method=0), 5670),
    Kind("WebP, 3 frames", ".webp", animated("WEBP"), 5670),
    Kind("AVIF", ".avif", saved("RGB", "AVIF", speed=10), 6800),
    Kind("AVIF, 3 frames", ".avif", animated("AVIF"), 4000),
    Kind("TIFF, float of 32 bits, LZW", ".tif", saved("F", "TIFF", compression="tiff_lzw"), 8000, 13000),
    Kind("TIFF, float, one strip", ".tif", one_strip("F"), 8000, 9700),
    Kind("TIFF, 16 bits, deflate", ".tif", saved("I;16", "TIFF", compression="tiff_adobe_deflate"), 8000, 13340),
    Kind("TIFF, CMYK, one strip", ".tif", one_strip("CMYK"), 8000, 9700),
    Kind("GIF, 8 frames", ".gif", animated_gif, 8000),
    Kind("BMP, runs", ".bmp", lambda side: bmp_of_runs(side), 2000),
    Kind("JPEG with 31 MiB of profile", ".jpg", fat_jpeg, 640),
    Kind("PNG with 31 MiB of text", ".png", fat_png, 640),
    Kind("WebP with 31 MiB of XMP", ".webp", fat_webp, 640),
)  # fmt: skip


def bmp_of_runs(side: int) -> bytes:
    """Build a BMP of 8 bits a pixel, compressed by run lengths, each run as long as can be."""
    row = b"\xff\1" * (side // 255) + bytes([side % 255, 1]) * (side % 255 > 0) + b"\0\0"
    pixels = row * side + b"\0\1"
    offset = 14 + 40 + 1024
    head = struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset)
    head += struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(pixels), 2835, 2835, 256, 0)
    return head + bytes(range(256)) * 4 + pixels
