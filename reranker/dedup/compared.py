"""Pairs of pictures whose looks were compared: another phrase over the same pool asks for the same pairs."""

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from phrasepix_core.forking import reset_in_children, set_free

_OPEN, _ALIKE, _DIFFERENT = range(3)

Numbers = NDArray[np.intp]


class ComparedLooks:
    """Which pairs of pictures look alike, each compared once: of `most` pictures, a byte a pair. Thread-safe.

    A picture is known by the digest of its file. It serves one encoder: how close two embeddings are has a say.
    """

    def __init__(self, most: int = 3000) -> None:
        self._most = most
        self._numbers: dict[bytes, int] = {}
        self._state: NDArray[np.uint8] = np.zeros((most, most), dtype=np.uint8)  # memory is taken by what is written
        self._lock = threading.Lock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent."""
        set_free(self._lock)

    @property
    def is_half_full(self) -> bool:
        """Whether there is room for no more than half of the pictures."""
        return 2 * len(self._numbers) > self._most

    def number(self, digest: bytes) -> int:
        """Return the number of a picture; −1 if there are too many, and nothing is remembered of this one."""
        with self._lock:
            if digest not in self._numbers and len(self._numbers) == self._most:
                return -1
            return self._numbers.setdefault(digest, len(self._numbers))

    def compared(self, ones: Numbers, others: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each of `ones`, int [m], and each of `others`, int [n], look alike, and whether that is known.

        Both bool [m, n].
        """
        state = self._state[np.maximum(ones, 0)[:, None], np.maximum(others, 0)]
        state[ones < 0] = state[:, others < 0] = _OPEN
        return state == _ALIKE, state != _OPEN

    def alike(self, one: int, others: Numbers, compare: Callable[[Numbers], Numbers]) -> Numbers:
        """Return the indices of those of `others`, int [n], that look like `one`; all by their numbers.

        `compare` is given the indices of those that were not compared yet, and returns those of them that do.
        """
        state = np.full(len(others), _OPEN, dtype=np.uint8)
        if one >= 0:
            state = np.where(others >= 0, self._state[one, others], _OPEN).astype(np.uint8)
        if len(open_ones := np.flatnonzero(state == _OPEN)):
            state[open_ones] = _DIFFERENT
            state[compare(open_ones)] = _ALIKE
            kept = open_ones[others[open_ones] >= 0]
            if one >= 0:
                self._state[one, others[kept]] = self._state[others[kept], one] = state[kept]
        return np.flatnonzero(state == _ALIKE)


class Compared:
    """The looks that searches with one encoder compared. Thread-safe."""

    def __init__(self) -> None:
        self._looks: ComparedLooks | None = None

    def looks(self) -> ComparedLooks:
        """Return those for one search: the same as before, unless there would be too many."""
        looks = self._looks
        if looks is None or looks.is_half_full:
            looks = self._looks = ComparedLooks()
        return looks
