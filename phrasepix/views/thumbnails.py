"""Pictures for pages: small JPEGs."""

import io

from PIL import Image

CARD = (640, 480)
"""The pixels that a picture on a card has at most."""
_QUALITY = 84


def jpeg_of(picture: Image.Image, box: tuple[int, int] = CARD) -> bytes:
    """Return the picture as JPEG, made smaller if it has more pixels than the `box`."""
    thumbnail = picture.copy()
    thumbnail.thumbnail(box, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
