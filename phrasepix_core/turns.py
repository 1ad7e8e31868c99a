"""Turns at the interpreter, for threads that compute in Python.

Of threads that do so at once, each loses the interpreter's lock (https://docs.python.org/3/glossary.html#term-GIL) with
every call that gives it up, such as one of NumPy's or SQLite's, and waits until all others have had it: remembered
searches take nearly twice as long side by side as one after the other.
"""

import time
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Lock, local

from phrasepix_core.forking import reset_in_children

_PATIENCE_S = 0.05
"""How long one turn is waited for: whoever forgets to say that it waits for others holds nobody up for longer."""


@dataclass(order=True, slots=True)
class _Waiting:
    """A thread that waits for its turn: it holds the lock `asleep`, and asks for it again."""

    number: int
    """The so many-th to begin."""
    asleep: Lock = field(compare=False)


class Turns:
    """One thread at a time has the turn; it has it not while it `waits`. Of those that want it, the first to begin is
    the next.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent."""
        self._guard = Lock()
        self._is_taken = False
        self._taken_at = 0.0
        self._waiting: list[_Waiting] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, but for none that is long, and have it until the end."""
        _own.turns, _own.number = self, next(self._numbers)
        self.take()
        try:
            yield
        finally:
            self.give_back()
            _own.turns = None

    def take(self) -> None:
        """Wait for the turn, while others have theirs one after the other; not for one that is long."""
        with self._guard:
            _own.has_turn = not self._is_taken
            if _own.has_turn:
                self._begin()
                return
            waiting = _Waiting(_own.number, Lock())
            waiting.asleep.acquire()
            insort(self._waiting, waiting)
        try:
            _own.has_turn = self._is_waited_for(waiting)
        except BaseException:
            with self._guard:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                else:  # it was this thread's turn meanwhile: it is the next one's
                    self._hand_on()
            raise

    def _is_waited_for(self, waiting: _Waiting) -> bool:
        """Whether the turn came, before one lasted too long."""
        while not waiting.asleep.acquire(timeout=_PATIENCE_S):
            with self._guard:
                if waiting in self._waiting and time.monotonic() - self._taken_at >= _PATIENCE_S:
                    self._waiting.remove(waiting)
                    return False
        return True

    def give_back(self) -> None:
        """Leave the turn to others, if this thread has it."""
        if not _own.has_turn:
            return
        _own.has_turn = False
        with self._guard:
            self._hand_on()

    def _hand_on(self) -> None:
        self._is_taken = False
        if self._waiting:
            self._begin()
            self._waiting.pop(0).asleep.release()

    def _begin(self) -> None:
        self._is_taken = True
        self._taken_at = time.monotonic()


class _Own(local):
    """What a thread takes part in."""

    turns: Turns | None = None
    number = 0
    has_turn = False
    is_waiting = False


_own = _Own()


@contextmanager
def waits() -> Iterator[None]:
    """Leave the turn of this thread, if it has one, to others meanwhile: it waits for them, or for another machine."""
    turns = _own.turns
    if turns is None or _own.is_waiting:
        yield
        return
    turns.give_back()
    _own.is_waiting = True
    try:
        yield
    finally:
        _own.is_waiting = False
        turns.take()
