"""The record both stages share: one picture a source offered, with its rights."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendition:
    """One file of a picture at one size.

    `width` and `height` are pixels. `as_given` is False where the URL was derived from another
    by the source's naming rule: such a file may be missing, so it is tried before the given ones
    and never relied on.
    """

    url: str
    width: int
    height: int
    as_given: bool = True

    @property
    def short_side(self) -> int:
        """The smaller of width and height, in pixels."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One picture a source offered in answer to a tag.

    `width` and `height` are those of the original in pixels, which need not be among the
    `renditions` (ordered small to large, at least one). `catalogue` says whose ids these are where that is
    not the source itself: another server that speaks its protocol. A flag is None where the source did not say.
    """

    source: str
    id: str
    page_url: str
    renditions: tuple[Rendition, ...]
    width: int
    height: int
    media_type: str
    tags: tuple[str, ...]
    creator: str
    creator_url: str
    licence: str
    licence_url: str
    credit: str
    found_by: str
    catalogue: str = ""
    ai_generated: bool | None = None
    no_ai_training: bool | None = None
    g_rated: bool | None = None

    def __post_init__(self) -> None:
        if not self.renditions:
            raise ValueError(f"candidate {self.source}:{self.id} has no rendition: nothing of it could be shown")

    @property
    def identity(self) -> tuple[str, str]:
        """Whose id, and the id: equal for the same picture, whichever tag found it."""
        return (self.catalogue or self.source, self.id)

    @property
    def image_url(self) -> str:
        """The largest file that can be had."""
        return self.renditions[-1].url

    def __str__(self) -> str:
        return f"{self.source}:{self.id}"
