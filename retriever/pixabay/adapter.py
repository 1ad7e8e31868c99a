"""Pixabay's picture API, adapted to what every source shares."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from phrasepix_core.candidate import Candidate
from retriever.api.adapter import ApiAdapter
from retriever.filters import Filters
from retriever.pixabay.answers import PixabayAnswers
from retriever.pixabay.hits import candidate_from_hit
from retriever.pixabay.request import PER_PAGE, PixabayRequest

if TYPE_CHECKING:  # imported where videos are asked for
    from retriever.pixabay.videos import PixabayVideosAdapter


class PixabayAdapter(PixabayAnswers):
    """https://pixabay.com/api/docs/, pictures; videos are handed on to `PixabayVideosAdapter`."""

    asks: ClassVar[frozenset[str]] = frozenset(
        {
            "media_type", "orientation", "min_width", "min_height", "colours", "safe_search", "category",
            "editors_choice",
        }
    )  # fmt: skip
    tells: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "licence", "creator", "exclude_ai", "since", "until"})
    smallest_page: ClassVar[int] = PER_PAGE.start

    def for_search(self, filters: Filters) -> ApiAdapter:
        """Videos are asked for elsewhere."""
        return self._for_videos() if filters.media_type == "video" else self

    def for_picture(self, identifier: str) -> ApiAdapter:
        """A video's id says that it is one's."""
        return self._for_videos() if identifier.startswith("video-") else self

    def _for_videos(self) -> "PixabayVideosAdapter":
        from retriever.pixabay.videos import PixabayVideosAdapter

        return PixabayVideosAdapter(self.profile)

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page; see `PixabayRequest`."""
        return PixabayRequest.of(tag, filters, page=page, per_page=page_size).parameters()

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_hit`."""
        return candidate_from_hit(hit, self.profile, found_by, catalogue)

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One picture, by its number."""
        if not identifier.isdecimal():
            return None
        return "", PixabayRequest(id=int(identifier), image_type="all", per_page=PER_PAGE.start).parameters()
