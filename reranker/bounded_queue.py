"""A bounded queue from several threads to the one that waits for what they bring."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_ROOM_AT_HAND: Final = 512
"""Items that need no work and are not yet taken: they take little memory, and who reads them waits for nobody."""


class BoundedQueue(Generic[Item]):
    """What `givers` hand to one taker: at most `room` items reserved and not yet taken, and some at hand."""

    def __init__(self, room: int, givers: int = 1) -> None:
        self._room = room
        self._giving = givers
        self._here: deque[tuple[Item, int]] = deque()  # with what each had reserved
        self._reserved = 0
        self._is_closed = False
        self._failure: BaseException | None = None
        self._due: Callable[[], None] | None = None
        self._changed = threading.Condition()

    def reserve(self) -> bool:
        """Wait for room for one more item; False where no more is wanted."""
        with self._changed:
            return self._reserve()

    def put(self, item: Item) -> None:
        """Hand over an item that room was reserved for."""
        with self._changed:
            self._put(item)
            due = self._wake()
        due()

    def put_and_reserve(self, items: Sequence[Item]) -> bool:
        """Hand over items, one at least, room reserved for one, then wait for room for another.

        False where none is wanted.
        """
        with self._changed:
            self._reserved += len(items) - 1
            for item in items:
                self._put(item)
            due = self._wake()
            if due is _nothing:
                return self._reserve()
        due()
        return self.reserve()

    def put_at_hand(self, items: Sequence[Item]) -> bool:
        """Hand over items that no room was reserved for, once it is not too many; False where no more is wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._failure or len(self._here) < _ROOM_AT_HAND)
            if self._is_closed or self._failure:
                return False
            self._here.extend((item, 0) for item in items)
            due = self._wake()
        due()
        return True

    def end(self, *, unused: int, error: BaseException | None = None) -> None:
        """A giver reserves no more and gives back so many. An `error` ends them all; the taker meets it last."""
        with self._changed:
            self._reserved -= unused
            self._giving = 0 if error else self._giving - 1
            self._failure = self._failure or error
            due = self._wake()
        due()

    def take(self, most: int, *, wait: bool = True) -> list[Item]:
        """What is here, at most so many beside those at hand; waits for the first. Empty when all is taken.

        Without `wait` it is empty also if nothing is here.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(self._is_ready)
                if not self._here and self._failure is not None:
                    raise self._failure
            taken: list[Item] = []
            room = 0
            while self._here and room + self._here[0][1] <= most:
                item, reserved = self._here.popleft()
                taken.append(item)
                room += reserved
            self._reserved -= room
            self._changed.notify_all()
            return taken

    def when_ready(self, due: Callable[[], None]) -> None:
        """Call `due` once, as soon as `take` waits for nothing: in this thread now, or in that of a giver."""
        with self._changed:
            self._due = due
            due = self._wake()
        due()

    def has_some(self) -> bool:
        """Whether anything is here."""
        with self._changed:
            return bool(self._here)

    def close(self) -> None:
        """Take nothing more, nor what is here."""
        with self._changed:
            self._is_closed = True
            self._here.clear()
            due = self._wake()
        due()

    def _is_ready(self) -> bool:
        return bool(self._here) or self._is_closed or (self._giving <= 0 and self._reserved == 0)

    def _reserve(self) -> bool:
        while self._reserved >= self._room and not (self._is_closed or self._failure):
            self._changed.wait()
        if self._is_closed or self._failure:
            return False
        self._reserved += 1
        return True

    def _put(self, item: Item) -> None:
        if not self._is_closed:
            self._here.append((item, 1))

    def _wake(self) -> Callable[[], None]:
        """Wake all who wait. What is returned is to be called without the lock, which is held here."""
        self._changed.notify_all()
        if self._due is None or not self._is_ready():
            return _nothing
        due, self._due = self._due, None
        return due


def _nothing() -> None:
    """Be due to nobody."""
