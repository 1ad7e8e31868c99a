"""What a picture file says of itself."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from typing import Any, NamedTuple, Self

from phrasepix_core.text import printable

_LONGEST_TEXT = 500
_MOST_KEYWORDS = 200


class Place(NamedTuple):
    """Where a picture was taken, in degrees: −90 to 90 north, −180 to 180 east."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A picture's size upright, in pixels, and its metadata: empty or None what is not said.

    `rights` is the copyright notice, `terms` how it may be used, `terms_url` where that stands. `camera` is its maker's
    and model's name, `rating` its stars, 1 to 5, or -1 for what was rejected; 0 is no rating. The `place` where it was
    taken is kept apart: neither `repr` nor `to_json` has it.
    """

    width: int = 0
    height: int = 0
    title: str = ""
    creator: str = ""
    credit: str = ""
    rights: str = ""
    terms: str = ""
    terms_url: str = ""
    keywords: tuple[str, ...] = ()
    taken_on: date | None = None
    ai_generated: bool | None = None
    camera: str = ""
    rating: int = 0
    place: Place | None = field(default=None, repr=False)

    def but(self, **changed: Any) -> Self:
        """The same but for what is `changed`."""
        return replace(self, **changed)

    def or_else(self, other: Self) -> Self:
        """These, completed by `other` where they say nothing; the keywords of both."""
        said: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        said = {name: value for name, value in said.items() if value or value is False}
        keywords = tuple(dict.fromkeys((*self.keywords, *other.keywords)))[:_MOST_KEYWORDS]
        return replace(other, **(said | {"keywords": keywords}))

    def to_json(self) -> str:
        """All but the place, for `from_json`."""
        said = asdict(self)
        del said["place"]
        return json.dumps(said, default=date.isoformat)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave. Raises `ValueError` or `TypeError` for anything else."""
        said = json.loads(text)
        day = said.pop("taken_on")
        keywords = tuple(said.pop("keywords"))
        return cls(**said, keywords=keywords, taken_on=None if day is None else date.fromisoformat(day))


def text_of(value: object) -> str:
    """Metadata's text in one line of printable characters, whatever its encoding; empty for what is none."""
    if isinstance(value, bytes):
        value = _decoded(value)
    if not isinstance(value, str):
        return ""
    return printable(value[: 2 * _LONGEST_TEXT])[:_LONGEST_TEXT]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def texts_of(values: Iterable[object]) -> tuple[str, ...]:
    """The texts among the values, each once."""
    return tuple(dict.fromkeys(text for value in values if (text := text_of(value))))[:_MOST_KEYWORDS]


def camera_of(maker: str, model: str) -> str:
    """The name of a camera: the model, with the maker unless it begins with that."""
    begins = maker.split(" ")[0].casefold()
    return model if not maker or (model and model.casefold().startswith(begins)) else f"{maker} {model}".strip()


def rating_of(value: object) -> int:
    """The stars of EXIF or XMP, −1 to 5; 0 for anything else."""
    try:
        stars = int(float(value)) if isinstance(value, int | float | str) else 0
    except (ValueError, OverflowError):
        return 0
    return stars if -1 <= stars <= 5 else 0


def day_of(value: object) -> date | None:
    """The day a date and time of EXIF, IPTC or XMP begins with; None where it is none or not said to the day."""
    match = re.match(r"(\d{4})[:-]?(\d\d)[:-]?(\d\d)(?!\d)", text_of(value))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None  # such as 0000:00:00, of a camera without a clock


def place_of(latitude: object, longitude: object) -> Place | None:
    """The place at two numbers of degrees; None for what is none, and for 0, 0, as which some programs write none."""
    if isinstance(latitude, bool) or isinstance(longitude, bool):
        return None
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return None
    return Place(float(latitude), float(longitude))


def degrees_of(parts: Iterable[object], direction: str) -> float | None:
    """Degrees, minutes and seconds as one number; south and west are below 0. None for what are none."""
    try:
        degrees = sum(float(part) / 60**power for power, part in enumerate(parts))  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return -degrees if direction.strip("\0 ").upper() in {"S", "W"} else degrees
