"""Work done ahead of whoever needs it, by threads, so that nothing waits for what it does not need."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class _Arrivals(Generic[Item]):
    """What `givers` hand to one taker: at most `room` items reserved and not yet taken."""

    def __init__(self, room: int, givers: int = 1) -> None:
        self._room = room
        self._giving = givers
        self._here: deque[Item] = deque()
        self._reserved = 0
        self._is_closed = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def reserve(self) -> bool:
        """Wait for room for one more item; False where no more is wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._failure or self._reserved < self._room)
            if self._is_closed or self._failure:
                return False
            self._reserved += 1
            return True

    def put(self, item: Item) -> None:
        """Hand over an item that room was reserved for."""
        with self._changed:
            if not self._is_closed:
                self._here.append(item)
            self._changed.notify_all()

    def end(self, *, unused: int, error: BaseException | None = None) -> None:
        """A giver reserves no more and gives back so many. An `error` ends them all; the taker meets it last."""
        with self._changed:
            self._reserved -= unused
            self._giving = 0 if error else self._giving - 1
            self._failure = self._failure or error
            self._changed.notify_all()

    def take(self, most: int) -> list[Item]:
        """What is here, at most so many; waits for the first. Empty when all is taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._here or self._is_closed or (self._giving <= 0 and self._reserved == 0))
            if not self._here and self._failure is not None:
                raise self._failure
            taken = [self._here.popleft() for _ in range(min(most, len(self._here)))]
            self._reserved -= len(taken)
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Take nothing more, nor what is here."""
        with self._changed:
            self._is_closed = True
            self._here.clear()
            self._changed.notify_all()


def read_ahead(items: Iterable[Item], *, room: int, most: int = 64) -> Iterator[list[Item]]:
    """Yield the items in order, as many at a time as have come (at most `most`), read by a thread of their own.

    The thread is at most `room` items ahead. An exception of `items` is raised where its item would come.
    """
    return merge_ahead([items], room=room, most=most)


def merge_ahead(sources: Sequence[Iterable[Item]], *, room: int, most: int = 64) -> Iterator[list[Item]]:
    """Yield the items of all `sources` as they come, each source read by a thread of its own.

    Items of one source stay in order. All threads together are at most `room` items ahead. An exception of a source
    ends it all: it is raised when what came before is taken.
    """
    arrivals: _Arrivals[Item] = _Arrivals(room, givers=len(sources))
    for items in sources:
        # A daemon: a source that is silent must not keep the process from ending.
        threading.Thread(target=_read, args=(items, arrivals), name="read-ahead", daemon=True).start()
    try:
        while taken := arrivals.take(most):
            yield taken
    finally:
        arrivals.close()


def _read(items: Iterable[Item], arrivals: _Arrivals[Item]) -> None:
    iterator = iter(items)
    while arrivals.reserve():
        try:
            item = next(iterator)
        except StopIteration:
            arrivals.end(unused=1)
            return
        except BaseException as error:
            arrivals.end(unused=1, error=error)
            return
        arrivals.put(item)


class LookAhead(Generic[Item, Outcome]):
    """Does `work` on items with `threads` threads, at most `ahead` begun and not yet taken; hands out what is done.

    `chunks` is read by a thread of its own, only as far as that, so a lazy source is asked no further than
    needed and memory stays bounded. The work begins when the context is entered; leaving it drops what has not begun.
    """

    def __init__(
        self, work: Callable[[Item], Outcome], chunks: Iterable[Iterable[Item]], *, threads: int, ahead: int
    ) -> None:
        self._work = work
        self._chunks = chunks
        self._arrivals: _Arrivals[tuple[Item, Outcome]] = _Arrivals(ahead)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="look-ahead", initializer=_give_way)
        self._feeder = threading.Thread(target=self._feed, name="look-ahead-feeder", daemon=True)

    def take(self, most: int) -> list[tuple[Item, Outcome]]:
        """The items that are done, with their outcomes, at most so many; waits for the first. Empty when all is done.

        They come in the order in which they were done. An exception of `work` or of `chunks` is raised here, when what
        was begun before it is taken.
        """
        return self._arrivals.take(most)

    def _feed(self) -> None:
        reserved = 0
        try:
            for chunk in self._chunks:
                for item in chunk:
                    if not self._arrivals.reserve():
                        return
                    reserved = 1
                    self._executor.submit(self._run, item)
                    reserved = 0
            self._arrivals.end(unused=0)
        except BaseException as error:
            self._arrivals.end(unused=reserved, error=error)

    def _run(self, item: Item) -> None:
        try:
            outcome = self._work(item)
        except BaseException as error:
            self._arrivals.end(unused=1, error=error)
        else:
            self._arrivals.put((item, outcome))

    def __enter__(self) -> Self:
        self._feeder.start()
        return self

    def close(self) -> None:
        """Begin nothing more, and give nothing more to whoever takes, not even what is done."""
        self._arrivals.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Aside(Generic[Outcome]):
    """Does one thing after the other in a thread of its own. Leaving the context waits for what it has in hand."""

    def __init__(self, name: str) -> None:
        self._given: SimpleQueue[tuple[Callable[[], Outcome], Future[Outcome]] | None] = SimpleQueue()
        # A daemon: where nobody leaves the context, it must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def begin(self, work: Callable[[], Outcome]) -> Future[Outcome]:
        """Have `work` done, after what was given before; its outcome is the future's."""
        future: Future[Outcome] = Future()
        self._given.put((work, future))
        return future

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            work, future = given
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            del given, work, future  # what they hold is large, and the next may be long in coming

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._given.put(None)
        self._thread.join()


def _give_way() -> None:
    """Let whoever takes go first: what is done ahead can wait, and a model waits for the slowest of its cores."""
    if sys.platform == "linux":  # where a thread has a niceness of its own; elsewhere it is the process's
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
