"""Pictures that clients bring along: uploaded, as data URLs, or by an address that is fetched for them."""

import base64
import binascii
import re
import secrets
import threading
from collections import OrderedDict

from PIL import Image

from phrasepix.errors import AnswerNotKeptError, WrongQueryError
from phrasepix.public_pictures import decoded_picture, public_example, public_file
from phrasepix.server.problems import UploadGoneError
from phrasepix_core.messages import Hint
from phrasepix_core.urls import shown_url
from reranker.pictures.fetch import PictureFetcher
from reranker.query import Example

PREFIX = "upload:"
"""How a reference to an uploaded picture begins."""

_MOST = 256
"""How many pictures are kept, however small."""
_ID_BYTES = 12
_DATA_URL = re.compile(r"data:(?:image/[\w.+-]+)?;base64,", re.IGNORECASE)


class UploadedPictures:
    """Pictures by their references, at most `most_bytes` of pixels; the least recently used go first. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Example] = OrderedDict()
        self._fetcher = PictureFetcher()

    def add(self, data: bytes) -> tuple[str, Image.Image]:
        """Keep the picture in a file; return its reference and itself. Raises `PictureUnreadableError`."""
        picture = decoded_picture(data)
        reference = PREFIX + secrets.token_urlsafe(_ID_BYTES)
        self._keep(reference, Example(picture, title="an uploaded picture"))
        return reference, picture

    def get(self, reference: str) -> Example:
        """Return the picture of a reference. Raises `UploadGoneError`."""
        with self._lock:
            if (example := self._kept.get(reference)) is None:
                raise UploadGoneError("this uploaded picture is not kept any more; upload it again")
            self._kept.move_to_end(reference)
            return example

    def at_address(self, url: str, *, offline: bool = False) -> Example:
        """Return the picture at a public http or https address, which is fetched unless it was just now.

        Raises `ForbiddenAddressError`, `PictureUnreachableError`, `WrongQueryError`, and `AnswerNotKeptError` if it
        would have to be fetched `offline`.
        """
        with self._lock:
            if (example := self._kept.get(url)) is not None:
                self._kept.move_to_end(url)
                return example
        if offline:
            raise AnswerNotKeptError(
                f"the picture at {shown_url(url)} is not kept here, and offline it is not fetched. Upload it, or "
                "search without ",
                Hint("offline", True),
            )
        example = public_example(url, self._fetcher)
        self._keep(url, example)
        return example

    def file_at(self, url: str) -> bytes:
        """Return the file at a public address. Raises `ForbiddenAddressError` and `PictureUnreachableError`."""
        return public_file(url, self._fetcher)

    def close(self) -> None:
        """Close the connections, and forget the pictures."""
        with self._lock:
            self._kept.clear()
        self._fetcher.close()

    def _keep(self, reference: str, example: Example) -> None:
        with self._lock:
            self._kept[reference] = example
            self._kept.move_to_end(reference)
            size = sum(map(_size, self._kept.values()))
            while len(self._kept) > 1 and (len(self._kept) > _MOST or size > self._most_bytes):
                size -= _size(self._kept.popitem(last=False)[1])


def is_data_url(text: str) -> bool:
    """Return whether a text is the data URL of a picture."""
    return _DATA_URL.match(text) is not None


def file_in_data_url(text: str) -> bytes:
    """Return the file in a data URL. Raises `WrongQueryError`."""
    found = _DATA_URL.match(text)
    try:
        return base64.b64decode(text[found.end() :] if found else "", validate=True)
    except (binascii.Error, ValueError):
        raise WrongQueryError("the data URL of a picture is no base64") from None


def _size(example: Example) -> int:
    picture = example.picture
    return 3 * picture.width * picture.height if isinstance(picture, Image.Image) else 0
