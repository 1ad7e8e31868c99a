"""Pictures for pages: small JPEGs."""

import base64
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


def jpeg_data_url(picture: Image.Image, box: tuple[int, int] = CARD) -> str:
    """Return the picture as a data URL: JPEG, as of `jpeg_of`."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_of(picture, box)).decode("ascii")
