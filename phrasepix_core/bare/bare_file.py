"""Pieces of a file read as one."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from phrasepix_core.errors import PhrasepixError

Piece = bytes | tuple[int, int]
"""Bytes of our own, or the part of the file from a start up to an end."""


class RefusedPictureError(PhrasepixError):
    """The file is built to take hours to decode; the message says how."""


@dataclass(frozen=True, slots=True)
class BareFile:
    """The `pieces` of a picture `file` that its pixels need, and the blocks of metadata that say how it lies.

    `exif` and `xmp` are as they stand in the file, sound or not, empty if it has none. `has_many_scans` is True if a
    JPEG's coefficients are all in memory at once while it is decoded.
    """

    file: IO[bytes]
    pieces: tuple[Piece, ...]
    exif: bytes = b""
    xmp: bytes = b""
    has_many_scans: bool = False

    def opened(self, *, ended_by: bytes = b"") -> IO[bytes]:
        """Open the pieces as one file, followed by the bytes `ended_by`."""
        pieces = self.pieces if not ended_by else (*self.pieces, ended_by)
        return io.BufferedReader(_Joined(self.file, pieces), 1 << 16)


def add_part(pieces: list[Piece], start: int, end: int) -> None:
    """Add a part of the file to the pieces; one piece with the last if it follows on it."""
    last = pieces[-1]
    if not isinstance(last, bytes) and last[1] == start:
        pieces[-1] = (last[0], end)
    else:
        pieces.append((start, end))


class _Joined(io.RawIOBase):
    """The pieces as one seekable file. Closing it leaves the file open."""

    def __init__(self, file: IO[bytes], pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._file = file
        self._pieces = pieces
        self._starts = [0]
        for piece in pieces:
            length = len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
            self._starts.append(self._starts[-1] + length)
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._starts[-1]}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if self._place >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._place) - 1
        piece, inside = self._pieces[number], self._place - self._starts[number]
        most = min(len(buffer), self._starts[number + 1] - self._place)
        if isinstance(piece, bytes):
            data = piece[inside : inside + most]
        else:
            self._file.seek(piece[0] + inside)
            data = self._file.read(most)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
