"""How much memory a picture takes while it is decoded, estimated before it is."""

import struct
from typing import Any

from PIL import Image

_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""In a loaded picture of Pillow's, by mode; 4 in the others."""

_DECODERS_BYTES = {"WEBP": 13, "AVIF": 13, "HEIF": 13}
"""What the decoders of these formats take a pixel beside the loaded picture: their canvases and planes.

WebP took 12.1, lossy or not, with transparency or animation; AVIF of 8 bits 5.4, and more bits take twice as many.
"""

_SCALED = frozenset({"F", "I"})
"""Modes that are scaled to be seen: with the copies and what is left to the allocator they took half as much again."""

_ROWS_PER_STRIP, _TILE_LENGTH, _BITS = 278, 323, 258


def decoding_bytes(
    opened: Image.Image, whole: tuple[int, int], *, has_many_scans: bool, is_deep_colour: bool, factor: int
) -> int:
    """The bytes to decode an `opened` picture and reduce each side by `factor`, by estimate.

    `whole` is the size in its file in pixels, before a JPEG was set to be decoded at a fraction of it.
    """
    pixels = opened.width * opened.height
    loaded = pixels * _BYTES_A_PIXEL.get(opened.mode, 4)
    outcome = pixels * 4 // factor**2
    kind = opened.format or ""
    size = loaded + outcome + whole[0] * whole[1] * _DECODERS_BYTES.get(kind, 0)
    if has_many_scans:
        size += _coefficients(opened, whole)
    if is_deep_colour or opened.mode in _SCALED:
        size += loaded
    if kind == "TIFF":
        size += _of_tiff(opened, loaded)
    return size


def webp_bytes(width: int, height: int, largest_outcome: int) -> int:
    """The bytes to open and decode a WebP: its canvases are there as soon as it is opened.

    `largest_outcome` is how many pixels the outcome has at most.
    """
    return width * height * (4 + _DECODERS_BYTES["WEBP"]) + 4 * min(width * height, largest_outcome)


def webp_canvas(head: bytes) -> tuple[int, int] | None:
    """Width and height that the first 30 bytes of a WebP name; None if they are not those of one."""
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _coefficients(opened: Any, whole: tuple[int, int]) -> int:
    """Two bytes for each sample of a JPEG, of all components, subsampled or not."""
    layers = [(across or 1, down or 1) for _, across, down, _ in opened.layer]
    if not layers:
        return 0
    most = max(across for across, _ in layers) * max(down for _, down in layers)
    return 2 * whole[0] * whole[1] * sum(across * down for across, down in layers) // most


def _of_tiff(opened: Any, loaded: int) -> int:
    """The buffer for a strip or a row of tiles, which may be all of the picture, and a copy if it has to be turned."""
    tags = opened.tag_v2
    rows = tags.get(_TILE_LENGTH) or tags.get(_ROWS_PER_STRIP) or opened.height
    rows = min(rows, opened.height) if isinstance(rows, int) and rows > 0 else opened.height
    bits = tags.get(_BITS, (8,))
    bits = bits if isinstance(bits, tuple) else (bits,)
    sample = max((one for one in bits if isinstance(one, int)), default=8)
    channels = max(len(bits), len(opened.getbands()))
    strip = rows * opened.width * channels * sample // 8
    return int(strip) + (loaded if tags.get(0x0112) in range(2, 9) else 0)
