"""One question to Pixabay's picture API, checked before it is sent.

Every parameter of https://pixabay.com/api/docs/ stands here, with its range.
"""

from dataclasses import dataclass

from retriever.errors import WrongParameterError
from retriever.filters import COLOURS, ORDERS, Filters
from retriever.tags import without_controls

# fmt: off
LANGUAGES = (
    "cs", "da", "de", "en", "es", "fr", "id", "it", "hu", "nl", "no", "pl", "pt",
    "ro", "sk", "fi", "sv", "tr", "vi", "th", "bg", "ru", "el", "ja", "ko", "zh",
)
MEDIA_TYPES = ("all", "photo", "illustration", "vector")
ORIENTATIONS = ("all", "horizontal", "vertical")
CATEGORIES = (
    "backgrounds", "fashion", "nature", "science", "education", "feelings", "health", "people", "religion", "places",
    "animals", "industry", "computer", "food", "sports", "transportation", "travel", "buildings", "business", "music",
)
# fmt: on
LONGEST_Q = 100
PER_PAGE = range(3, 201)
REACHABLE = 500
"""How many pictures of one question can be had at all, however many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixabayRequest:
    """The parameters of one request, in Pixabay's own words.

    Raises `WrongParameterError`, naming what is allowed, on construction.
    """

    q: str = ""
    lang: str = "en"
    id: int | None = None
    image_type: str = "photo"
    orientation: str = "all"
    category: str | None = None
    min_width: int = 0
    min_height: int = 0
    colors: tuple[str, ...] = ()
    editors_choice: bool = False
    safesearch: bool = True
    order: str = "popular"
    page: int = 1
    per_page: int = 200

    def __post_init__(self) -> None:
        _boolean("editors_choice", self.editors_choice)
        _boolean("safesearch", self.safesearch)
        if len(self.q) > LONGEST_Q:
            raise WrongParameterError(
                f"the tag has {len(self.q)} characters and Pixabay takes at most {LONGEST_Q}; "
                "a tag is one or two nouns, the sentence belongs in the phrase"
            )
        without_controls(self.q)
        _among("language", self.lang, LANGUAGES)
        _among("media type", self.image_type, MEDIA_TYPES)
        _among("orientation", self.orientation, ORIENTATIONS)
        if self.category is not None:
            _among("category", self.category, CATEGORIES)
        for colour in self.colors:
            _among("colour", colour, COLOURS)
        _among("order", self.order, ORDERS)
        _at_least("min_width", self.min_width, 0)
        _at_least("min_height", self.min_height, 0)
        _at_least("page", self.page, 1)
        if self.id is not None:
            _at_least("id", self.id, 1)
        if isinstance(self.per_page, bool) or self.per_page not in PER_PAGE:
            raise WrongParameterError(
                f"per_page {self.per_page!r} is out of range; allowed: {PER_PAGE.start} to {PER_PAGE.stop - 1}"
            )

    @classmethod
    def of(cls, tag: str, filters: Filters, *, page: int = 1, per_page: int = 200) -> "PixabayRequest":
        """The request that asks for `tag` under `filters`."""
        return cls(
            q=without_controls(tag),
            lang=filters.language_among(LANGUAGES),
            image_type=filters.media_type,
            orientation=filters.orientation if filters.orientation in ORIENTATIONS else "all",  # it knows no squares
            category=filters.category,
            min_width=filters.min_width,
            min_height=filters.min_height,
            colors=filters.colours,
            editors_choice=filters.editors_choice,
            safesearch=filters.safe_search,
            order=filters.order,
            page=page,
            per_page=per_page,
        )

    def parameters(self) -> dict[str, str]:
        """The query parameters, without the key. What equals Pixabay's default is left out."""
        parameters = {
            "q": self.q,
            "lang": self.lang,
            "id": "" if self.id is None else str(self.id),
            "image_type": self.image_type,
            "orientation": self.orientation,
            "category": self.category or "",
            "min_width": str(self.min_width or ""),
            "min_height": str(self.min_height or ""),
            "colors": ",".join(self.colors),
            "editors_choice": "true" if self.editors_choice else "",
            "safesearch": "true" if self.safesearch else "false",
            "order": self.order,
            "page": str(self.page),
            "per_page": str(self.per_page),
        }
        return {name: value for name, value in parameters.items() if value}


def _among(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise WrongParameterError.not_among(what, value, allowed)


def _at_least(what: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise WrongParameterError(f"{what} {value!r} is out of range; allowed: whole numbers from {least}")


def _boolean(what: str, value: object) -> None:
    if not isinstance(value, bool):
        raise WrongParameterError(f"{what} {value!r} is not known; allowed: True, False")
