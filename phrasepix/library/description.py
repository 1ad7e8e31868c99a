"""The description beside a library's table: its format, its folders, and which column holds which encoder's vectors."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from phrasepix.errors import LibraryError, NoLibraryError, NotWrittenError
from phrasepix.library.location import Location, library_names
from phrasepix.library.store_faults import store_fault
from phrasepix_core.files import reason_of, shown_path, write_atomically
from phrasepix_core.messages import nearest_in_words
from phrasepix_core.s3_access import S3
from phrasepix_core.text import printable
from phrasepix_core.urls import is_web_address
from reranker.pictures.objects import store_failure, store_of

FORMAT = 2
"""Of table and description; a reader that knows a smaller one refuses. It grows when an older reader would be wrong."""
_WITHOUT_SEEN = 1
"""That of a library without candidates of stock sources, which the former reader reads rightly."""

_COLUMN = re.compile(r"vector_[a-z0-9_]+")
"""Names of columns stand in SQL as they are, and a description may come from another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderColumn:
    """A column of vectors: of which image `tower`, with how many `dimensions`, and by which `model` it was filled."""

    tower: str
    """`reranker.encoder.image_tower_name`: encoders that share one share vectors."""
    dimensions: int
    model: str
    """As people name it, for `sync`."""
    pretrained: str | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for what would be no type of a column."""
        if type(self.dimensions) is not int or self.dimensions < 1:
            raise ValueError("a vector has one dimension or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSource:
    """A source of which candidates are remembered: what must be said of it also where it is not installed."""

    title: str
    mention: str
    """What must stand wherever its pictures are shown."""
    home_url: str = ""
    keeps_pictures: bool = True
    """Whether files of its pictures may be kept for a day."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for what cannot be shown."""
        if not all(isinstance(text, str) and printable(text) == text for text in (self.title, self.mention)):
            raise ValueError("a source has a title and a mention that can be shown")
        if self.home_url and not is_web_address(self.home_url):
            raise ValueError("the address of a source is none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a reader must know before it opens the table."""

    written_by: str
    """The version of pylance that wrote last: an older one may return wrong neighbours without a word."""
    folders: tuple[str, ...] = ()
    """Absolute paths of the folders that are kept in step."""
    encoders: Mapping[str, EncoderColumn] = field(default_factory=dict)
    """By the name of the column."""
    keeps_places: bool = False
    """Whether it says where pictures were taken."""
    sources: Mapping[str, SeenSource] = field(default_factory=dict)
    """The stock sources of which candidates are remembered in it, by their names."""
    expires: bool = False
    """Whether some of them may be kept for a time only."""

    def column_of(self, tower: str) -> str | None:
        """Return the column of an image tower's vectors; None if there is none."""
        return next((column for column, encoder in self.encoders.items() if encoder.tower == tower), None)

    def with_encoder(self, encoder: EncoderColumn) -> Self:
        """Return the same with a column for `encoder`, unless it has one."""
        if self.column_of(encoder.tower) is not None:
            return self
        stem = re.sub(r"[^a-z0-9]+", "_", encoder.model.lower()).strip("_") or "model"
        taken = {f"vector_{stem}", *(f"vector_{stem}_{number}" for number in range(2, 100))} - self.encoders.keys()
        return replace(self, encoders={**self.encoders, min(taken, key=lambda one: (len(one), one)): encoder})

    def to_json(self) -> str:
        """Return it for `from_json`."""
        encoders = {column: asdict(encoder) for column, encoder in self.encoders.items()}
        seen = {"sources": {name: asdict(source) for name, source in self.sources.items()}, "expires": self.expires}
        return json.dumps(
            {
                "format": FORMAT if self.sources else _WITHOUT_SEEN,
                "written_by": self.written_by,
                "folders": list(self.folders),
                "encoders": encoders,
                "keeps_places": self.keeps_places,
            }
            | (seen if self.sources else {}),
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str, title: str, reader: str) -> Self:
        """Return what `to_json` wrote. Raises `LibraryError` if it is damaged, or too new for `reader`, a pylance."""
        try:
            said: dict[str, Any] = json.loads(text)
            if (made := int(said["format"])) > FORMAT:
                raise LibraryError(
                    f"the library {title} has format {made}, and this phrasepix reads {FORMAT}; install a newer one"
                )
            encoders = {column: EncoderColumn(**one) for column, one in said["encoders"].items()}
            if not all(map(_COLUMN.fullmatch, encoders)):
                raise ValueError("no name of a column of vectors")
            description = cls(
                written_by=said["written_by"],
                folders=tuple(said["folders"]),
                encoders=encoders,
                keeps_places=said.get("keeps_places") is True,
                sources={name: SeenSource(**one) for name, one in said.get("sources", {}).items()},
                expires=said.get("expires") is True,
            )
            is_older = _major(reader) < _major(description.written_by)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise LibraryError(f"the description of the library {title} is damaged; restore it from a backup") from None
        if is_older:
            raise LibraryError(
                f"the library {title} was written by pylance {description.written_by}, and {reader} is installed, "
                "which might find the wrong pictures; install a newer one"
            )
        return description


def _major(version: str) -> int:
    return int(version.split(".")[0])


def read_description(location: Location, reader: str) -> Description:
    """Return the description of a library. Raises `NoLibraryError` and `LibraryError`."""
    try:
        if location.is_uri:
            files, path = files_of(location)
            with files.open_input_stream(path) as stream:
                text = str(stream.read(), "utf-8")
        else:
            text = Path(location.description).read_text(encoding="utf-8")
    except FileNotFoundError:
        meant = nearest_in_words(location.name, library_names())
        raise NoLibraryError(
            f"there is no library {location.name}{meant}; `phrasepix library status` lists those there are, and "
            "`phrasepix library add` makes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(
            f"the library {location.name} cannot be read{_where(location)}: {_reason_of(error, location)}"
        ) from None
    return Description.from_json(text, location.name, reader)


def write_description(location: Location, description: Description) -> None:
    """Write the description of a library, whole or not at all. Raises `NoLibraryError` and `LibraryError`."""
    data = description.to_json().encode()
    try:
        files, path = files_of(location) if location.is_uri else (None, location.description)
        if files is None or files.type_name == "local":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(Path(path), data)
        else:
            with files.open_output_stream(path) as stream:  # a store takes an object whole
                stream.write(data)
    except (OSError, NotWrittenError) as error:
        raise LibraryError(
            f"the library {location.name} cannot be written{_where(location)}: {_reason_of(error, location)}"
        ) from None


def files_of(location: Location) -> tuple[Any, str]:
    """Return the store of a library at a URI, and the path of its description there. Raises `NoLibraryError`."""
    from pyarrow import fs

    try:
        if location.access is not None:
            path = location.description.removeprefix(S3)
            return store_of(location.access, path.partition("/")[0]), path
        store, path = fs.FileSystem.from_uri(location.description)
    except ValueError:  # whose words have the whole URI, with what is secret in it
        raise NoLibraryError(
            f"{location.name} is no address that a library can have; it looks like s3://bucket/pictures"
        ) from None
    return store, path


def _where(location: Location) -> str:
    """Where a library of this machine lies, which its name does not say."""
    return "" if location.is_uri else f" in {shown_path(location.base)}"


def _reason_of(error: BaseException, location: Location) -> str:
    if location.access is not None:
        return store_fault(error, location.access)
    return store_failure(error) if getattr(error, "strerror", None) is None else reason_of(error)
