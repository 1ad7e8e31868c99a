"""Pictures at addresses that a client names: they are fetched from the internet alone, never from this machine.

A person's own address may be of this machine where the sample is searched; whoever asks a server may not look round in
its network.
"""

import io

from PIL import Image

from phrasepix.errors import PictureUnreachableError, WrongQueryError
from phrasepix_core.urls import is_public, shown_url
from reranker.errors import ForbiddenAddressError, PictureError
from reranker.pictures.decode import LARGEST_PIXELS, decode_file
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.local_files import local_formats
from reranker.query import Example

_ENOUGH = 1024
"""The short side in pixels to which a picture is decoded: more than twice that of the largest model's input."""
_KEPT_PIXELS = 4_000_000


def public_example(url: str, fetcher: PictureFetcher) -> Example:
    """Return the picture at a public http or https address, which is fetched.

    Raises `ForbiddenAddressError`, `PictureUnreachableError` and `WrongQueryError`.
    """
    data = public_file(url, fetcher)
    try:
        return Example(decoded_picture(data), title=Example.at_address(url).title)
    except PictureError as error:
        raise WrongQueryError(f"{shown_url(url)} is no picture to compare with: {error}") from None


def public_file(url: str, fetcher: PictureFetcher) -> bytes:
    """Return the file at a public address. Raises `ForbiddenAddressError` and `PictureUnreachableError`."""
    if not is_public(url):
        raise ForbiddenAddressError(
            f"{shown_url(url)} is not an http or https address on the internet; give the picture itself"
        )
    try:
        return fetcher.fetch(url)
    except PictureUnreachableError as error:
        raise PictureUnreachableError(f"the picture cannot be had from {shown_url(url)}: {error}") from None


def decoded_picture(data: bytes) -> Image.Image:
    """Return the picture in a file, told by its content, whatever it is called. Raises `PictureUnreadableError`."""
    return decode_file(
        io.BytesIO(data),
        enough=_ENOUGH,
        largest_pixels=LARGEST_PIXELS,
        kept_pixels=_KEPT_PIXELS,
        formats=local_formats(),
    )
