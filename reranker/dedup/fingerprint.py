"""What of a picture is remembered to know it again."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from phrasepix_core.cached_property import cached_property
from reranker.dedup.crop_hashes import CROPS, SIDE, CropHashes, crop_hashes, detail

LEAST_DETAIL = 0.2
"""Of a picture of stripes it is 0.09 at most, of the least detailed of the sample's drawn pictures 0.25."""

_DIGEST_BYTES = 16
_LOOK_BYTES = SIDE * SIDE + 16 * len(CROPS)


class Look:
    """What a picture looks like: a grey `thumbnail`, uint8 [48, 48], equalised, and the hashes of its crops.

    The hashes are made when they are first asked for, unless they are known.
    """

    def __init__(self, thumbnail: NDArray[np.uint8], crops: CropHashes | None = None) -> None:
        self.thumbnail = thumbnail
        self._known_crops = crops

    @cached_property
    def crops(self) -> CropHashes:
        """uint64 [crops, 2], as `crop_hashes` makes them."""
        return crop_hashes(self.thumbnail) if self._known_crops is None else self._known_crops


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """The `digest` of a picture's file, 16 bytes, and its look: None where it is too flat to be known by it."""

    digest: bytes
    look: Look | None

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return len(self.digest) + (_LOOK_BYTES if self.look else 0)

    def to_bytes(self) -> bytes:
        """All of it, for `from_bytes`. The hashes too: to make those of a pool anew takes longer than to read them."""
        return self.digest + (self.look.thumbnail.tobytes() + self.look.crops.tobytes() if self.look else b"")

    @classmethod
    def from_bytes(cls, data: object) -> Self | None:
        """What `to_bytes` gave; None where it is anything else."""
        if not isinstance(data, bytes) or len(data) not in (_DIGEST_BYTES, _DIGEST_BYTES + _LOOK_BYTES):
            return None
        if len(data) == _DIGEST_BYTES:
            return cls(data, None)
        thumbnail = np.frombuffer(data, dtype=np.uint8, count=SIDE * SIDE, offset=_DIGEST_BYTES)
        crops = np.frombuffer(data, dtype=np.uint64, offset=_DIGEST_BYTES + SIDE * SIDE)
        return cls(data[:_DIGEST_BYTES], Look(thumbnail.reshape(SIDE, SIDE), crops.reshape(len(CROPS), 2)))


def fingerprint_of(picture: Image.Image, data: bytes) -> Fingerprint:
    """The fingerprint of an RGB picture and the file it came from."""
    digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
    # Averaged down nearly all of the way: a wider gap takes up to twice as long, and hardly more is known again by it.
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=1.0).convert("L")
    if detail(np.asarray(small)) < LEAST_DETAIL:
        return Fingerprint(digest, None)
    return Fingerprint(digest, Look(np.asarray(ImageOps.equalize(small))))  # so that a change of contrast is none
