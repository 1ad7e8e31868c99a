"""What a writer may ask of the candidates besides the tag."""

from dataclasses import dataclass, fields
from datetime import date

from retriever.errors import WrongParameterError

MEDIA_TYPES = ("all", "photo", "illustration", "vector", "video")
ORIENTATIONS = ("all", "horizontal", "vertical", "square")
ORDERS = ("popular", "latest")
USES = ("commercial", "modification")
# fmt: off
COLOURS = (
    "grayscale", "transparent", "red", "orange", "yellow", "green", "turquoise",
    "blue", "lilac", "pink", "white", "gray", "black", "brown",
)
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Wishes about the candidates, in words that mean the same for every source.

    A source is asked for what it can filter by; the rest is applied to its answers, as far as they say what is
    needed (`retriever.filtering`).

    `min_width` and `min_height` are pixels of the original, `aspect_ratio` is width through height, met within 3 %.
    `colours`: any of them is dominant. `licence`: the uses that must be allowed. `since` and `until` bound the day a
    picture was taken or, where that is not known, uploaded, both included. `exclude_ai` leaves out what is marked as
    AI-generated. `safe_search` keeps to pictures fit for all ages. `creator` is a name, upper and lower case alike.
    `language` is the tag's language (two letters); `category`, `editors_choice` and `order` are Pixabay's own.

    Raises `WrongParameterError`, naming what is allowed, on construction.
    """

    media_type: str = "photo"
    orientation: str = "all"
    aspect_ratio: float | None = None
    min_width: int = 0
    min_height: int = 0
    colours: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    exclude_ai: bool = False
    safe_search: bool = True
    creator: str | None = None
    language: str = "en"
    category: str | None = None
    editors_choice: bool = False
    order: str = "popular"

    def __post_init__(self) -> None:
        _among("media type", self.media_type, MEDIA_TYPES)
        _among("orientation", self.orientation, ORIENTATIONS)
        _among("order", self.order, ORDERS)
        for colour in self.colours:
            _among("colour", colour, COLOURS)
        for use in self.licence:
            _among("licence", use, USES)
        for name in ("min_width", "min_height"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise WrongParameterError(f"{name} {value!r} is out of range; allowed: whole numbers from 0")
        if self.aspect_ratio is not None and not 0.01 <= self.aspect_ratio <= 100:
            raise WrongParameterError(f"aspect ratio {self.aspect_ratio!r} is out of range; allowed: 0.01 to 100")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise WrongParameterError(f"since {self.since} lies after until {self.until}; nothing can be of such a day")
        if self.creator is not None and not self.creator.strip():
            raise WrongParameterError("the creator is empty; give a name, or leave it out")

    def wishes(self) -> frozenset[str]:
        """The names of the filters that narrow the answers: those that differ from what holds without them.

        Neither the tag's `language` nor the `order` do.
        """
        return frozenset(
            field.name
            for field in fields(self)
            if field.name not in {"language", "order"} and getattr(self, field.name) != _WITHOUT[field.name]
        )


_WITHOUT = {field.name: field.default for field in fields(Filters)} | {"media_type": "all", "safe_search": False}


def _among(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise WrongParameterError.not_among(what, value, allowed)


NO_FILTERS = Filters()
