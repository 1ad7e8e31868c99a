"""Copying a file with a few stretches of it replaced."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

_BLOCK = 1 << 20


class NoRoomError(Exception):
    """The format, or this very file, has no place for the credit; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The bytes from `start` up to `end` (in bytes from the file's beginning) become `replacement`."""

    start: int
    end: int
    replacement: bytes


def splice(source: BinaryIO, target: BinaryIO, edits: Iterable[Edit]) -> None:
    """Copy `source` to `target` with the edits made, which do not overlap."""
    place = 0
    for edit in sorted(edits):
        _copy(source, target, place, edit.start)
        target.write(edit.replacement)
        place = edit.end
    source.seek(place)
    shutil.copyfileobj(source, target, _BLOCK)


def _copy(source: BinaryIO, target: BinaryIO, start: int, end: int) -> None:
    source.seek(start)
    left = end - start
    while left and (block := source.read(min(left, _BLOCK))):
        target.write(block)
        left -= len(block)
