"""A bound on the memory of all pictures that are being decoded at once, in all searches of the process."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from phrasepix_core import heap

_GIVEN_BACK_FROM = 16 << 20
"""Bytes. What a decoder of less leaves behind is soon used again, and giving it back takes milliseconds."""


class MemoryBudget:
    """At most `most_bytes` are held at a time; whoever wants more than is left waits, in the order of asking.

    May be used from many threads at once. A thread that holds some must not ask for more.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._changed = threading.Condition()
        self._held = 0
        self._waiting: deque[object] = deque()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Hold `size` bytes while the context lasts. What is larger than the budget has all of it to itself.

        What was allocated within the context should be free when it ends: then the system gets it back.
        """
        asked, size = size, min(size, self.most_bytes)
        place = object()
        with self._changed:
            self._waiting.append(place)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is place and self._held + size <= self.most_bytes)
                self._held += size
            finally:
                self._waiting.remove(place)
                self._changed.notify_all()
        try:
            yield
        finally:
            if asked >= _GIVEN_BACK_FROM:
                heap.give_back()
            with self._changed:
                self._held -= size
                self._changed.notify_all()

    def _forget(self) -> None:
        """Begin anew in a forked child: the threads that held or waited are not there."""
        self._changed = threading.Condition()
        self._held = 0
        self._waiting.clear()


DECODING = MemoryBudget(768 << 20)
"""What all decoders of the process take together, by their estimates; the largest single picture fits in."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=DECODING._forget)
