"""The content of a picture file: what identifies it, and what it says of itself."""

import hashlib
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO

from phrasepix_core.files import open_regular
from retriever.folder.facts import Facts
from retriever.folder.walk import FileEntry

_DIGEST_BYTES = 12
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's `digest` (24 hexadecimal digits of its whole content), and its `facts`, or the `problem` with it.

    `head` is the digest of its first 64 KiB. The facts are also those of the sidecars, except of the `damaged` ones, by
    name.
    """

    digest: str
    facts: Facts | None
    problem: str = ""
    head: str = ""
    damaged: tuple[str, ...] = ()


def read_contents(place: FileEntry) -> Contents:
    """What is in the file at a place. Raises `OSError` where it cannot be read."""
    from retriever.folder.metadata import NoPictureError, facts_of_file
    from retriever.folder.raw import facts_of_raw
    from retriever.folder.sidecar_facts import with_sidecars

    with open_regular(place.path) as file:
        head = _head(file)
        file.seek(0)
        digest = digest_of(file)
        file.seek(0)
        try:
            facts = facts_of_raw(file) if place.is_raw else facts_of_file(file)
        except NoPictureError as error:
            return Contents(digest, None, str(error), head)
    facts, damaged = with_sidecars(facts, place.sidecars)
    return Contents(digest, facts, head=head, damaged=damaged)


def digest_of(file: BinaryIO) -> str:
    """The digest of a file from where it stands."""
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST_BYTES)).hexdigest()  # type: ignore[arg-type]


def read_head(place: FileEntry) -> str:
    """The digest of how the file begins: where it differs, the contents do. Raises `OSError`."""
    with open_regular(place.path) as file:
        return _head(file)


def _head(file: BufferedReader) -> str:
    return hashlib.blake2b(file.read(_HEAD_BYTES), digest_size=_DIGEST_BYTES).hexdigest()
