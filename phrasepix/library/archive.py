"""Pictures in tar archives, as WebDataset has them: `0123.jpg` beside what describes it, `0123.json` or `0123.txt`."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Final

from phrasepix.errors import LibraryError
from phrasepix.library.picture_list import facts_of_row
from phrasepix_core.files import open_regular, shown_path
from reranker.pictures.local_files import part_url
from retriever.folder.contents import Contents, digest_of
from retriever.folder.facts import Facts, text_of
from retriever.folder.metadata import NoPictureError, facts_of_file
from retriever.folder.names import shown
from retriever.folder.sidecars import modified_ns
from retriever.folder.walk import LARGEST_FILE_BYTES, PICTURES, too_large

_DESCRIBING: Final = (".json", ".txt")
_LARGEST_DESCRIPTION: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class DescribingFile:
    """Where in an archive a file lies that describes a picture: from `offset`, `size` bytes."""

    suffix: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A picture in the archive at `path`, there called `name`: from `offset`, `size` bytes.

    `modified_ns` is when the archive was changed; what describes the picture is within it, and nothing is `beside`.
    """

    path: Path
    name: str
    offset: int
    size: int
    modified_ns: int
    described: tuple[DescribingFile, ...] = ()
    beside: str = ""

    @property
    def url(self) -> str:
        """Its address: that of the archive, with the part of it that the picture is."""
        return part_url(self.path, self.name, self.offset, self.size)

    @property
    def shown_path(self) -> str:
        """Where it is, in printable characters."""
        return f"{shown(str(self.path))}/{shown(self.name)}"


def is_archive(path: Path) -> bool:
    """Whether a path is called as an archive is, and is no folder."""
    return path.suffix.lower() == ".tar" and not path.is_dir()


def pictures_in(path: Path) -> list[ArchiveEntry]:
    """Return the pictures in an archive, whose headers alone are read. Raises `LibraryError` if they cannot be."""
    pictures: list[tuple[str, int, int]] = []
    described: dict[str, list[DescribingFile]] = {}
    try:
        changed = modified_ns(path.stat())
        with open_regular(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                suffix = PurePosixPath(member.name).suffix.lower()
                if member.isreg() and suffix in _DESCRIBING and member.size <= _LARGEST_DESCRIPTION:
                    stem = member.name[: -len(suffix)]
                    described.setdefault(stem, []).append(DescribingFile(suffix, member.offset_data, member.size))
                elif member.isreg() and suffix in PICTURES:
                    pictures.append((member.name, member.offset_data, member.size))
    except (OSError, tarfile.TarError) as error:
        raise LibraryError(f"the archive {shown_path(path)} cannot be read: {text_of(str(error))}") from None
    return [
        ArchiveEntry(
            path, name, offset, size, changed, tuple(described.get(name[: -len(PurePosixPath(name).suffix)], ()))
        )
        for name, offset, size in pictures
    ]


def contents_in(entries: list[ArchiveEntry]) -> Iterator[tuple[ArchiveEntry, Contents]]:
    """Yield entries of one archive with what is in them, or the problem with it. Raises `OSError`."""
    if not entries:
        return
    with open_regular(entries[0].path) as file:
        for entry in entries:
            if entry.size > LARGEST_FILE_BYTES:
                yield entry, Contents("", None, too_large(entry.size))
                continue
            data = BytesIO(_part(file, entry.offset, entry.size))
            digest = digest_of(data)
            data.seek(0)
            try:
                facts = facts_of_file(data)
            except NoPictureError as error:
                yield entry, Contents(digest, None, str(error))
                continue
            for one in entry.described:
                facts = _described(one.suffix, _part(file, one.offset, one.size)).or_else(facts)
            yield entry, Contents(digest, facts)


def _part(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    data: bytes = file.read(size)
    return data


def _described(suffix: str, data: bytes) -> Facts:
    """What a file beside a picture says; nothing if it is damaged. A text is the caption."""
    if suffix == ".txt":
        return Facts(title=text_of(data))
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return Facts()
    return (
        facts_of_row({str(name).lower(): value for name, value in said.items()}) if isinstance(said, dict) else Facts()
    )
