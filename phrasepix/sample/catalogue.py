"""The sample's catalogue: which drawn pictures there are, and which of them a query finds.

Nothing here knows HTTP. Searching follows the rules of tag matching on a stock site: every word of the query must be
a word of some tag, and the source's own order knows nothing of what the pictures show beyond that.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

PICTURES_DIRECTORY = Path(__file__).parent / "pictures"
"""Where the pictures shipped with the package lie."""

CATALOGUE_NAME = "catalogue.jsonl"
"""The catalogue's file name inside a directory of pictures: one JSON object a line."""

MediaType = Literal["photo", "illustration", "vector/svg"]
ImageType = Literal["all", "photo", "illustration", "vector"]
Orientation = Literal["all", "horizontal", "vertical"]
Order = Literal["popular", "latest"]

T = TypeVar("T")

_MEDIA_TYPES = get_args(MediaType)

_WORD = re.compile(r"\w+")
_KINDS: dict[type, str] = {bool: "true or false", int: "a whole number", list: "a list", str: "a string"}
_IRREGULAR_PLURALS = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "mice": "mouse",
    "people": "person",
    "shelves": "shelf",
    "teeth": "tooth",
    "wolves": "wolf",
    "women": "woman",
}


class CatalogueError(Exception):
    """A directory holds no usable catalogue; the message names the file, the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """One drawn picture and what the catalogue says of it."""

    id: int
    """Number of the picture, positive, unique in its catalogue."""
    path: Path
    """The original, a picture file Pillow can read."""
    size_bytes: int
    """Length of the original in bytes."""
    type: MediaType
    """Kind of picture, in the spelling of the protocol."""
    tags: tuple[str, ...]
    """Coarse nouns, the most telling first."""
    category: str
    """One of the protocol's categories."""
    colors: tuple[str, ...]
    """The protocol's names of the picture's main colours."""
    width: int
    """Width of the original in pixels."""
    height: int
    """Height of the original in pixels."""
    user: str
    """Name of whoever drew the picture."""
    user_id: int
    """Number of that user."""
    views: int
    downloads: int
    likes: int
    collections: int
    comments: int
    editors_choice: bool
    """Whether the picture carries the editors' mark."""


class Catalogue:
    """All the pictures of one directory, searchable by tag and filter.

    Args:
        pictures: the pictures; their numbers must differ.

    Raises:
        CatalogueError: if two pictures carry the same number.
    """

    def __init__(self, pictures: Iterable[SamplePicture]) -> None:
        self._by_id: dict[int, SamplePicture] = {}
        for picture in pictures:
            if picture.id in self._by_id:
                raise CatalogueError(f"Two pictures of the catalogue carry the number {picture.id}: give each its own.")
            self._by_id[picture.id] = picture
        self._forms = {picture.id: _forms_of_all(picture.tags) for picture in self._by_id.values()}

    @classmethod
    def load(cls, directory: Path | str = PICTURES_DIRECTORY) -> "Catalogue":
        """Read ``catalogue.jsonl`` in `directory`; the picture files it names must lie beside it.

        Raises:
            CatalogueError: if the catalogue or a picture is missing, or a line does not describe a picture.
        """
        file = Path(directory) / CATALOGUE_NAME
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CatalogueError(f"Cannot read the sample's catalogue {file}: {error}") from error
        pictures = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                pictures.append(_picture(json.loads(line), file.parent))
            except (KeyError, TypeError, ValueError, OSError) as error:
                reason = f'"{error.args[0]}" is missing' if isinstance(error, KeyError) else str(error)
                raise CatalogueError(f"{file}, line {number}, does not describe a picture: {reason}") from error
        return cls(pictures)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[SamplePicture]:
        return iter(self._by_id.values())

    def get(self, picture_id: int) -> SamplePicture | None:
        """The picture with that number, or None if there is none."""
        return self._by_id.get(picture_id)

    def search(
        self,
        q: str = "",
        *,
        lang: str = "en",
        picture_id: int | None = None,
        image_type: ImageType = "all",
        orientation: Orientation = "all",
        category: str | None = None,
        min_width: int = 0,
        min_height: int = 0,
        colors: Iterable[str] = (),
        editors_choice: bool = False,
        safesearch: bool = False,
        order: Order = "popular",
    ) -> list[SamplePicture]:
        """The pictures that meet every condition, in the source's own order.

        Args:
            q: words that must all occur among the words of the tags, in any case, singular or plural; blank finds all.
            lang: language of `q`. The tags are English: words of another language find nothing.
            picture_id: the one picture with this number.
            image_type: kind of picture; ``vector`` takes in every ``vector/…``.
            orientation: ``horizontal`` is wider than tall, ``vertical`` taller than wide; a square is neither.
            category: the protocol's name of a category; None takes all.
            min_width: least width of the original in pixels.
            min_height: least height of the original in pixels.
            colors: names of colours of which the picture must have at least one; empty takes all.
            editors_choice: only pictures with the editors' mark.
            safesearch: only pictures fit for all ages, which every drawn picture is.
            order: ``popular`` (most downloaded first) or ``latest`` (highest number first).
        """
        found: Iterable[SamplePicture] = self._by_id.values()
        if picture_id is not None:
            found = (picture for picture in found if picture.id == picture_id)
        if q.strip():
            words = [_forms(word) for word in _words(q)]
            if lang != "en" or not words:
                return []
            found = (p for p in found if all(not forms.isdisjoint(self._forms[p.id]) for forms in words))
        wanted_colors = frozenset(colors)
        matches = [
            picture
            for picture in found
            if image_type in ("all", picture.type.partition("/")[0])
            and orientation in ("all", _orientation(picture))
            and category in (None, picture.category)
            and picture.width >= min_width
            and picture.height >= min_height
            and (not wanted_colors or not wanted_colors.isdisjoint(picture.colors))
            and (picture.editors_choice or not editors_choice)
        ]
        if order == "latest":
            matches.sort(key=lambda picture: -picture.id)
        else:
            matches.sort(key=lambda picture: (-picture.downloads, -picture.id))
        return matches


def _picture(entry: Any, directory: Path) -> SamplePicture:
    if not isinstance(entry, dict):
        raise TypeError("a JSON object was expected")
    name = _of(entry, "file", str)
    path = directory / name
    if not name or path.name != name:
        raise ValueError(f'"file" must be a plain file name, not {name!r}')
    media_type = _of(entry, "type", str)
    if media_type not in _MEDIA_TYPES:
        raise ValueError(f'"type" must be one of {", ".join(_MEDIA_TYPES)}, not {media_type!r}')
    return SamplePicture(
        id=_count(entry, "id", least=1),
        path=path,
        size_bytes=path.stat().st_size,
        type=cast(MediaType, media_type),
        tags=_names(entry, "tags"),
        category=_of(entry, "category", str),
        colors=_names(entry, "colors"),
        width=_count(entry, "width", least=1),
        height=_count(entry, "height", least=1),
        user=_of(entry, "user", str),
        user_id=_count(entry, "user_id"),
        views=_count(entry, "views"),
        downloads=_count(entry, "downloads"),
        likes=_count(entry, "likes"),
        collections=_count(entry, "collections"),
        comments=_count(entry, "comments"),
        editors_choice=_of(entry, "editors_choice", bool),
    )


def _of(entry: dict[str, Any], field: str, kind: type[T]) -> T:
    value = entry[field]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f'"{field}" must be {_KINDS[kind]}, not {value!r}')
    return value


def _count(entry: dict[str, Any], field: str, *, least: int = 0) -> int:
    value = _of(entry, field, int)
    if value < least:
        raise ValueError(f'"{field}" must be at least {least}, not {value}')
    return value


def _names(entry: dict[str, Any], field: str) -> tuple[str, ...]:
    names = _of(entry, field, list)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f'"{field}" must be a list of strings, not {names!r}')
    return tuple(names)


def _orientation(picture: SamplePicture) -> Orientation | None:
    if picture.width == picture.height:
        return None
    return "horizontal" if picture.width > picture.height else "vertical"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _forms_of_all(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(form for tag in tags for word in _words(tag) for form in _forms(word))


@lru_cache(maxsize=1024)
def _forms(word: str) -> frozenset[str]:
    """The word and what its singular may be: two words meet if they share a form."""
    forms = {word}
    if word in _IRREGULAR_PLURALS:
        forms.add(_IRREGULAR_PLURALS[word])
    elif len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        forms.add(word[:-1])
        if word.endswith("ies"):
            forms.add(word[:-3] + "y")
        elif word.endswith(("ches", "oes", "ses", "shes", "xes", "zes")):
            forms.add(word[:-2])
    return frozenset(forms)
