"""Lists of pictures on the web: a CSV, TSV, Parquet or text file with an address in each row, and facts of it."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from phrasepix.errors import LibraryError
from phrasepix_core.files import shown_path
from retriever.folder.facts import Facts, day_of, place_of, rating_of, text_of, texts_of
from retriever.folder.names import shown

SUFFIXES: Final = frozenset({".csv", ".tsv", ".parquet", ".txt", ".list"})
_ADDRESS: Final = ("url", "image_url", "picture_url", "photo_image_url", "link", "uri")
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title", "caption", "description", "alt", "text"),
    "creator": ("creator", "author", "photographer", "artist"),
    "credit": ("credit", "attribution"),
    "rights": ("rights", "copyright"),
    "terms": ("licence", "license", "terms"),
    "terms_url": ("licence_url", "license_url", "terms_url"),
    "keywords": ("tags", "keywords", "subjects"),
    "taken_on": ("taken_on", "taken", "date_taken", "date"),
    "camera": ("camera",),
    "rating": ("rating", "stars"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng"),
}
"""Which columns say what, in lower case; of several the first that says something."""
_BETWEEN_TAGS: Final = re.compile(r"[,;|]")
_LONGEST_FIELD: Final = 1 << 20
_ROWS_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class WebEntry:
    """A picture at an address, as a list has it.

    `beside` is the state of what the list says of it. The `size` of its file in bytes is 0 until it has been fetched.
    """

    url: str
    beside: str
    size: int = 0
    modified_ns: int = 0

    @property
    def shown_path(self) -> str:
        """Where it is, in printable characters."""
        return self.url

    @property
    def name(self) -> str:
        """How its file is called, as far as the address says."""
        return shown(PurePosixPath(unquote(urlsplit(self.url).path)).name)


def is_list(path: Path) -> bool:
    """Whether a path is called as a list is, and is no folder."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def listed(path: Path, skip: Callable[[str], None]) -> dict[str, tuple[WebEntry, Facts]]:
    """Return the pictures of a list by their addresses, in its order, each once; the first row of one counts.

    `skip` is told of rows without an address of the web. Raises `LibraryError` if the file cannot be read, or has no
    column of addresses.
    """
    found: dict[str, tuple[WebEntry, Facts]] = {}
    try:
        for number, row in enumerate(_rows(path), start=1):
            url = _said(row, _ADDRESS)
            if url is None or not _is_web(address := str(url).strip()):
                skip(f"row {number} has no http or https address")
            elif address not in found:
                facts = facts_of_row(row)
                state = json.dumps([facts.to_json(), facts.place])
                found[address] = WebEntry(address, blake2b(state.encode(), digest_size=8).hexdigest()), facts
    except (OSError, ValueError, csv.Error) as error:  # Arrow's are one of these
        raise LibraryError(f"the list {shown_path(path)} cannot be read: {text_of(str(error))}") from None
    return found


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows by the names of the columns, in lower case."""
    match path.suffix.lower():
        case ".parquet":
            return _of_parquet(path)
        case ".csv" | ".tsv":
            return _of_csv(path, "\t" if path.suffix.lower() == ".tsv" else None)
    return _of_text(path)


def _of_parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow.parquet as pq

    known = {*_ADDRESS, *(name for names in _NAMES.values() for name in names)}
    with pq.ParquetFile(path) as file:
        names = {name: name.lower() for name in file.schema_arrow.names if name.lower() in known}
        _demand_address(names.values())
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(names)):
            for row in batch.to_pylist():
                yield {names[name]: value for name, value in row.items() if name in names}


def _of_csv(path: Path, delimiter: str | None) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        head = file.readline()
        file.seek(0)
        usual = max(",;\t", key=head.count)
        reader = csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter or usual)
        names = [name.strip().lower() for name in next(reader, [])]
        _demand_address(names)
        for row in reader:
            if row:
                yield dict(zip(names, row, strict=False))


def _of_text(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if (text := line.strip()) and not text.startswith("#"):
                yield {"url": text[:_LONGEST_FIELD]}


def _demand_address(names: Iterable[str]) -> None:
    if not set(names) & set(_ADDRESS):
        raise ValueError(f"none of its columns is called {', '.join(_ADDRESS[:-1])} or {_ADDRESS[-1]}")


def facts_of_row(row: Mapping[str, Any]) -> Facts:
    """What a row says of its picture, by the names of the columns in lower case."""
    said = {name: _said(row, columns) for name, columns in _NAMES.items()}
    tags = said["keywords"]
    several = tags if isinstance(tags, list) else _BETWEEN_TAGS.split(tags) if isinstance(tags, str) else []
    return Facts(
        title=text_of(said["title"]),
        creator=text_of(said["creator"]),
        credit=text_of(said["credit"]),
        rights=text_of(said["rights"]),
        terms=text_of(said["terms"]),
        terms_url=text_of(said["terms_url"]),
        keywords=texts_of(one.strip() if isinstance(one, str) else one for one in several),
        taken_on=day_of(str(said["taken_on"])),
        camera=text_of(said["camera"]),
        rating=rating_of(said["rating"]),
        place=place_of(_number(said["latitude"]), _number(said["longitude"])),
    )


def _said(row: Mapping[str, Any], columns: tuple[str, ...]) -> Any:
    return next((value for name in columns if (value := row.get(name)) not in (None, "", [])), None)


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url
    except ValueError:
        return False
