"""Reader of picture files that notes what it has read, so that no file is read twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from retriever.folder.contents import Contents, read_contents, read_head
from retriever.folder.file_index import FileIndex
from retriever.folder.walk import FileEntry

_COMMIT_AFTER = 64
_COMMIT_AFTER_S = 2.0


class ContentsReader:
    """Reads what is not noted, and notes it every so many files and seconds.

    `skip` is told of files that cannot be read, `skip_sidecar` of damaged sidecars, by default `skip` too.
    """

    def __init__(
        self,
        notes: FileIndex,
        skip: Callable[[Path, str], None],
        skip_sidecar: Callable[[Path, str], None] | None = None,
    ) -> None:
        self._notes = notes
        self._skip = skip
        self._skip_sidecar = skip_sidecar or skip
        self._unnoted: list[tuple[FileEntry, Contents]] = []
        self._noted_at = time.monotonic()

    def contents(self, place: FileEntry) -> Contents | None:
        """What is in a file; None where it cannot be read."""
        contents = self._notes.get(place) or self._read(place)
        for name in contents.damaged if contents is not None else ():
            self._skip_sidecar(place.path.with_name(name), "is damaged; what it says of its picture is not known")
        return contents

    def _read(self, place: FileEntry) -> Contents | None:
        with self._named(place):
            now = place.now()  # what is read now is noted as it is now
            contents = read_contents(now)
            self._unnoted.append((now, contents))
            if len(self._unnoted) >= _COMMIT_AFTER or time.monotonic() > self._noted_at + _COMMIT_AFTER_S:
                self._note()
            return contents
        return None

    def head(self, place: FileEntry) -> str | None:
        """How a file begins; None where it cannot be read."""
        if (noted := self._notes.get(place)) is not None:
            return noted.head
        with self._named(place):
            return read_head(place)
        return None

    @contextmanager
    def _named(self, place: FileEntry) -> Iterator[None]:
        """Name the file where it cannot be read, and go on."""
        try:
            yield
        except OSError as error:
            self._skip(place.path, f"cannot be read: {error.strerror or error}")

    def _note(self) -> None:
        self._notes.put_many(self._unnoted)
        self._unnoted.clear()
        self._noted_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._note()
