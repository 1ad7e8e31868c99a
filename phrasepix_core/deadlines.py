"""Deadlines that hold whatever a server does: at the deadline the connection is cut.

A socket's timeout bounds each wait, not their sum: a server that sends a byte now and then, be it in the headers, holds
a thread for ever. One thread watches all deadlines of the process and shuts down the sockets of those that pass;
whoever waits for such a socket fails at once.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LONGEST_SLEEP_S = 1.0
"""How long the watching thread may outlast what it watches."""


class DeadlineExceededError(TimeoutError):
    """Something was not done by its deadline."""


class Deadline:
    """A point in time, and the sockets that are cut then. Made by `deadline`."""

    def __init__(self, ends_at: float, latest: float = math.inf) -> None:
        self.ends_at = ends_at
        self._latest = latest
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self.ends_at

    @property
    def remaining_s(self) -> float:
        """The seconds that are left; 0 once it has passed."""
        return max(0.0, self.ends_at - time.monotonic())

    def extend(self, seconds: float) -> None:
        """Have it come later, but not later than the one it was made within."""
        with self._lock:
            self.ends_at = min(self.ends_at + seconds, self._latest)

    def end(self) -> None:
        """Have it pass now: what is watched is cut. May be called from any thread."""
        with self._lock:
            self.ends_at = -math.inf
        self.cut_sockets()

    def watch(self, connected: socket.socket) -> None:
        """Cut `connected` at the deadline; at once if that has passed."""
        with self._lock:
            self._sockets.append(connected)
        if self.is_over:
            cut(connected)

    def unwatch(self, connected: socket.socket) -> None:
        """Leave `connected` alone from now on."""
        with self._lock:
            self._sockets = [one for one in self._sockets if one is not connected]

    def release(self) -> None:
        """Leave all sockets alone from now on."""
        with self._lock:
            self._sockets = []

    def cut_sockets(self) -> None:
        """Cut all sockets. Those released are safe: another request may be using them already."""
        with self._lock:
            for connected in self._sockets:
                cut(connected)


class _Watchdog:
    """The thread that cuts the sockets of deadlines that pass. It ends when there is none left to watch."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadlines: set[Deadline] = set()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            self._deadlines.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif deadline.ends_at < self._wakes_at:
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self._changed:
            self._deadlines.discard(deadline)

    def _watch(self) -> None:
        while True:
            with self._changed:
                over = {one for one in self._deadlines if one.is_over}
                self._deadlines -= over
                if not self._deadlines and not over:
                    self._thread = None
                    return
                if not over:
                    first = min(one.ends_at for one in self._deadlines)
                    self._wakes_at = min(first, time.monotonic() + _LONGEST_SLEEP_S)
                    self._changed.wait(max(0.0, self._wakes_at - time.monotonic()))
            for one in over:
                one.cut_sockets()


_watchdog = _Watchdog()
_of_this_thread = threading.local()


def _begin_afresh() -> None:
    global _watchdog
    _watchdog = _Watchdog()  # a forked process has none of its parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_afresh)


def current_deadline() -> Deadline | None:
    """The deadline of what this thread is doing; None if there is none."""
    found: Deadline | None = getattr(_of_this_thread, "deadline", None)
    return found


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Bound what this thread does in the context, over connections that are `WatchedConnection`s, to `seconds`.

    Within another deadline the earlier of the two holds. Raises `DeadlineExceededError` in place of whatever goes wrong
    after the deadline, and also if nothing does: an answer that was cut can look like one that ended.
    """
    outer = current_deadline()
    ends_at = time.monotonic() + seconds
    latest = math.inf if outer is None else outer.ends_at
    ours = Deadline(min(ends_at, latest), latest)
    exceeded = DeadlineExceededError(f"not done after {seconds:g} s")
    _of_this_thread.deadline = ours
    watchdog = _watchdog
    watchdog.add(ours)
    try:
        yield ours
    except Exception:
        if ours.is_over:
            raise exceeded from None
        raise
    finally:
        _of_this_thread.deadline = outer
        ours.release()
        watchdog.remove(ours)
    if ours.is_over:
        raise exceeded


@contextmanager
def not_counted() -> Iterator[None]:
    """Let what this thread does in the context, such as to wait for its turn, not count towards its deadline."""
    if (ours := current_deadline()) is None:
        yield
        return
    watchdog = _watchdog
    watchdog.remove(ours)
    began = time.monotonic()
    try:
        yield
    finally:
        ours.extend(time.monotonic() - began)
        watchdog.add(ours)


def cut(connected: socket.socket) -> None:
    """End a connection that another thread may be using: whoever waits for it fails at once."""
    inner = connected
    while not isinstance(inner, socket.socket) and hasattr(inner, "socket"):
        inner = inner.socket  # TLS within TLS, as through an https proxy
    with suppress(OSError):  # it is closed already
        # Not the method of a TLS socket, which would have the reading thread go on without TLS.
        socket.socket.shutdown(inner, socket.SHUT_RDWR)
