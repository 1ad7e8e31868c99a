"""The record both stages share: one picture a source offered, with its rights."""

from dataclasses import dataclass
from datetime import date


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


@dataclass(frozen=True, slots=True)
class Clip:
    """A video's file at one size, `width` × `height` pixels."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One picture a source offered in answer to a tag.

    `width` and `height` are those of the original in pixels (0 where not known), which need not be among the
    `renditions` (ordered small to large by their short sides, at least one, each address once, the largest as it was
    given). Addresses are absolute and of the web; those of a picture on this machine are file URLs.
    `catalogue` says whose ids these are where that is not the source itself: another server that speaks its protocol.
    `media_type` is photo, illustration, vector or video. `licence` is what the source calls it.
    `credit` is a line of plain text as the source wants it, and `attribution` the licensor's own words for the credit,
    which stand in place of every other form. No remark of ours stands in any of these. A creator is named in the
    credit, and no use is allowed that the licence does not allow. Texts are one line that can be shown
    (`phrasepix_core.text.printable` changes none), and so are `tags`, each of which stands once. `found_by` is the tag
    that was asked for. `colours` are the dominant ones, in the words of `Filters.colours`. A video has its `duration_s`
    in seconds and its `clips`, small to large; its renditions are stills, at `frame_at` seconds where that is known.
    `other_urls` lead to further copies of the very same file. A flag or a date is None, and a text or a tuple empty,
    where the source did not say.

    With `hotlink` the source wants the picture shown by its own address, and no copy kept of it; `download_location` is
    the address that it wants asked when the picture is downloaded.

    `relative_path` is where a picture of a folder lies below it, with / between its parts, in printable characters;
    empty for what is not of a folder.
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
    title: str = ""
    attribution: str = ""
    commercial_use: bool | None = None
    modification: bool | None = None
    credit_owed: bool | None = None
    taken_on: date | None = None
    uploaded_on: date | None = None
    colours: tuple[str, ...] = ()
    duration_s: float | None = None
    frame_at: float | None = None
    clips: tuple[Clip, ...] = ()
    ai_generated: bool | None = None
    no_ai_training: bool | None = None
    g_rated: bool | None = None
    hotlink: bool = False
    download_location: str = ""
    other_urls: tuple[str, ...] = ()
    relative_path: str = ""

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
