"""Local features of a picture: where its key points lie, how they are turned, and a descriptor of each."""

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<HHHH")
_FULL = 65535
_TURN = 256
_SIZES = 16.0
"""Steps to each doubling of a size."""
_BESIDE_DESCRIPTOR = 6
"""Bytes of a key point: two for each coordinate, one for its angle, one for its size."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalFeatures:
    """The key points of a picture of `size`, width and height in pixels: `points` float32 [n, 2], x and y in pixels.

    `angles`, float32 [n], are in degrees, `sizes`, float32 [n], in pixels, `descriptors` uint8 [n, m]. At most 65 535.
    """

    size: tuple[int, int]
    points: NDArray[np.float32]
    angles: NDArray[np.float32]
    sizes: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def shares(self) -> NDArray[np.float32]:
        """The points as shares of width and height: float32 [n, 2], each 0…1."""
        return (self.points / np.array(self.size, dtype=np.float32)).astype(np.float32)

    def to_bytes(self) -> bytes:
        """All of it, for `from_bytes`: points to a 65 535th of the side, angles to 1.4°, sizes to 4 %."""
        count, width = self.descriptors.shape
        places = np.rint(np.clip(self.shares, 0, 1) * _FULL).astype("<u2")
        turns = (np.rint(self.angles / 360 * _TURN).astype(np.int64) % _TURN).astype(np.uint8)
        sizes = np.clip(np.rint(np.log2(np.maximum(self.sizes, 1)) * _SIZES), 0, 255).astype(np.uint8)
        parts = (places, turns, sizes, self.descriptors)
        return _HEADER.pack(*self.size, count, width) + b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """What `to_bytes` gave; None where it is anything else."""
        if len(data) < _HEADER.size:
            return None
        width, height, count, bytes_each = _HEADER.unpack_from(data)
        if min(width, height) < 1 or len(data) != bytes_of(count, bytes_each):
            return None
        rest = np.frombuffer(data, dtype=np.uint8, offset=_HEADER.size)
        places, turns, sizes, descriptors = np.split(rest, [4 * count, 5 * count, 6 * count])
        shares = places.view("<u2").reshape(count, 2).astype(np.float32) / np.float32(_FULL)
        return cls(
            (width, height),
            shares * np.array((width, height), dtype=np.float32),
            turns.astype(np.float32) * np.float32(360 / _TURN),
            np.exp2(sizes.astype(np.float32) / np.float32(_SIZES)),
            descriptors.reshape(count, bytes_each),
        )


def bytes_of(count: int, width: int) -> int:
    """How many bytes `to_bytes` takes for so many points with descriptors of `width` bytes."""
    return _HEADER.size + count * (_BESIDE_DESCRIPTOR + width)
