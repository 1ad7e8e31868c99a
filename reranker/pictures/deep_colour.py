"""Colour of 16 bits that holds fewer: Pillow keeps the high byte of each number, and 12 bits in 16 would be near black.

The low byte comes from decoding the file once more as if its numbers lay the other way round.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from reranker.pictures.rgb import STRIP_PIXELS, WHOLES

_SWAPPED = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
_DARK = 63
"""The largest high byte of numbers of 14 bits."""


@dataclass(frozen=True, slots=True)
class DeepColour:
    """An opened picture's parts, by which its decoder is told to give low bytes in place of high ones."""

    tiles: tuple[ImageFile._Tile, ...]

    @classmethod
    def of_opened(cls, opened: Image.Image) -> "DeepColour | None":
        """Those of a picture that is opened and not loaded; None if its colours have no 16 bits."""
        if opened.mode not in {"RGB", "RGBA"} or not isinstance(opened, ImageFile.ImageFile):
            return None
        tiles = []
        for tile in opened.tile:
            arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
            raw = arguments[0] if arguments else None
            if not isinstance(raw, str) or raw[-4:-1] != ";16" or raw[-1] not in _SWAPPED:
                return None
            swapped = raw[:-1] + _SWAPPED[raw[-1]]
            tiles.append(tile._replace(args=(swapped, *arguments[1:]) if isinstance(tile.args, tuple) else swapped))
        return cls(tuple(tiles)) if tiles else None

    def brighten(self, loaded: Image.Image, again: ImageFile.ImageFile) -> None:
        """Scale the colours of the `loaded` picture to what can be seen, if they take 8 to 14 bits of 16.

        `again` is the same file, opened and not loaded.
        """
        extrema = [loaded.getextrema()[band][1] for band in range(3)]  # type: ignore[index]
        if max(extrema) > _DARK or max(extrema) == 0:
            return
        again.tile = list(self.tiles)
        again.load()
        rows = max(1, STRIP_PIXELS // loaded.width)
        boxes = [(0, top, loaded.width, min(top + rows, loaded.height)) for top in range(0, loaded.height, rows)]
        largest = max(int(_numbers(loaded, again, box).max()) for box in boxes)
        whole = next(whole for whole in WHOLES if largest <= whole)
        shades = np.clip(np.arange(65536) * (255.0 / whole), 0, 255).round().astype(np.uint8)
        for box in boxes:
            strip = np.array(loaded.crop(box))
            strip[..., :3] = shades[_numbers(loaded, again, box)]
            loaded.paste(Image.fromarray(strip), box)


def _numbers(high: Image.Image, low: Image.Image, box: tuple[int, int, int, int]) -> NDArray[np.uint16]:
    """The colours within a box, uint16 [rows, columns, 3]."""
    upper, lower = (np.asarray(one.crop(box))[..., :3].astype(np.uint16) for one in (high, low))
    numbers: NDArray[np.uint16] = upper * np.uint16(256) + lower
    return numbers
