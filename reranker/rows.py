"""A matrix that grows by rows, in time and memory by what is added: no row is moved, and few are kept free."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)

_PER_CHUNK = 1024


class Rows(Generic[Number]):
    """Rows of `width` numbers each, in chunks of 1024."""

    def __init__(self, width: int, dtype: type[Number]) -> None:
        self._width = width
        self._dtype = dtype
        self._chunks: list[NDArray[Number]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, rows: NDArray[Number]) -> None:
        """Add rows [n, width]; they are copied."""
        self.append_in_place(rows)

    def append_in_place(self, rows: NDArray[Number]) -> list[NDArray[Number]]:
        """Add rows [n, width]; they are copied. Returned is where they lie now, as of `append_each`."""
        rooms, begin = list(self._grown_by(len(rows))), 0
        for room in rooms:
            room[:] = rows[begin : begin + len(room)]
            begin += len(room)
        return rooms

    def append_each(self, rows: Sequence[NDArray[Number]]) -> list[NDArray[Number]]:
        """Add rows [width] each; they are copied. Returned is where they lie now, [m, width] each, in their order."""
        rooms, begin = list(self._grown_by(len(rows))), 0
        for room in rooms:
            np.concatenate(rows[begin : begin + len(room)], out=room.reshape(-1))  # twice as quick as `np.stack`
            begin += len(room)
        return rooms

    def _grown_by(self, count: int) -> Iterator[NDArray[Number]]:
        """Room for so many rows more, [m, width] each: in the last chunk, and in new ones."""
        while count:
            start = self._count % _PER_CHUNK
            if not start:
                self._chunks.append(np.empty((_PER_CHUNK, self._width), dtype=self._dtype))
            room = self._chunks[-1][start : start + count]
            self._count += len(room)
            count -= len(room)
            yield room

    def __getitem__(self, index: int) -> NDArray[Number]:
        """One row, [width]; not a copy."""
        row: NDArray[Number] = self._chunks[index // _PER_CHUNK][index % _PER_CHUNK]
        return row

    def at(self, indices: NDArray[np.intp]) -> NDArray[Number]:
        """A copy of the rows at these indices, [n, width]."""
        if len(self._chunks) == 1:
            return self._chunks[0][indices]
        rows = np.empty((len(indices), self._width), dtype=self._dtype)
        order = np.argsort(indices, kind="stable")
        ends = np.searchsorted(indices[order], np.arange(1, len(self._chunks) + 1) * _PER_CHUNK)
        start = 0
        for chunk, end in zip(self._chunks, ends, strict=True):
            if end > start:
                part = order[start:end]
                rows[part] = chunk[indices[part] % _PER_CHUNK]
                start = end
        return rows

    def all(self) -> NDArray[Number]:
        """A copy of all rows, [n, width]."""
        return np.concatenate([np.empty((0, self._width), dtype=self._dtype), *self.chunks()])

    def chunks(self) -> Iterator[NDArray[Number]]:
        """All rows in order, up to 1024 at a time; not copied."""
        for number, chunk in enumerate(self._chunks):
            yield chunk[: self._count - number * _PER_CHUNK]
