"""From a loaded picture of any mode to RGB, upright and perhaps reduced, strip by strip.

A conversion takes several copies of what it works on; strips keep them small, whatever the picture's size.
"""

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.reduced_picture import Box, Size

STRIP_PIXELS = 2_000_000
"""How many pixels are converted at a time."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its orientation as in Exif."""

WHOLES = (255, 1023, 4095, 16383, 65535)
"""The largest whole number of 8, 10, 12, 14 and 16 bits."""

_WholeBox = tuple[int, int, int, int]
_Number = TypeVar("_Number", int, float)


def upright_rgb(picture: Image.Image, *, orientation: int = 1, factor: int = 1, unsigned: bool = False) -> Image.Image:
    """The loaded `picture` in RGB, upright, transparency laid on white, each side divided by `factor`.

    Deep grey is scaled to what can be seen; `unsigned` says that its whole numbers of 32 bits have no sign. The
    picture itself is given back if nothing has to be done.
    """
    to_rgb = _conversion(picture, unsigned)
    width, height = picture.size if orientation < 5 else (picture.height, picture.width)
    if width * height <= STRIP_PIXELS:
        whole = to_rgb(_turned(picture, orientation))
        return whole if factor == 1 else whole.reduce(factor)
    if factor == 1 and picture.mode == "RGB" and not picture.has_transparency_data:
        return to_rgb(_turned(picture, orientation))
    rgb = Image.new("RGB", (math.ceil(width / factor), math.ceil(height / factor)))
    rows = max(1, STRIP_PIXELS // width // factor) * factor
    for top in range(0, height, rows):
        upright = (0, top, width, min(top + rows, height))
        strip = picture.crop(_stored(upright, picture.size, orientation))
        strip = to_rgb(_turned(strip, orientation))
        rgb.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return rgb


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def upright_box(box: Box, size: Size, orientation: int) -> Box:
    """Where a box of a stored picture of that `size` lies in the upright one."""
    left, top, right, bottom = _flipped(box, size, orientation)
    return (top, left, bottom, right) if orientation >= 5 else (left, top, right, bottom)


def _stored(box: _WholeBox, size: Size, orientation: int) -> _WholeBox:
    """Where a box of the upright picture lies in the stored one of that `size`."""
    left, top, right, bottom = box
    return _flipped((top, left, bottom, right) if orientation >= 5 else box, size, orientation)


def _flipped(
    box: tuple[_Number, _Number, _Number, _Number], size: Size, orientation: int
) -> tuple[_Number, _Number, _Number, _Number]:
    """Where a box of a stored picture of that `size` lies once it is mirrored as its orientation asks."""
    left, top, right, bottom = box
    width, height = size
    if orientation in {2, 3, 7, 8}:
        left, right = width - right, width - left
    if orientation in {3, 4, 6, 7}:
        top, bottom = height - bottom, height - top
    return left, top, right, bottom


def _conversion(picture: Image.Image, unsigned: bool) -> Callable[[Image.Image], Image.Image]:
    """What makes RGB of each strip of the picture."""
    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        to_grey = _grey_scale(picture, unsigned)
        return lambda strip: Image.fromarray(to_grey(_values(strip, unsigned))).convert("RGB")
    if picture.has_transparency_data:
        return _on_white
    return lambda strip: strip if strip.mode == "RGB" else strip.convert("RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    with_alpha = picture.convert("RGBA")
    paper = Image.new("RGBA", with_alpha.size, "white")
    return Image.alpha_composite(paper, with_alpha).convert("RGB")


def _values(strip: Image.Image, unsigned: bool) -> NDArray[np.generic]:
    values = np.asarray(strip)
    return values.view(np.uint32) if unsigned and values.dtype == np.int32 else values


def _strips(picture: Image.Image, unsigned: bool) -> Iterator[NDArray[np.generic]]:
    rows = max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        yield _values(strip, unsigned)


def _grey_scale(picture: Image.Image, unsigned: bool) -> Callable[[NDArray[np.generic]], NDArray[np.uint8]]:
    """How grey of more than 8 bits is brought to 0 to 255: Pillow's own conversion clips instead of scaling.

    Whole numbers from 0 are read as having as many of 8, 10, 12, 14 or 16 bits as the largest of them takes: cameras
    and scanners store 12 in 16. Fractions are read from 0 to 1. Anything else goes from its least to its largest value.
    What is no number is black.
    """
    low, high = math.inf, -math.inf
    for values in _strips(picture, unsigned):
        finite = values[np.isfinite(values)] if picture.mode == "F" else values
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if picture.mode != "F" and low >= 0 and high <= 65535:
        whole = next(whole for whole in WHOLES if high <= whole)
        shades = np.clip(np.arange(65536) * (255.0 / whole), 0, 255).round().astype(np.uint8)
        return lambda values: shades[values.astype(np.uint16, copy=False)]
    if picture.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scale = 255.0 / (high - low) if high > low else 0.0

    def scaled(values: NDArray[np.generic]) -> NDArray[np.uint8]:
        grey = values.astype(np.float64)
        grey -= low
        grey *= scale
        np.nan_to_num(grey, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(grey, 0, 255, out=grey).round(out=grey).astype(np.uint8)

    return scaled
