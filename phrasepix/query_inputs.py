"""Parser of what people look for and keep away from: phrases, files, addresses, matches and pictures, as a `Query`."""

import os
import re
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from PIL import Image

from phrasepix_core.files import at_home
from phrasepix_core.text import printable
from phrasepix_core.urls import shown_url
from reranker.errors import PictureError, WrongQueryError
from reranker.match import Match
from reranker.pictures.decode import decode_file, rgb_picture
from reranker.query import Example, Part, Phrase, Query

if TYPE_CHECKING:
    from retriever.folder.walk import FileEntry

Picture: TypeAlias = str | Path | Match | Image.Image | Example
"""A file by its path, a picture by its http or https address, a match of a search, or a picture of Pillow's."""

Like: TypeAlias = Picture | tuple[Picture, float]
"""A picture, alone or with its weight."""

Minus: TypeAlias = Picture | Phrase | tuple[Picture | Phrase, float]
"""A phrase or a picture, alone or with its weight; a str is a phrase unless it is an address or says a file."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_ENOUGH = 2048
"""The short side in pixels to which files are decoded: four times that of what models look at."""


def is_address(text: str) -> bool:
    """Return whether a text is an address rather than a path or a phrase."""
    return _ADDRESS.match(text) is not None


def pictures_given(like: "Like | Sequence[Like]") -> "tuple[Like, ...]":
    """Return the pictures to look for, as a request keeps them: files as `Path`, each with a weight other than 1."""
    return tuple(_kept(_as_path(one), weight) for one, weight in _weighed(like))


def unwanted_given(minus: "Minus | Sequence[Minus]") -> "tuple[Minus, ...]":
    """Return what is not wanted, as a request keeps it: texts as `Phrase`s, the rest as `pictures_given`."""
    return tuple(
        _unwanted(one, weight) if _is_phrase(one) else _kept(_as_path(one), weight) for one, weight in _weighed(minus)
    )


def _kept(one: Any, weight: float) -> Any:
    """What is wrong about it, the query says; but a number would be taken for the weight of what is before it."""
    if isinstance(one, int | float):
        raise _no_picture(one)
    return one if weight == 1 else (one, weight)


def _as_path(one: object) -> object:
    return Path(one) if isinstance(one, str) and one.strip() and not is_address(one) else one


def _is_phrase(one: object) -> bool:
    return isinstance(one, Phrase) or (isinstance(one, str) and not is_address(one) and not _says_a_file(one))


def parse_query(
    phrase: str | Query | None, like: Like | Sequence[Like] | None = None, minus: Minus | Sequence[Minus] | None = None
) -> Query:
    """The query that looks for `phrase` and for what resembles the pictures `like`, and keeps away from `minus`.

    Files are read. Raises `WrongQueryError`, which names what cannot be used.
    """
    if not isinstance(phrase, str | Query | None):
        hint = "; a picture is given as like=…" if isinstance(phrase, Path | Match | Image.Image) else ""
        raise WrongQueryError(f"phrase {reprlib.repr(phrase)} is no text; give a sentence, or a Query{hint}")
    query = phrase if isinstance(phrase, Query) else None
    wanted: list[Part] = [*query.wanted] if query else []
    if isinstance(phrase, str):
        wanted.append(Phrase(phrase))
    wanted += [_wanted(one, weight) for one, weight in _weighed(like)]
    unwanted = [_unwanted(one, weight) for one, weight in _weighed(minus)]
    return Query(tuple(wanted), (*(query.unwanted if query else ()), *unwanted))


def example_of(match: Match, weight: float = 1.0, *, stays: bool = False) -> Example:
    """The picture of a match; where it `stays`, it may be found again."""
    title = match.candidate.title or str(match.candidate)
    return Example(match.picture, weight, title, match.candidate, stays)


def _weighed(given: object) -> Iterable[tuple[object, float]]:
    """One thing, one with its weight, or several of these: each with its weight."""
    if given is None:
        return
    several = given if isinstance(given, Sequence) and not isinstance(given, str) and not is_weighed(given) else [given]
    for one in several:
        if isinstance(one, tuple) and is_weighed(one):
            yield one[0], one[1]
        else:
            yield one, 1.0


def is_weighed(given: object) -> bool:
    """Return whether it is something with its weight."""
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], int | float)


def _unwanted(one: object, weight: float) -> Phrase | Example:
    if isinstance(one, Phrase):
        return replace(one, weight=one.weight * weight)
    if isinstance(one, str) and not is_address(one) and not _says_a_file(one):
        if not printable(one):
            raise WrongQueryError("what is not wanted is empty; say what the picture should not show")
        return Phrase(one, weight)
    return _wanted(one, weight)


def _says_a_file(text: str) -> bool:
    """Whether a text that may be words is meant as a picture's file, be it there or misspelt.

    It is if it begins as a path does, if it is one word that ends as pictures do, or if there is such a file; but a
    file that is called like a plain word, such as `people`, makes no path of the word.
    """
    from retriever.folder.walk import PICTURES, RAW

    path = Path(text)
    if text.startswith(("./", "../", ".\\", "..\\")):
        return True
    if len(path.parts) > 1 and (path.is_absolute() or text.startswith("~/")):
        return True
    if path.suffix.lower() in PICTURES | RAW and not re.search(r"\s", text):
        return True
    is_plain_word = len(path.parts) < 2 and not path.suffix
    return not is_plain_word and os.path.isfile(text)  # noqa: PTH113  # False also for what is no path at all


def _wanted(one: object, weight: float) -> Example:
    match one:
        case Example():
            return replace(one, weight=one.weight * weight)
        case Match():
            return example_of(one, weight)
        case Image.Image():
            try:
                return Example(rgb_picture(one), weight)
            except PictureError as error:
                raise WrongQueryError(f"the picture to compare with cannot be used: {error}") from None
        case str() if is_address(one):
            return _at_address(one, weight)
        case str() | Path() if str(one).strip():
            return _in_file(Path(one), weight)
    raise _no_picture(one)


def _no_picture(one: object) -> WrongQueryError:
    return WrongQueryError(
        f"{reprlib.repr(one)} is no picture to compare with; give a file, an http or https address, a match, or a "
        "picture of Pillow"
    )


def _at_address(url: str, weight: float) -> Example:
    where = shown_url(url)
    if not re.match("https?://", url, re.IGNORECASE):
        raise WrongQueryError(f"{where} is not an http or https address; give one, or a file by its path")
    return Example.at_address(url, weight)


def _in_file(path: Path, weight: float) -> Example:
    # Whoever gives no file does without these.
    from retriever.folder.as_candidate import candidate_of
    from retriever.folder.contents import read_contents
    from retriever.folder.names import shown
    from retriever.folder.walk import LARGEST_FILE_BYTES, FileEntry, too_large

    path = at_home(path).absolute()
    name = shown(str(path))
    try:
        if path.is_dir():
            raise WrongQueryError(f"{name} is a folder; give one picture (a folder to search in is a source)")
        place = FileEntry.at(path)
        if place.size > LARGEST_FILE_BYTES:
            raise WrongQueryError(f"{name} cannot be used: {too_large(place.size)}")
        contents = read_contents(place)
        if contents.facts is None:
            raise WrongQueryError(f"{name} cannot be used: {contents.problem}")
        picture = _decoded(place)
    except FileNotFoundError:
        raise WrongQueryError(f"there is no file {name}; compare how it is spelled") from None
    except OSError as error:
        raise WrongQueryError(f"{name} cannot be read: {error.strerror or error}") from None
    except PictureError as error:
        raise WrongQueryError(f"{name} cannot be used: {error}") from None
    # As a folder would offer it: what is remembered of it there is of use here, and it is left out there.
    return Example(picture, weight, shown(path.name), candidate_of(contents, contents.facts, [path], ""))


def _decoded(place: "FileEntry") -> Image.Image:
    """The picture; whatever the file is called, unless it is of a camera's own format. Raises `OSError`."""
    from phrasepix_core.files import open_regular
    from reranker.pictures.local_files import LARGEST_LOCAL_PIXELS, local_formats
    from reranker.pictures.raw_preview import raw_preview

    with open_regular(place.path) as file:
        if place.is_raw:
            return raw_preview(file, _ENOUGH)
        formats = local_formats()
        return decode_file(file, enough=_ENOUGH, largest_pixels=LARGEST_LOCAL_PIXELS, formats=formats)
