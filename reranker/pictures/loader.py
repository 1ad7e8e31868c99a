"""From a candidate to its picture, by the rendition that suits."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from PIL import Image

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.s3_access import S3
from reranker.errors import PictureError, TransientPictureError
from reranker.pictures.decode import KEPT_PIXELS, LARGEST_PIXELS, decode
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.local_files import LocalFiles

_DECODED_TO = 2.5
"""How many times the side that is wanted a large JPEG is decoded to at least.

What a decoder leaves out for speed is not quite what a resize leaves out. By `benchmarks.decoded_fractions`, of whoever
heeds the whole that a `ReducedPicture` names the cosine to it is 0.99997 or more from two and a half times on, and
falls to 0.9999 with twice the model's side. For others it may be 0.99, however many times it is.
"""

SHOWN_PIXELS = 3_000_000
"""How many pixels a picture keeps at most that is held for people to look at."""

_LARGEST_SMALL = 25_000_000
"""How many pixels a rendition may have that is said to be small: where a source has none, its server may send the
original, and that is a camera's at most. A larger one makes work of what was asked for to save it."""

_TIMES_AS_LARGE = 4


_MOST_REPLACEMENTS = 3


@dataclass(frozen=True, slots=True)
class LoadedPicture:
    """A decoded RGB picture, perhaps smaller than its file has it, and the file; None where that is on this machine."""

    picture: Image.Image
    data: bytes | None


class PictureLoader:
    """Fetches and decodes candidates' pictures.

    Pictures come from public addresses; those of the sources named in `loopback_sources` may also come from this
    machine, and those of `local_sources`, and of no other, are its files, or objects of a store of one's own, if their
    addresses say so. A file that was fetched is kept beside the picture: it is a tenth of its size.
    """

    def __init__(
        self,
        fetcher: PictureFetcher | None = None,
        *,
        loopback_sources: Collection[str] = (),
        local_sources: Collection[str] = (),
    ) -> None:
        self._fetcher = fetcher or PictureFetcher()
        self._local_files = LocalFiles()
        self._loopback_sources = frozenset(loopback_sources)
        self._local_sources = frozenset(local_sources)

    def load(self, candidate: Candidate, short_side: int, *, whole: bool = False) -> LoadedPicture:
        """The candidate's picture from the smallest rendition whose short side reaches `short_side` pixels.

        Of a large JPEG no more is decoded than is `enough_for` that, unless the `whole` is wanted; that has at most
        `SHOWN_PIXELS`. A rendition that cannot be had is replaced by the next larger one; a picture on this machine is
        never larger than is of use. Raises the last `PictureError`.
        """
        if self._is_local(candidate):
            urls = (candidate.image_url, *candidate.other_urls)
            return LoadedPicture(self._local_files.picture(urls, enough_for(short_side)), None)
        busy_hosts: set[str] = set()
        failure = PictureError("it has no file")
        for rendition in renditions_to_try(candidate.renditions, short_side):
            host = _host(rendition.url)
            if host in busy_hosts:
                continue
            try:
                return self._load(candidate, rendition, None if whole else enough_for(short_side))
            except PictureError as error:
                failure = error.without_frames()
                if isinstance(error, TransientPictureError) and rendition.as_given:
                    busy_hosts.add(host)  # it is down or asks for patience: asking it for more would not help
        raise failure

    def at_hand(self, candidate: Candidate, short_side: int) -> Image.Image | None:
        """The candidate's picture where it is on this machine; None where it is elsewhere or unusable."""
        if not self._is_local(candidate):
            return None
        try:
            return self.load(candidate, short_side).picture
        except PictureError:
            return None

    def fetch_example(self, url: str) -> bytes:
        """The file at an address that a person gave; from this machine where pictures of any source may be.

        Raises `PictureError`.
        """
        return self._fetcher.fetch(url, loopback=bool(self._loopback_sources))

    def _is_local(self, candidate: Candidate) -> bool:
        return candidate.source in self._local_sources and candidate.image_url.startswith("file:")

    def _load(self, candidate: Candidate, rendition: Rendition, enough: int | None) -> LoadedPicture:
        if candidate.source in self._local_sources and rendition.url.startswith(S3):
            data = self._fetcher.fetch_object(rendition.url)
        else:
            data = self._fetcher.fetch(rendition.url, loopback=candidate.source in self._loopback_sources)
        kept = SHOWN_PIXELS if enough is None else KEPT_PIXELS
        picture = decode(data, enough=enough, largest_pixels=_largest_pixels(rendition), kept_pixels=kept)
        return LoadedPicture(picture, data)

    def close(self) -> None:
        """Close the connections."""
        self._fetcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def enough_for(short_side: int) -> int:
    """How many pixels a picture's short side is decoded to at least, of which a model looks at `short_side`."""
    return math.ceil(_DECODED_TO * short_side)


def renditions_to_try(renditions: tuple[Rendition, ...], short_side: int) -> tuple[Rendition, ...]:
    """The smallest rendition that reaches `short_side`, then the given ones that replace it: larger and larger.

    If none reaches it, the largest, then smaller and smaller ones. `renditions` is ordered small to large.
    """
    reaching = [rendition for rendition in renditions if rendition.short_side >= short_side]
    best, *others = reaching or reversed(renditions)
    given = [rendition for rendition in others if rendition.as_given]
    if not best.as_given and not given:
        given = [rendition for rendition in reversed(renditions) if rendition.as_given]
    return (best, *given[:_MOST_REPLACEMENTS])


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:  # such as half an IPv6 address
        return url


def _largest_pixels(rendition: Rendition) -> int:
    """How many pixels are decoded of a rendition: fewer if it is said to be small."""
    said = rendition.width * rendition.height
    return min(LARGEST_PIXELS, max(_LARGEST_SMALL, _TIMES_AS_LARGE * said)) if said > 0 else LARGEST_PIXELS


def larger_to_be_had(renditions: tuple[Rendition, ...], picture: Image.Image, loaded_for: int, wanted: int) -> bool:
    """Whether another rendition than the one loaded for a short side of `loaded_for` brings it nearer to `wanted`."""
    here = min(picture.size)
    loaded, other = (renditions_to_try(renditions, side)[0] for side in (loaded_for, wanted))
    rounding = 2  # a derived rendition's size is computed, and may be off by a pixel or two
    return here < wanted and other != loaded and other.short_side > here + rounding
