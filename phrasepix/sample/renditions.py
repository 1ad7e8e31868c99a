"""Renditions: the sizes in which the sample site gives a picture, made on request and remembered for a while."""

import io
import threading
from collections import OrderedDict

from PIL import Image

from phrasepix.sample.catalogue import SamplePicture

BOUNDS: dict[str, tuple[int | None, int]] = {
    "150": (150, 150),
    "180": (None, 180),
    "340": (None, 340),
    "640": (640, 640),
    "960": (960, 720),
    "1280": (1280, 1280),
}
"""Suffix of a rendition's URL -> greatest width (None: any) and height in pixels."""

_JPEG_QUALITY = 88


def rendition_size(width: int, height: int, suffix: str) -> tuple[int, int]:
    """Width and height in pixels of the rendition `suffix` of an original of `width` x `height` pixels.

    The proportions are kept, fractions of a pixel are cut off, and nothing is enlarged.

    Raises:
        KeyError: if `suffix` is none of `BOUNDS`.
    """
    most_width, most_height = BOUNDS[suffix]
    if most_width is None:
        most_width = width
    if width <= most_width and height <= most_height:
        return width, height
    if width * most_height >= height * most_width:
        return most_width, max(1, height * most_width // width)
    return max(1, width * most_height // height), most_height


class Renditions:
    """Makes renditions and keeps the most recently used ones in memory; safe to use from many threads.

    Args:
        capacity_bytes: how many bytes of JPEG to keep at most.
    """

    def __init__(self, capacity_bytes: int = 16 * 1024 * 1024) -> None:
        self._capacity_bytes = capacity_bytes
        self._kept: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    @property
    def kept_bytes(self) -> int:
        """How many bytes of JPEG are kept at this moment."""
        return self._kept_bytes

    def jpeg(self, picture: SamplePicture, suffix: str) -> bytes:
        """The rendition `suffix` of `picture` as JPEG; an original that is already of that size is given as it is.

        Raises:
            KeyError: if `suffix` is none of `BOUNDS`.
            OSError: if the original cannot be read or is no picture.
        """
        name = picture.id, suffix
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._kept.move_to_end(name)
                return kept
        # Made outside the lock: another thread may make the same one meanwhile, which costs less than all waiting.
        made = _make(picture, suffix)
        with self._lock:
            self._kept_bytes += len(made) - len(self._kept.pop(name, b""))
            self._kept[name] = made
            while self._kept_bytes > self._capacity_bytes:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return made


def _make(picture: SamplePicture, suffix: str) -> bytes:
    size = rendition_size(picture.width, picture.height, suffix)
    original = picture.path.read_bytes()
    with Image.open(io.BytesIO(original)) as image:
        if image.format == "JPEG" and image.size == size:
            return original
        image.draft("RGB", size)
        made = io.BytesIO()
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(made, "JPEG", quality=_JPEG_QUALITY)
    return made.getvalue()
