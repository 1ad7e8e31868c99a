"""A thread that does one thing after the other, while there is any."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Self, TypeVar

from phrasepix_core.forking import reset_in_children
from reranker.threads import HELPERS

Outcome = TypeVar("Outcome")


class BackgroundThread:
    """Does one thing after the other, in a thread called `name` while there is any. Thread-safe.

    Leaving the context waits for what it has in hand. A forked child process begins with nothing in hand.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._given: deque[Callable[[], None]]
        self._is_busy: bool
        self._reset()
        reset_in_children(self)

    def begin(self, work: Callable[[], Outcome]) -> Future[Outcome]:
        """Have `work` done, after what was given before; its outcome is the future's."""
        future: Future[Outcome] = Future()
        with self._changed:
            self._given.append(partial(settle, future, work))
            if self._is_busy:
                return future
            self._is_busy = True
        try:
            HELPERS.do(self._work, self._name)
        except BaseException:
            self._reset()
            raise
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._given:
                    self._is_busy = False
                    self._changed.notify_all()
                    return
                given = self._given.popleft()
            given()
            del given  # what it holds is large

    def reset_after_fork(self) -> None:
        """Forget what the parent's thread has in hand."""
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._given = deque()
        self._is_busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy)


def settle(future: "Future[Outcome]", work: Callable[[], Outcome]) -> None:
    """Do `work`; what it gives or raises is the future's."""
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
