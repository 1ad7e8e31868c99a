"""Pictures for people: those of the best candidates, large enough to look at."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.errors import PictureError, PictureUnreadableError
from reranker.memory import EncodedPictures, Memory
from reranker.memory.picture_store import KeptPicture
from reranker.pictures import PictureLoader
from reranker.pictures.decode import decode
from reranker.pictures.later import DecodedWhenUsed
from reranker.pictures.loader import SHOWN_PIXELS, larger_to_be_had
from reranker.prefetch import Prefetcher

SHOWN_SIDE = 300
"""The short side in pixels from which a picture is good to look at."""

_ALL_PIXELS = 64_000_000
_LEAST_PIXELS = SHOWN_SIDE * 450
"""How many pixels all pictures that are shown have together, 256 MB; each may have at least the least."""


class DisplayPictures:
    """Finds the pictures that matches are shown by: kept, on this machine, or else fetched with `threads` threads.

    `encoded_from` is the side in pixels the pictures were fetched for when they were encoded. So many pictures are
    `shown` at a time: the more there are, the smaller a large one is held.
    """

    def __init__(
        self,
        loader: PictureLoader,
        remembered: EncodedPictures,
        memory: Memory | None,
        *,
        encoded_from: int,
        threads: int,
        shown: int = 1,
    ) -> None:
        self._loader = loader
        self._remembered = remembered
        self._memory = memory
        self._encoded_from = encoded_from
        self._threads = threads
        self._most_pixels = max(_LEAST_PIXELS, _ALL_PIXELS // max(1, shown))

    @contextmanager
    def loading(self, candidates: Sequence[Candidate]) -> Iterator[Callable[[], list[Image.Image | PictureError]]]:
        """Begin to load their pictures; what is given waits for them, and may be called once.

        They come in RGB, in their order, larger ones fetched where they can be had; or why there is none.
        """

        def picture(index: int) -> Image.Image | PictureError:
            found = whole_picture(index)
            return found if isinstance(found, PictureError) else _at_most(found, self._most_pixels)

        def whole_picture(index: int) -> Image.Image | PictureError:
            candidate = candidates[index]
            if (before := self._decoded_before(candidate)) is not None:
                return before  # by another search, since this one looked
            return self._remembered.showing.do(
                candidate.identity, lambda: self._fetched(candidate), lambda one: isinstance(one, Image.Image)
            )

        found: dict[int, Image.Image | PictureError] = {
            index: known
            for index, candidate in enumerate(candidates)
            if (known := self._decoded_before(candidate)) is not None
        }
        open_ones = [index for index in range(len(candidates)) if index not in found]

        def pictures() -> list[Image.Image | PictureError]:
            while arrived := arriving.take(len(candidates)):
                found.update(arrived)
            return [found[index] for index in range(len(candidates))]

        if not open_ones:
            yield lambda: list(found.values())
            return
        with Prefetcher(picture, [open_ones], threads=self._threads, ahead=len(candidates)) as arriving:
            yield pictures

    def _fetched(self, candidate: Candidate) -> Image.Image | PictureError:
        here = _decoded(kept := self.kept(candidate))
        if kept is not None and here is not None:
            larger = larger_to_be_had(candidate.renditions, here, self._encoded_from, SHOWN_SIDE)
            if kept.to_show or not larger:
                self._remembered.shown(candidate, kept.data, here.size)
                return here
        try:
            loaded = self._loader.load(candidate, SHOWN_SIDE, whole=True)
        except PictureError as error:
            return error.without_frames() if here is None else here
        if loaded.data is None:
            return loaded.picture
        self._remembered.shown(candidate, loaded.data, loaded.picture.size)
        if self._memory is not None and self._memory.keeps_file_of(candidate):
            kept = KeptPicture(loaded.data, to_show=True)
            self._memory.pictures.put_many({candidate.identity: kept})
        return loaded.picture

    def kept(self, candidate: Candidate) -> KeptPicture | None:
        """The file that is kept of the candidate's picture."""
        if (here := self._remembered.get(candidate)) is not None and here.data is not None:
            return KeptPicture(here.data, here.to_show)
        return None if self._memory is None else self._memory.pictures.get(candidate.identity)

    def at_hand(self, candidate: Candidate) -> Image.Image | None:
        """The candidate's picture as it is kept, however small; None where it would have to be fetched."""
        if (before := self._decoded_before(candidate)) is not None:
            return before
        picture = _decoded(self.kept(candidate)) or self._loader.at_hand(candidate, SHOWN_SIDE)
        return picture and _at_most(picture, self._most_pixels)

    def _decoded_before(self, candidate: Candidate) -> Image.Image | None:
        """The picture whose file was decoded for people before, in this process: decoded again when it is used."""
        encoded = self._remembered.get(candidate)
        if encoded is None or encoded.data is None or encoded.shown_size is None:
            return None
        return DecodedWhenUsed(encoded.shown_size, partial(decode, encoded.data, kept_pixels=SHOWN_PIXELS))


def _at_most(picture: Image.Image, pixels: int) -> Image.Image:
    """The picture, made smaller if it has more pixels."""
    share = (pixels / (picture.width * picture.height)) ** 0.5
    if share >= 1:
        return picture
    size = (max(1, int(picture.width * share)), max(1, int(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _decoded(kept: KeptPicture | None) -> Image.Image | None:
    if kept is None:
        return None
    try:
        return decode(kept.data, kept_pixels=SHOWN_PIXELS)
    except PictureUnreadableError:
        return None  # damaged on disk: it is fetched again
