"""The sample site's addresses: signed ones of renditions, which expire, and lasting ones of previews and pages."""

import hashlib
import hmac
import re
import secrets
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from phrasepix.sample.catalogue import SamplePicture

_SIGNED = re.compile(r"/get/g([0-9a-f]{64})_(180|340|640|960|1280)\.jpg", re.ASCII)
_PREVIEW = re.compile(r"/photo/(?:[a-z0-9-]*-)?([0-9]{1,18})_150\.jpg", re.ASCII)
_PICTURE_PAGE = re.compile(r"/(?:photos|illustrations|vectors)/(?:[a-z0-9-]*-)?([0-9]{1,18})/?", re.ASCII)
_USER_PAGE = re.compile(r"/users/(?:[a-z0-9-]*-)?([0-9]{1,18})/?", re.ASCII)
_PAYLOAD = struct.Struct(">QQ")  # the picture's number, the moment of expiry in milliseconds of the epoch


class LinkError(Exception):
    """A rendition's address is forged, was not made for that size, or has expired; the message says which."""


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """What a signed address stands for."""

    picture_id: int
    suffix: str
    """One of `phrasepix.sample.renditions.BOUNDS`."""
    seconds_left: float
    """How long the address will still be good for."""


class RenditionLinks:
    """Signs the addresses of renditions and reads them back.

    An address names the picture and the moment of expiry, sealed with a secret made with this object: addresses of
    one run of the site mean nothing to the next. The one of the ordinary rendition (``_640``) is good for ``_180``,
    ``_340`` and ``_960`` too, the one of the large rendition (``_1280``) only for itself.

    Args:
        lifetime: how long an address is good for.
        clock: gives the time in seconds of the epoch.
    """

    def __init__(self, lifetime: timedelta, clock: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def sign(self, picture_id: int, suffix: str) -> str:
        """The path of the rendition `suffix` of a picture, good from now for the lifetime."""
        expiry_ms = max(0, round((self._clock() + self._lifetime.total_seconds()) * 1000))
        payload = _PAYLOAD.pack(picture_id, expiry_ms)
        return f"/get/g{(payload + self._seal(payload, suffix)).hex()}_{suffix}.jpg"

    def read(self, path: str) -> LinkedFile | None:
        """What the path stands for, or None if it does not look like a rendition's at all.

        Raises:
            LinkError: if it looks like one but must not be served.
        """
        match = _SIGNED.fullmatch(path)
        if match is None:
            return None
        token, suffix = bytes.fromhex(match[1]), match[2]
        payload, seal = token[: _PAYLOAD.size], token[_PAYLOAD.size :]
        if not hmac.compare_digest(seal, self._seal(payload, suffix)):
            raise LinkError("This address was not given out by this site for this size.")
        picture_id, expiry_ms = _PAYLOAD.unpack(payload)
        seconds_left = expiry_ms / 1000 - self._clock()
        if seconds_left <= 0:
            raise LinkError("This address has expired: ask the API for the picture again.")
        return LinkedFile(picture_id, suffix, seconds_left)

    def _seal(self, payload: bytes, suffix: str) -> bytes:
        reach = b"large" if suffix == "1280" else b"ordinary"
        return hmac.digest(self._secret, reach + payload, hashlib.sha256)[:16]


def preview_path(picture: SamplePicture) -> str:
    """The path of a picture's preview of 150 pixels, which never expires."""
    return f"/photo/{_slug(picture.tags[:1], picture.id)}_150.jpg"


def picture_page_path(picture: SamplePicture) -> str:
    """The path of a picture's page, such as ``/photos/boat-sea-night-1001/``."""
    return f"/{picture.type.partition('/')[0]}s/{_slug(picture.tags[:4], picture.id)}/"


def user_page_path(user: str, user_id: int) -> str:
    """The path of a user's page, such as ``/users/phrasepix-1/``."""
    return f"/users/{_slug((user,), user_id)}/"


def picture_of_preview(path: str) -> int | None:
    """The number of the picture whose preview the path names, or None."""
    return _number(_PREVIEW, path)


def picture_of_page(path: str) -> int | None:
    """The number of the picture whose page the path names, or None."""
    return _number(_PICTURE_PAGE, path)


def user_of_page(path: str) -> int | None:
    """The number of the user whose page the path names, or None."""
    return _number(_USER_PAGE, path)


def _number(pattern: re.Pattern[str], path: str) -> int | None:
    match = pattern.fullmatch(path)
    return int(match[1]) if match else None


def _slug(names: tuple[str, ...], number: int) -> str:
    plain = unicodedata.normalize("NFKD", "-".join(names)).encode("ascii", "ignore").decode().lower()
    return "-".join([*re.findall("[a-z0-9]+", plain), str(number)])
