"""Threads that are kept for the next work: to start some for each search takes longer than a remembered search."""

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from phrasepix_core import environment
from phrasepix_core.forking import reset_in_children

logger = logging.getLogger(__name__)

_IDLE_S = 2.0
"""How long a thread waits for work before it ends."""

_END_S = 5.0
"""How long the end of the process waits for work in hand."""

Work = Callable[[], object]


class Threads:
    """Does what is given to it in threads that are begun when there is work, and end once there is none for a while.

    At most `most` work at once, and what is given beyond waits its turn; without a number none waits. They are daemons;
    with `ends_work` the process still waits a moment, when it ends, for those at work. A thread is named after its
    work, and “idle” between. A forked child process begins with none. All have the process's priority: one of a lower
    one that holds the interpreter's lock on a busy machine would hold up all others.
    """

    def __init__(self, *, most: int | None = None, ends_work: bool = False) -> None:
        self._most = most
        self._reset()
        reset_in_children(self)
        if ends_work:
            atexit.register(self._end)

    def do(self, work: Work, name: str) -> None:
        """Have `work` done by a thread called `name` meanwhile. It should raise nothing."""
        with self._changed:
            self._waiting.append((work, name))
            if self._idle >= len(self._waiting):
                self._changed.notify()
                return
            if self._most is not None and self._count >= self._most:
                return
            self._count += 1
        try:
            threading.Thread(target=self._run, name=name, daemon=True).start()
        except RuntimeError:  # the system gives no more
            with self._changed:
                self._count -= 1
                if (self._most is not None and self._count) or (work, name) not in self._waiting:
                    return  # those there are will do it, or did
                self._waiting.remove((work, name))
            raise

    def _run(self) -> None:
        thread = threading.current_thread()
        while (given := self._next(thread)) is not None:
            work, thread.name = given
            try:
                work()
            except BaseException:
                logger.exception("the thread %s failed", thread.name)
            del work, given  # what they hold is large, and the next may be long in coming

    def _next(self, thread: threading.Thread) -> tuple[Work, str] | None:
        with self._changed:
            if not self._waiting:
                thread.name = "idle"
                until = time.monotonic() + _IDLE_S
                self._idle += 1
                while not self._waiting and not self._is_over and (left := until - time.monotonic()) > 0:
                    self._changed.wait(left)
                self._idle -= 1
            if not self._waiting or self._is_over:
                self._count -= 1
                self._changed.notify_all()
                return None
            return self._waiting.popleft()

    def _end(self) -> None:
        with self._changed:
            self._is_over = True
            self._waiting.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._count <= 0, _END_S)

    def reset_after_fork(self) -> None:
        """Forget the parent's threads, which do not exist here, and their work."""
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Work, str]] = deque()
        self._count = self._idle = 0
        self._is_over = False


def cores() -> int:
    """How many cores this process may use: those it may run on, or fewer if `OMP_NUM_THREADS` says so.

    That is how clusters tell a process its share of a node (Ray does, for the processors that an actor was given).
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = environment.variable("OMP_NUM_THREADS").partition(",")[0]  # of nested ones the outermost counts
    return min(there, int(said)) if said.isdecimal() and int(said) else there


MOST_WORKERS = 12
"""How many pictures are fetched, decoded and prepared at once in a process, by all searches together."""

WORKERS = Threads(most=MOST_WORKERS, ends_work=True)
"""Do what waits for nobody but servers, and for these no longer than until a deadline."""

HELPERS = Threads()
"""Do what may wait for others: no other work waits for theirs."""
