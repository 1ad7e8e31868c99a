"""Pictures for a second model: from the files that the first one's were kept in, where they are large enough."""

from collections.abc import Callable
from typing import Protocol

from phrasepix_core.candidate import Candidate
from reranker.errors import PictureUnreadableError
from reranker.memory.picture_store import KeptPicture
from reranker.pictures.decode import decode
from reranker.pictures.loader import LoadedPicture, enough_for, larger_to_be_had


class LoadsPictures(Protocol):
    """What a pool's pictures are loaded by, such as a `PictureLoader`."""

    def load(self, candidate: Candidate, short_side: int) -> LoadedPicture:
        """The candidate's picture, its short side at least `short_side` pixels where that can be had."""
        ...


class CachedLoader:
    """Loads what is `kept`, and by `otherwise` what is not, or was fetched for a smaller side and can be had larger."""

    def __init__(
        self, kept: Callable[[Candidate], KeptPicture | None], *, fetched_for: int, otherwise: LoadsPictures
    ) -> None:
        self._kept = kept
        self._fetched_for = fetched_for
        self._otherwise = otherwise

    def load(self, candidate: Candidate, short_side: int) -> LoadedPicture:
        """The picture. Raises `PictureError`."""
        if (kept := self._kept(candidate)) is not None:
            try:
                picture = decode(kept.data, enough=enough_for(short_side))
            except PictureUnreadableError:
                pass  # damaged on disk
            else:
                if not larger_to_be_had(candidate.renditions, picture, self._fetched_for, short_side):
                    return LoadedPicture(picture, kept.data)
        return self._otherwise.load(candidate, short_side)
