"""What a writer may ask of the candidates besides the tag."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from phrasepix_core.options import option
from retriever import filter_texts
from retriever.errors import WrongParameterError
from retriever.languages import USUAL_LANGUAGE

MEDIA_TYPES = ("all", "photo", "illustration", "vector", "video")
ORIENTATIONS = ("all", "horizontal", "vertical", "square")
ORDERS = ("popular", "latest")
USES = ("commercial", "modification")
ANY_LICENCE = "any"
"""What asks for no use in particular."""
# fmt: off
COLOURS = (
    "grayscale", "transparent", "red", "orange", "yellow", "green", "turquoise",
    "blue", "lilac", "pink", "white", "gray", "black", "brown",
)
# fmt: on
NARROWEST, WIDEST = 0.01, 100
CANDIDATES = "Which candidates"
"""The heading that filters stand under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Wishes about the candidates, in words that mean the same for every source.

    A source is asked for what it can filter by; the rest is applied to its answers, as far as they say what is
    needed (`retriever.filtering`). A wish that a source cannot honour at all is said on the log and not applied to it.

    `media_type` all is every kind of still picture; videos are found by their stills, where a source has them.
    `orientation` horizontal is wider than tall, vertical taller than wide, square equal within 3 %. `aspect_ratio` is
    width through height, met within 3 %. `min_width` and `min_height` are pixels of the original. `colours`: any of
    them is dominant. `licence`: the uses that must be allowed, all of them. `since` and `until` bound the day a picture
    was taken or, where that is not known, uploaded, both included. `exclude_ai` leaves out what is marked as
    AI-generated. `safe_search` keeps to pictures fit for all ages, as far as a source tells them apart. `creator` is
    the whole name, upper and lower case alike, and so is `camera`. `months` and `on_day` (MM-DD) are of the day it was
    taken; keywords (`any_tags`, `all_tags`, `no_tags`) are compared whole, upper and lower case alike. `near` is a
    place and kilometres around it (`48.21,16.37,5`), `where` a condition in SQL. `language` is the tag's language (two
    letters); None is English, unless the search finds out another, which `language_is_found` says: sources that do not
    know it are then asked as usual. `category` and `editors_choice` are Pixabay's own. `order` is a wish about what
    comes first, not about what comes.

    Raises `WrongParameterError`, naming what is allowed, on construction.
    """

    media_type: str = field(
        default="photo",
        metadata=option(
            "What kind of picture; all is every kind of still.",
            CANDIDATES,
            "--type",
            metavar="TYPE",
            choices=MEDIA_TYPES,
        ),
    )
    orientation: str = field(
        default="all",
        metadata=option(
            "Wider than tall, taller than wide, or as wide as tall.", CANDIDATES, metavar="WAY", choices=ORIENTATIONS
        ),
    )
    aspect_ratio: float | None = field(
        default=None,
        metadata=option(
            "Width to height, such as 16:9 or 1.78, within 3 %.",
            CANDIDATES,
            "--aspect",
            metavar="W:H",
            kind=float,
            least=NARROWEST,
            most=WIDEST,
            parse=filter_texts.aspect_ratio,
        ),
    )
    min_width: int = field(
        default=0, metadata=option("Pixels of the original, at least.", CANDIDATES, kind=int, least=0, metavar="N")
    )
    min_height: int = field(
        default=0, metadata=option("Pixels of the original, at least.", CANDIDATES, kind=int, least=0, metavar="N")
    )
    colours: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "A dominant colour, such as red or grayscale; of several, any.",
            CANDIDATES,
            "--colour",
            "--color",
            metavar="NAME",
            choices=COLOURS,
            repeats=True,
        ),
    )
    licence: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "A use that must be allowed: commercial or modification; of several, all.",
            CANDIDATES,
            "--licence",
            "--license",
            metavar="USE",
            choices=(*USES, ANY_LICENCE),
            repeats=True,
            shown_default=ANY_LICENCE,
        ),
    )
    since: date | None = field(
        default=None,
        metadata=option(
            "Not before 2024-05-01, 2024-05 or 2024: the day it was taken or, if that is not known, uploaded.",
            CANDIDATES,
            metavar="DAY",
            parse=filter_texts.first_day,
        ),
    )
    until: date | None = field(
        default=None,
        metadata=option("Not after that day, month or year.", CANDIDATES, metavar="DAY", parse=filter_texts.last_day),
    )
    exclude_ai: bool = field(
        default=False, metadata=option("Nothing that is marked as AI-generated.", CANDIDATES, "--no-ai", kind=bool)
    )
    safe_search: bool = field(
        default=True,
        metadata=option("Only what is fit for all ages.", CANDIDATES, "--safe-search", "--no-safe-search", kind=bool),
    )
    creator: str | None = field(
        default=None, metadata=option("Only what that creator made.", CANDIDATES, metavar="NAME")
    )
    months: tuple[int, ...] = field(
        default=(),
        metadata=option(
            "Taken in that month, 1 to 12, of any year; of several, any. Of folders and libraries.",
            CANDIDATES,
            "--month",
            kind=int,
            least=1,
            most=12,
            metavar="N",
            repeats=True,
        ),
    )
    on_day: str | None = field(
        default=None,
        metadata=option(
            "Taken on that day of any year, such as 12-24. Of folders and libraries.", CANDIDATES, metavar="MM-DD"
        ),
    )
    any_tags: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "With that keyword; of several, any. Of folders and libraries.",
            CANDIDATES,
            "--any-tag",
            metavar="WORD",
            repeats=True,
        ),
    )
    all_tags: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "With that keyword; of several, all. Of folders and libraries.",
            CANDIDATES,
            "--all-tags",
            metavar="WORD",
            repeats=True,
        ),
    )
    no_tags: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Without that keyword; of several, none. Of folders and libraries.",
            CANDIDATES,
            "--without-tag",
            metavar="WORD",
            repeats=True,
        ),
    )
    camera: str | None = field(
        default=None,
        metadata=option("Taken with that camera, its whole name. Of libraries.", CANDIDATES, metavar="NAME"),
    )
    min_rating: int = field(
        default=0,
        metadata=option(
            "With so many stars, at least. Of libraries.", CANDIDATES, kind=int, least=0, most=5, metavar="N"
        ),
    )
    near: str | None = field(
        default=None,
        metadata=option(
            "Taken near a place: degrees north, degrees east, and kilometres around it, such as 48.21,16.37,5. Of "
            "libraries that keep places.",
            CANDIDATES,
            metavar="N,E,KM",
        ),
    )
    where: str | None = field(
        default=None,
        metadata=option(
            "A condition on a library's columns, such as \"width > 2000 AND camera LIKE 'Canon%'\". Of libraries.",
            CANDIDATES,
            metavar="CONDITION",
        ),
    )
    language: str | None = field(
        default=None,
        metadata=option(
            "The tags' language, two letters; by default that of the phrase they are found in, of a given tag English.",
            CANDIDATES,
            "--lang",
            metavar="XX",
        ),
    )
    language_is_found: bool = field(
        default=False,
        metadata=option(
            "Whether the language was found out by the search, not named.",
            CANDIDATES,
            kind=bool,
            on_command_line=False,
            in_json=False,
        ),
    )
    category: str | None = field(
        default=None, metadata=option("One of Pixabay's categories, such as animals.", CANDIDATES, metavar="NAME")
    )
    editors_choice: bool = field(
        default=False, metadata=option("Only Pixabay's editors' choice.", CANDIDATES, kind=bool)
    )
    order: str = field(
        default="popular", metadata=option("What comes first.", CANDIDATES, metavar="ORDER", choices=ORDERS)
    )

    def __post_init__(self) -> None:
        _among("media type", self.media_type, MEDIA_TYPES)
        _among("orientation", self.orientation, ORIENTATIONS)
        _among("order", self.order, ORDERS)
        for name, what, allowed in (("colours", "colour", COLOURS), ("licence", "licence", (*USES, ANY_LICENCE))):
            object.__setattr__(self, name, _all_among(what, getattr(self, name), allowed))
        object.__setattr__(self, "licence", tuple(use for use in self.licence if use != ANY_LICENCE))
        for name in ("any_tags", "all_tags", "no_tags"):
            object.__setattr__(self, name, _keywords(name, getattr(self, name)))
        object.__setattr__(self, "months", _months(self.months))
        if self.on_day is not None:
            object.__setattr__(self, "on_day", filter_texts.day_of_year(self.on_day))
        if self.near is not None:
            object.__setattr__(self, "near", filter_texts.near(self.near))
        if isinstance(self.min_rating, bool) or not isinstance(self.min_rating, int) or not 0 <= self.min_rating <= 5:
            raise WrongParameterError(f"min_rating {self.min_rating!r} is out of range; allowed: 0 to 5")
        for name in ("camera", "where"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise WrongParameterError(f"{name} is empty; give a text, or leave it out")
        for name in ("min_width", "min_height"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise WrongParameterError(f"{name} {value!r} is out of range; allowed: whole numbers from 0")
        for name in ("exclude_ai", "safe_search", "editors_choice", "language_is_found"):
            if not isinstance(getattr(self, name), bool):
                raise WrongParameterError(f"{name} {getattr(self, name)!r} is not known; allowed: True, False")
        _ratio(self.aspect_ratio)
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, datetime) or not isinstance(value, date)):
                raise WrongParameterError(f"{name} {value!r} is not a day; give a datetime.date")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise WrongParameterError(f"since {self.since} lies after until {self.until}; nothing can be of such a day")
        for name in ("language", "category"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise WrongParameterError(f"{name} {value!r} is no text; give a str, or leave it out")
        if self.creator is not None and not (isinstance(self.creator, str) and self.creator.strip()):
            raise WrongParameterError("the creator is empty; give a name, or leave it out")

    def __repr__(self) -> str:
        stated = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self)]
        usual = {f"{one.name}={one.default!r}" for one in fields(self)}
        return f"{type(self).__name__}({', '.join(one for one in stated if one not in usual)})"

    @property
    def tag_language(self) -> str:
        """The tag's language, as a source is told it: two letters."""
        return self.language or USUAL_LANGUAGE

    def language_among(self, known: Collection[str]) -> str:
        """The tag's language, for a source that takes the `known` ones; English for a found one that it does not know.

        Raises `WrongParameterError` if somebody named it, and it is none of them.
        """
        if self.tag_language in known:
            return self.tag_language
        if self.language_is_found:
            return USUAL_LANGUAGE
        raise WrongParameterError.not_among("language", self.tag_language, known)

    def wishes(self) -> frozenset[str]:
        """The names of the filters that narrow the answers: those that differ from what holds without them.

        Neither the tag's `language` nor the `order` do.
        """
        return self._differing_from(_NO_WISH)

    def asked_for(self) -> frozenset[str]:
        """The names of the wishes somebody made: not those that hold by default, photographs fit for all ages."""
        return self.wishes() & self._differing_from(_BY_DEFAULT)

    def _differing_from(self, values: dict[str, object]) -> frozenset[str]:
        return frozenset(name for name, value in values.items() if getattr(self, name) != value)


_NARROWS_NOTHING = {"language", "language_is_found", "order"}
_BY_DEFAULT = {field.name: field.default for field in fields(Filters) if field.name not in _NARROWS_NOTHING}
_NO_WISH = _BY_DEFAULT | {"media_type": "all", "safe_search": False}


def _among(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise WrongParameterError.not_among(what, value, allowed)


def _all_among(what: str, values: Iterable[str], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """`values`, each once; a single text is one value, as whoever forgets the brackets means it."""
    found = (values,) if isinstance(values, str) else values
    if not isinstance(found, Iterable):
        raise WrongParameterError.not_among(what, found, allowed)
    found = tuple(found)
    for value in found:
        _among(what, value, allowed)
    return tuple(dict.fromkeys(found))


def _keywords(name: str, values: object) -> tuple[str, ...]:
    """Keywords, each once; a single text is one."""
    found = (values,) if isinstance(values, str) else values
    if not isinstance(found, Iterable):
        raise WrongParameterError(f"{name} {values!r} is not known; give keywords")
    keywords = tuple(found)
    if not all(isinstance(one, str) and one.strip() for one in keywords):
        raise WrongParameterError(f"{name} has an empty keyword; give words, or leave it out")
    return tuple(dict.fromkeys(keywords))


def _months(values: object) -> tuple[int, ...]:
    """Months, each once; a single number is one."""
    found = (values,) if isinstance(values, int) else values
    months = tuple(found) if isinstance(found, Iterable) else (found,)
    for month in months:
        if isinstance(month, bool) or not isinstance(month, int) or not 1 <= month <= 12:
            raise WrongParameterError(f"month {month!r} is out of range; allowed: 1 to 12")
    return tuple(dict.fromkeys(months))


def _ratio(ratio: object) -> None:
    if ratio is None:
        return
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not NARROWEST <= ratio <= WIDEST:
        raise WrongParameterError(f"aspect ratio {ratio!r} is out of range; allowed: {NARROWEST} to {WIDEST}")


NO_FILTERS = Filters()
