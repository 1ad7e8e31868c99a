"""Turns at the interpreter, for threads that compute in Python.

Of threads that do so at once, each loses the interpreter's lock (https://docs.python.org/3/glossary.html#term-GIL) with
every call that gives it up, such as one of NumPy's or SQLite's, and waits until all others have had it: remembered
searches take nearly twice as long side by side as one after the other.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, local

_PATIENCE_S = 0.05
"""How long one turn is waited for: whoever forgets to say that it waits for others holds nobody up for longer."""


class Turns:
    """One thread at a time has the turn; it has it not while it `waits`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken_at = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, but for none that is long, and have it until the end."""
        _own.turns = self
        self.take()
        try:
            yield
        finally:
            self.give_back()
            _own.turns = None

    def take(self) -> None:
        """Wait for the turn, while others have theirs one after the other; not for one that is long."""
        while not (has_turn := self._lock.acquire(timeout=_PATIENCE_S)):
            if time.monotonic() - self._taken_at >= _PATIENCE_S:
                break
        if has_turn:
            self._taken_at = time.monotonic()
        _own.has_turn = has_turn

    def give_back(self) -> None:
        """Leave the turn to others, if this thread has it."""
        if _own.has_turn:
            _own.has_turn = False
            self._lock.release()


class _Own(local):
    """What a thread takes part in."""

    turns: Turns | None = None
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
