"""Work that several threads want done at the same time: one does it, the others take what comes of it."""

import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from phrasepix_core.forking import reset_in_children, set_free
from phrasepix_core.turns import waits

Result = TypeVar("Result")


class SharedWork(Generic[Result]):
    """Does each piece of work once at a time, by its key. Nothing is kept once it is done. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way: dict[Hashable, Future[Result]] = {}
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent."""
        set_free(self._lock)

    def do(self, key: Hashable, work: Callable[[], Result], is_shared: Callable[[Result], bool]) -> Result:
        """Return what comes of the work, by this thread or by the one that has it under way.

        Only what `is_shared` is taken from another thread, else the work is done here: a failure may be the other's
        own, such as being offline or having been ended. Raises what `work` raises.
        """
        key = (os.getpid(), key)  # a forked child has none of the threads that it would wait for
        with self._lock:
            theirs = self._under_way.get(key)
            mine = self._under_way[key] = Future() if theirs is None else theirs
        if theirs is None:
            return self._done(key, work, mine)
        with waits():
            failed = theirs.exception() is not None
        if not failed and is_shared(result := theirs.result()):
            return result
        return work()

    def _done(self, key: Hashable, work: Callable[[], Result], mine: Future[Result]) -> Result:
        try:
            result = work()
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(result)
            return result
        finally:
            with self._lock:
                del self._under_way[key]
