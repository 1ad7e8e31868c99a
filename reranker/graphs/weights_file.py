"""A safetensors file, mapped into memory: a tensor is read from disk when somebody looks into it."""

import json
import math
import mmap
from collections.abc import KeysView
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from reranker.errors import NotNativeError

_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000
"""Bytes, as the format's own reader has it."""

SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2,
    "U8": 1, "BOOL": 1,
}  # fmt: skip
"""Bytes of a number of each kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A tensor as it is in the file: the `kind` of its numbers (F32, F16, …), its shape, and its bytes, uint8 [n]."""

    kind: str
    shape: tuple[int, ...]
    content: NDArray[np.uint8]


def mapped(file: BinaryIO) -> NDArray[np.uint8]:
    """The bytes of a file, copied where they are written to: no file changes. Raises ValueError where it is empty."""
    return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), dtype=np.uint8)


class WeightsFile:
    """The tensors of the safetensors file at `path`, by their names.

    The format (https://huggingface.co/docs/safetensors): the header's length as eight bytes, little-endian; the header,
    a JSON object that has kind, shape and place of each tensor; the tensors. Raises `NotNativeError` where
    the file is damaged, OSError where it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            try:
                self._content = mapped(file)
            except ValueError:
                raise self._damaged("it is empty") from None
        length = int.from_bytes(self._content[:_LENGTH_BYTES].tobytes(), "little")
        self._first = _LENGTH_BYTES + length
        if length > _LONGEST_HEADER or self._first > self._content.size:
            raise self._damaged("it is cut short, or no safetensors file")
        try:
            self._tensors = self._read_header(self._content[_LENGTH_BYTES : self._first].tobytes())
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise self._damaged(str(error)) from None

    @property
    def names(self) -> KeysView[str]:
        """The names of all tensors."""
        return self._tensors.keys()

    def __getitem__(self, name: str) -> Stored:
        return self._tensors[name]

    def _read_header(self, header: bytes) -> dict[str, Stored]:
        entries: dict[str, Any] = json.loads(header.decode("utf-8"))
        entries.pop("__metadata__", None)
        return {name: self._stored(name, entry) for name, entry in entries.items()}

    def _stored(self, name: str, entry: dict[str, Any]) -> Stored:
        kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        size = SIZES.get(kind, 0)
        if not (
            all(isinstance(number, int) and number >= 0 for number in (*shape, begin, end))
            and end <= self._content.size - self._first
            and (not size or end - begin == math.prod(shape) * size)
        ):
            raise ValueError(f"{name} is not in it as its header says")
        return Stored(kind, shape, self._content[self._first + begin : self._first + end])

    def _damaged(self, why: str) -> NotNativeError:
        return NotNativeError(f"{self._path.name} cannot be read: {why}")
