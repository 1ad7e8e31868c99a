"""Thumbnails of a library's pictures, as pages embed them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from phrasepix.views.thumbnails import jpeg_data_url
from reranker.errors import PictureError
from reranker.pictures.local_files import LocalFiles


def thumbnails_of(keys: Iterable[str], side: int) -> dict[str, str]:
    """Return small JPEGs as data URLs by the files' keys, `side` pixels at most, without those that cannot be had.

    As many are decoded at a time as there are processors.
    """
    local = LocalFiles()

    def made(key: str) -> tuple[str, str]:
        try:
            return key, jpeg_data_url(local.picture([key], side), (side, side))
        except PictureError:
            return key, ""

    with ThreadPoolExecutor() as threads:
        return {key: url for key, url in threads.map(made, dict.fromkeys(keys)) if url}
