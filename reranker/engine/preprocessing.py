"""A model's own preprocessing with Pillow and NumPy: the same numbers as open_clip's transform, without torchvision."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.errors import ModelError
from reranker.reduced_picture import Box, ReducedPicture, Size, whole_of

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "random": Image.Resampling.BICUBIC,  # random while training; open_clip takes bicubic for everything else
}
RESIZE_MODES = ("shortest", "longest", "squash")

_OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
_OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From an RGB picture to what the image tower takes.

    `resize_mode` is shortest (the short side becomes the tower's, the centre is cropped), longest (the long side does,
    the rest is padded with `fill_color`) or squash (both do). `mean` and `std` are of the three channels, in 0 to 1.
    With `resized_to` pixels, a square tower's short side becomes that many instead, of which more is cropped.
    """

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    resize_mode: str
    fill_color: int = 0
    resized_to: int = 0

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> Self:
        """From a `preprocess_cfg` as open_clip's models carry it. Raises `ModelError` for what is not known."""
        interpolation = config.get("interpolation") or "bicubic"
        resize_mode = config.get("resize_mode") or "shortest"
        for name, value, known in (
            ("interpolation", interpolation, tuple(_FILTERS)),
            ("resize_mode", resize_mode, RESIZE_MODES),
            ("mode", config.get("mode") or "RGB", ("RGB",)),
        ):
            if value not in known:
                raise ModelError(f"the model's preprocessing has {name} {value!r}; known: {', '.join(known)}")
        height, width = _pair(config.get("size") or 224)
        return cls(
            height,
            width,
            _channels(config.get("mean") or _OPENAI_MEAN),
            _channels(config.get("std") or _OPENAI_STD),
            interpolation,
            resize_mode,
            int(config.get("fill_color") or 0),
            int(config.get("resized_to") or 0),
        )

    def to_json(self) -> dict[str, Any]:
        """The same as a `preprocess_cfg`."""
        values = asdict(self)
        return {"size": [values.pop("height"), values.pop("width")], **values}

    def __call__(self, picture: Image.Image) -> NDArray[np.float32]:
        """The picture's pixels, normalised: float32 [3, height, width]."""
        resized = self._resized(picture if picture.mode == "RGB" else picture.convert("RGB"))
        # Plane by plane from the start: what follows reads memory in order.
        pixels = np.empty((3, resized.height, resized.width), dtype=np.float32)
        np.divide(np.asarray(resized).transpose(2, 0, 1), np.float32(255), out=pixels, dtype=np.float32)
        pixels -= np.array(self.mean, dtype=np.float32)[:, None, None]
        pixels /= np.array(self.std, dtype=np.float32)[:, None, None]
        return pixels

    def _resized(self, picture: Image.Image) -> Image.Image:
        whole, content = whole_of(picture)
        chosen, size = self._filter, self._size(whole)
        if self.resize_mode == "squash":
            return picture.resize(size, chosen, content)
        fill = self.fill_color if self.resize_mode == "longest" else 0
        if not isinstance(picture, ReducedPicture):
            return self._centred(picture.resize(size, chosen), fill)
        # What the crop leaves out is not computed. Of a whole picture it is, lest a pixel in thousands round otherwise.
        kept = _kept(size, (self.width, self.height))
        return self._centred(
            picture.resize((kept[2] - kept[0], kept[3] - kept[1]), chosen, _within(kept, size, content)), fill
        )

    @property
    def _filter(self) -> Image.Resampling:
        # open_clip resizes to an oblong input by bicubic, whatever the config says
        is_oblong = self.resize_mode == "shortest" and self.height != self.width
        return Image.Resampling.BICUBIC if is_oblong else _FILTERS[self.interpolation]

    def _size(self, whole: Size) -> Size:
        """To how many pixels a picture is resized, before it is cropped or padded."""
        width, height = whole
        if self.resize_mode == "squash":
            return self.width, self.height
        if self.resize_mode == "longest":
            return _scaled(whole, max(height / self.height, width / self.width))
        if self.height == self.width:
            short, side = min(whole), self.resized_to or self.width
            return int(side * width / short), int(side * height / short)
        return _scaled(whole, min(height / self.height, width / self.width))

    def _centred(self, picture: Image.Image, fill: int) -> Image.Image:
        """The centre, laid on `fill` where the picture is too small for it."""
        pad_left, left = _margins(picture.width, self.width)
        pad_top, top = _margins(picture.height, self.height)
        if pad_left or pad_top or picture.width < self.width or picture.height < self.height:
            paper = Image.new("RGB", (max(picture.width, self.width), max(picture.height, self.height)), (fill,) * 3)
            paper.paste(picture, (pad_left, pad_top))
            picture = paper
        return picture.crop((left, top, left + self.width, top + self.height))


def _margins(side: int, wanted: int) -> tuple[int, int]:
    """How many pixels to pad before, and how many to crop before; odd ones as open_clip has them."""
    if side < wanted:
        return (wanted - side) // 2, 0
    return 0, round((side - wanted) / 2)


def _kept(size: Size, wanted: Size) -> tuple[int, int, int, int]:
    """The box of a resized picture that a crop at its centre leaves."""
    (_, left), (_, top) = map(_margins, size, wanted)
    return left, top, min(size[0], left + wanted[0]), min(size[1], top + wanted[1])


def _within(box: Box, size: Size, content: Box) -> Box:
    """Where a box of a resized picture of that `size` lies in the one that it is made of, whose whole is `content`."""
    left, top, right, bottom = content
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    return (
        left + box[0] * across,
        top + box[1] * down,
        min(right, left + box[2] * across),
        min(bottom, top + box[3] * down),
    )


def _scaled(size: Size, ratio: float) -> Size:
    return max(1, round(size[0] / ratio)), max(1, round(size[1] / ratio))


def _pair(size: Any) -> tuple[int, int]:
    sides = [int(side) for side in size] if isinstance(size, list | tuple) else [int(size)]
    if len(sides) not in {1, 2} or min(sides) < 1:
        raise ModelError(f"the model's preprocessing has size {size!r}; known: a side, or height and width")
    return sides[0], sides[-1]


def _channels(values: Any) -> tuple[float, ...]:
    channels = tuple(float(value) for value in values) if isinstance(values, list | tuple) else (float(values),) * 3
    if len(channels) != 3:
        raise ModelError(f"the model's preprocessing normalises by {values!r}; known: one number for each of R, G, B")
    return channels
