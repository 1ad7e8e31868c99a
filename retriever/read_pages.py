"""Answers that were read before: a search that is repeated in other words reads the same ones again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

Outcome = TypeVar("Outcome")


class ReadPages(Generic[Outcome]):
    """What came of the entries of an answer's page, as long as they stay the same; of `most` pages. Thread-safe."""

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._pages: OrderedDict[Hashable, tuple[Sequence[Any], Outcome]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, question: Hashable, entries: Sequence[Any], read: Callable[[Sequence[Any]], Outcome]) -> Outcome:
        """Return what `read` makes of the entries that answer a question; they must not be changed."""
        with self._lock:
            before = self._pages.get(question)
        if before is not None and before[0] is entries:
            return before[1]
        outcome = before[1] if before is not None and before[0] == entries else read(entries)
        with self._lock:
            self._pages[question] = (entries, outcome)
            self._pages.move_to_end(question)
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)
        return outcome
