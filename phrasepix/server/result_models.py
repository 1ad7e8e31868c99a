"""What the answers of a search look like, for the schema: the objects themselves are made by `answers`."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Fixed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PartOfQuery(_Fixed):
    """A phrase, a picture or a taught name, and how much it counts."""

    phrase: str | None = None
    picture: str | None = None
    name: str | None = None
    weight: float


class QueryShown(_Fixed):
    """What was wanted, and what was not."""

    wanted: list[PartOfQuery]
    unwanted: list[PartOfQuery]


class TagShown(_Fixed):
    """A tag that a source was asked for."""

    source: str
    tag: str
    brought: int = Field(description="How many pictures it brought that no tag before it had.")
    problem: str = Field(description="Why it could not be asked; empty if it could.")


class PartFit(_Fixed):
    """How a picture shows a part of the phrase."""

    text: str
    stands_out: float | None
    fit: str | None
    share: float = Field(description="The length of a bar for the fit, 0…1.")


class ClipShown(_Fixed):
    """A video's file."""

    url: str
    width: int
    height: int


class Duplicate(_Fixed):
    """The same picture from elsewhere."""

    source: str
    id: str
    page_url: str
    credit: str


class CreditForms(_Fixed):
    """A line in three forms."""

    text: str
    markdown: str
    html: str


class FoundPicture(_Fixed):
    """A match of a search."""

    rank: int
    score: float = Field(description="The cosine of picture and phrase.")
    penalty: float
    nearness: float
    bonus: float
    first_score: float | None
    agreeing_points: int | None = Field(
        description="Of two pictures compared point by point: how many key points one perspective maps onto each other."
    )
    stands_out: float | None = Field(description="By how many standard deviations it stands out.")
    fit: str | None = Field(description="clear, fair or weak; null if it is not known.")
    share: float = Field(description="The length of a bar for the fit, 0…1.")
    parts: list[PartFit]
    source: str
    id: str
    title: str
    page_url: str
    image_url: str
    path: str | None
    width: int = Field(description="Pixels of the original.")
    height: int
    media_type: str
    duration_s: float | None
    frame_at: float | None = Field(description="Where in the video the still is, in seconds.")
    clips: list[ClipShown]
    tags: list[str]
    colours: list[str]
    taken_on: str | None
    uploaded_on: str | None
    found_by: str = Field(description="The tag that found it.")
    creator: str
    creator_url: str
    licence: str
    licence_url: str
    commercial_use: bool | None
    modification: bool | None
    credit_owed: bool | None
    credit: str
    credit_line: CreditForms
    used_before: str | None
    ai_generated: bool | None
    no_ai_training: bool | None
    g_rated: bool | None
    siblings: list[Duplicate]
    picture_url: str = Field(description="A small JPEG of this server, or the source's own address if it wants that.")
    zoom_url: str
    insert: CreditForms = Field(description="What puts the picture, or its credit alone, into a text.")


class SkippedShown(_Fixed):
    """A picture that could not be used, and why."""

    id: str
    source: str
    reason: str


class FailureShown(_Fixed):
    """A source that did not answer to the end, and why."""

    source: str
    reason: str


class SearchAnswer(_Fixed):
    """The results of a search."""

    id: str = Field(description="What the search is called by, as long as it is kept.")
    is_final: bool
    request: dict[str, Any] = Field(description="What was asked for, as it was sent.")
    phrase: str
    query: QueryShown
    tags: list[str]
    asked: list[TagShown]
    language: str
    sources: list[str]
    model: str
    refined_by: str | None
    pool_size: int
    fits_well: bool | None
    mention: str = Field(description="What must stand wherever the pictures are shown.")
    matches: list[FoundPicture]
    skipped: list[SkippedShown]
    failures: list[FailureShown]
    notices: list[str]


class FrameShown(_Fixed):
    """Where a picture stands in a drawing: its upper left corner, its width and height."""

    x: float
    y: float
    width: float
    height: float


class DrawingShown(_Fixed):
    """The question and a match side by side, with the key points that agree; points and lines are paths of SVG."""

    rank: int
    question: FrameShown
    match: FrameShown
    points: str = Field(description="All key points, as dots.")
    agreeing: str = Field(description="Those that agree, as dots.")
    lines: str = Field(description="Between points that agree.")
    agreed: int = Field(description="How many agree.")
    of: int = Field(description="How many the picture with fewer has.")
    drawn: int = Field(description="How many of the lines are drawn.")
    width: int
    height: int


class PairShown(_Fixed):
    """The key points that the question shares with a match."""

    rank: int
    agreeing: list[list[float]] = Field(
        description="x and y in the question, x and y in the match, as shares of width and height."
    )
    drawing: DrawingShown


class EncoderShown(_Fixed):
    """What one encoder found, or why it found nothing."""

    encoder: str = Field(description="As it was asked for.")
    title: str
    model: str | None
    licence: str | None
    bytes_per_picture: int | None = Field(description="What is remembered of a picture, at most.")
    ms_per_picture: float | None = Field(description="How long it encodes one, measured on some of those it found.")
    seconds: float | None = Field(description="How long its search took.")
    problem: str | None = Field(description="Why it failed; null if it did not.")
    search: SearchAnswer | None = Field(description="Its results, kept by an id of their own; null if it failed.")
    only_here: list[int] = Field(description="The ranks of what no other encoder found.")
    in_rows: list[int] = Field(description="Of each match, how many encoders found it.")
    pairs: list[PairShown] = Field(description="Of an encoder that compares key points: the best pairs.")


class CompareAnswer(_Fixed):
    """What several encoders found for one picture."""

    question: str
    question_url: str = Field(description="A small JPEG of this server, or the source's own address if it wants that.")
    top: int
    pool_size: int
    sources: list[str]
    rows: list[EncoderShown]


class Problem(BaseModel):
    """What went wrong (RFC 9457), in the words of the command line."""

    type: str = Field(description="urn:phrasepix:…, the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What happened, and what to do.")
    message: str = Field(description="The detail again, where clients of OpenAI's form look for it.")
    option: str | None = Field(default=None, description="The option of the request that it is about.")
    hint: Any = Field(default=None, description="A value of the option that would do.")
    retry_after_s: int | None = Field(default=None, description="In how many seconds to ask again.")
