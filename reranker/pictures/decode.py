"""From the bytes of a file to an RGB picture, whatever they claim to be."""

import io
import struct
import zlib
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from reranker.errors import PictureUnreadableError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP")
"""What may be decoded, recognised by content; names and Content-Type are not trusted. MPO comes with JPEG."""

LARGEST_PIXELS = 64_000_000

MOST_OBLONG = 1000
"""How many times as long as wide a picture may be: a model's own rule makes the short side as long as its input's."""

_DECODER_FAILURES = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError, RuntimeError,
    struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on damaged files, as its issues record."""


def decode(data: bytes, *, enough: int | None = None, largest_pixels: int = LARGEST_PIXELS) -> Image.Image:
    """The picture in `data`, as `decode_file` has it."""
    return decode_file(io.BytesIO(data), enough=enough, largest_pixels=largest_pixels)


def decode_file(
    file: IO[bytes],
    *,
    enough: int | None = None,
    largest_pixels: int = LARGEST_PIXELS,
    formats: tuple[str, ...] = FORMATS,
) -> Image.Image:
    """The picture in `file` as RGB, upright, its first frame, transparency laid on white.

    A JPEG whose short side exceeds `enough` pixels twice or more is decoded at a half, a quarter or an eighth of its
    size, whichever still leaves `enough`: a fraction of the work.
    Raises `PictureUnreadableError` where it is empty, no picture, damaged, has more than `largest_pixels`, or is more
    than `MOST_OBLONG` times as long as wide.
    """
    head = file.read(12)
    file.seek(0)
    if not head:
        raise PictureUnreadableError("the file is empty")
    try:
        with Image.open(file, formats=formats) as opened:
            if opened.width * opened.height > largest_pixels:
                raise _too_many(f"{opened.width} × {opened.height}", largest_pixels)
            _refuse_oblong(opened)
            if enough is not None:
                opened.draft(None, (enough, enough))  # formats other than JPEG know no such thing and ignore it
            opened.load()
            ImageOps.exif_transpose(opened, in_place=True)
            picture = _as_rgb(opened)
            # Other formats' files keep their decoder as long as they live, with its memory and its threads.
            return picture.copy() if picture is opened and opened.format != "JPEG" else picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many("far too many", largest_pixels) from None
    except UnidentifiedImageError:
        raise PictureUnreadableError(f"the file is not a picture: it starts with {head!r}") from None
    except MemoryError:
        raise PictureUnreadableError("the picture does not fit into memory") from None
    except _DECODER_FAILURES as error:
        raise PictureUnreadableError(f"the picture is damaged: {error}") from None


def _refuse_oblong(picture: Image.Image) -> None:
    if max(picture.size) > MOST_OBLONG * min(picture.size):
        raise PictureUnreadableError(
            f"the picture is {picture.width} × {picture.height} pixels, a mere line; "
            f"at most {MOST_OBLONG} times as long as wide can be looked at"
        )


def rgb_picture(picture: Image.Image) -> Image.Image:
    """A picture somebody opened or made, in any of Pillow's modes, as `decode_file` would have it.

    Raises `PictureUnreadableError` where its file turns out to be damaged, or it is too oblong.
    """
    _refuse_oblong(picture)
    try:
        return _as_rgb(ImageOps.exif_transpose(picture))  # a copy: the picture stays as it is
    except _DECODER_FAILURES as error:
        raise PictureUnreadableError(f"the picture is damaged: {error}") from None


def _too_many(pixels: str, largest: int) -> PictureUnreadableError:
    return PictureUnreadableError(
        f"the picture has {pixels} pixels; at most {largest // 1_000_000} million are decoded"
    )


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        return _from_deep_grey(picture)
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        paper = Image.new("RGBA", with_alpha.size, "white")
        return Image.alpha_composite(paper, with_alpha).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """Grey of more than 8 bits: Pillow's own conversion clips at 255 instead of scaling."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    whole = 1.0 if picture.mode == "F" and values.max(initial=0.0) <= 1.0 else 65535.0
    grey = np.clip(values * (255.0 / whole), 0, 255).round().astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")
