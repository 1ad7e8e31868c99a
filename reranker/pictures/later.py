"""A picture that is decoded when somebody looks at it."""

import threading
from collections.abc import Callable
from typing import Any

from PIL import Image


class DecodedWhenUsed(Image.Image):
    """An RGB picture of a known `size` whose pixels `decode` gives when they are first asked for.

    As of a picture that Pillow has opened and not yet loaded. Copied or pickled it is an ordinary picture.
    """

    def __init__(self, size: tuple[int, int], decode: Callable[[], Image.Image]) -> None:
        super().__init__()
        self._mode = "RGB"
        self._size = size
        self._decode: Callable[[], Image.Image] | None = decode
        self._decoding = threading.Lock()

    def load(self) -> Any:
        """Decode it, unless that is done. Raises `PictureUnreadableError`."""
        with self._decoding:
            if self._decode is not None:
                self.im = self._decode().im
                self._decode = None
        return super().load()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DecodedWhenUsed):
            other = other.copy()
        return self.copy() == other

    __hash__ = None  # type: ignore[assignment]  # as of any picture

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.copy(),)


def _itself(picture: Image.Image) -> Image.Image:
    return picture
