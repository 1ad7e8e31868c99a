"""Pairs of pictures whose looks were compared: another phrase over the same pool asks for the same pairs."""

import threading
from collections.abc import Callable, Sequence

_OPEN, _ALIKE, _DIFFERENT = range(3)


class Compared:
    """Which pairs of pictures look alike, each compared once; of `most` pictures, a byte a pair. Thread-safe.

    A picture is known by the digest of its file. Once there are more, it begins anew. It serves one encoder: how close
    two embeddings are has a say.
    """

    def __init__(self, most: int = 2000) -> None:
        self._most = most
        self._numbers: dict[bytes, int] = {}
        self._decided: list[bytearray] = []
        self._lock = threading.Lock()

    def alike(
        self, one: bytes, others: Sequence[bytes], compare: Callable[[Sequence[int]], Sequence[int]]
    ) -> list[int]:
        """Return the indices of those of `others` that look like `one`.

        `compare` is given the indices of those that were not compared yet, and returns those of them that do.
        """
        with self._lock:
            if len(self._numbers) + len(others) + 1 > self._most:
                self._numbers, self._decided = {}, []
            numbers, decided = self._numbers, self._decided
            here = self._number(one)
            there = [self._number(other) for other in others]
            known = [_of_pair(decided, here, number) for number in there]
        if open_ones := [index for index, state in enumerate(known) if state == _OPEN]:
            alike = set(compare(open_ones))
            with self._lock:
                for index in open_ones:
                    known[index] = _ALIKE if index in alike else _DIFFERENT
                    if numbers is self._numbers:
                        _decide(decided, here, there[index], known[index])
        return [index for index, state in enumerate(known) if state == _ALIKE]

    def _number(self, digest: bytes) -> int:
        number = self._numbers.setdefault(digest, len(self._numbers))
        if number == len(self._decided):
            self._decided.append(bytearray(number + 1))  # of it and each before it
        return number


def _of_pair(decided: list[bytearray], one: int, other: int) -> int:
    return decided[one][other] if one > other else decided[other][one]


def _decide(decided: list[bytearray], one: int, other: int, state: int) -> None:
    decided[max(one, other)][min(one, other)] = state
