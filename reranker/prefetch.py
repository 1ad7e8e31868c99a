"""Prefetching by threads: work done before it is needed, bounded, and closed with its context."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from phrasepix_core.turns import waits
from reranker.background_thread import BackgroundThread, settle
from reranker.bounded_queue import BoundedQueue
from reranker.threads import HELPERS, WORKERS

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Used = TypeVar("Used")
Read = TypeVar("Read", covariant=True)


@runtime_checkable
class ComesInChunks(Protocol[Read]):
    """What is read ahead already, by threads of its own."""

    def chunks(self) -> Iterator[Sequence[Read]]:
        """The rest of it, as many at a time as have come."""
        ...


@runtime_checkable
class MayBeHere(Protocol[Read]):
    """What may have come already, all of it."""

    def if_here(self) -> Sequence[Read] | None:
        """Return the rest of it if nobody has to be waited for; else None, and it is still to be read."""
        ...


def prefetch(items: Iterable[Item], *, room: int, most: int = 64) -> Iterator[list[Item]]:
    """Yield the items in order, as many at a time as have come (at most `most`), read by a thread of their own.

    The thread is at most `room` items ahead. An exception of `items` is raised where its item would come.
    """
    return prefetch_merged([([item] for item in items)], room=room, most=most)


def prefetch_merged(sources: Sequence[Iterable[Sequence[Item]]], *, room: int, most: int = 64) -> Iterator[list[Item]]:
    """Yield the items of all `sources` as they come, each source read by a thread of its own, chunk by chunk.

    Items of one source stay in order. No thread asks for another chunk while all together are `room` items ahead. An
    exception of a source ends it all: it is raised when what came before is taken.
    """
    arrivals: BoundedQueue[Item] = BoundedQueue(room, givers=len(sources))
    for chunks in sources:
        HELPERS.do(partial(_read, chunks, arrivals), "read-ahead")
    try:
        while True:
            with waits():
                taken = arrivals.take(most)
            if not taken:
                return
            yield taken
    finally:
        arrivals.close()


def _read(chunks: Iterable[Sequence[Item]], arrivals: BoundedQueue[Item]) -> None:
    iterator = iter(chunks)
    is_wanted = arrivals.reserve()
    while is_wanted:
        try:
            chunk = next(iterator)
        except StopIteration:
            arrivals.end(unused=1)
            return
        except BaseException as error:
            arrivals.end(unused=1, error=error)
            return
        is_wanted = not chunk or arrivals.put_and_reserve(chunk)


class Prefetcher(Generic[Item, Outcome]):
    """Does `work` on items with `threads` of the process's threads, at most `ahead` begun and not yet taken.

    It hands out what is done. An item that is `at_hand`, of which that gives an outcome, needs no work and no thread.
    `chunks` is read by a thread of its own, only as far as that, so a lazy source is asked no further than
    needed and memory stays bounded. The work begins when the context is entered; leaving it drops what has not begun.
    """

    def __init__(
        self,
        work: Callable[[Item], Outcome],
        chunks: Iterable[Iterable[Item]],
        *,
        threads: int,
        ahead: int,
        at_hand: Callable[[Item], Outcome | None] = lambda item: None,
    ) -> None:
        self._work = work
        self._chunks = chunks
        self._threads = threads
        self._at_hand = at_hand
        self._arrivals: BoundedQueue[tuple[Item, Outcome]] = BoundedQueue(ahead)
        self._lock = threading.Lock()
        self._to_do: deque[Item] = deque()
        self._working = 0

    def take(self, most: int, *, wait: bool = True) -> list[tuple[Item, Outcome]]:
        """The items that are done, with their outcomes; waits for the first. Empty when all is done.

        At most so many, beside those that were at hand. Without `wait` it is empty also if nothing is done yet. They
        come in the order in which they were done. An exception of `work` or of `chunks` is raised here, when what was
        begun before it is taken.
        """
        with waits():
            return self._arrivals.take(most, wait=wait)

    def take_aside(
        self, most: int, aside: BackgroundThread, use: Callable[[list[tuple[Item, Outcome]]], Used]
    ) -> "Future[Used]":
        """Take as `take` does, but as soon as something is done and `aside` is free, and `use` it there.

        What is at hand is used at once, by whoever brings it. The outcome of `use` is the future's.
        """
        future: Future[Used] = Future()

        def ready() -> None:
            try:
                taken = self._arrivals.take(0)
                if not taken and self._arrivals.has_some():
                    aside.begin(lambda: settle(future, lambda: use(self._arrivals.take(most))))
                    return
            except BaseException as error:
                future.set_exception(error)
                return
            settle(future, lambda: use(taken))

        self._arrivals.when_ready(ready)
        return future

    def _feed(self) -> None:
        reserved = 0
        try:
            for chunk in self._chunks:
                open_ones: list[Item] = []
                at_hand: list[tuple[Item, Outcome]] = []
                for item in chunk:
                    outcome = self._at_hand(item)
                    if outcome is None:
                        open_ones.append(item)
                    else:
                        at_hand.append((item, outcome))
                if at_hand and not self._arrivals.put_at_hand(at_hand):
                    return
                for item in open_ones:
                    if not self._arrivals.reserve():
                        return
                    reserved = 1
                    self._begin(item)
                    reserved = 0
            self._arrivals.end(unused=0)
        except BaseException as error:
            self._arrivals.end(unused=reserved, error=error)

    def _begin(self, item: Item) -> None:
        with self._lock:
            self._to_do.append(item)
            if self._working == self._threads:
                return
            self._working += 1
        WORKERS.do(self._do_next, "look-ahead")

    def _do_next(self) -> None:
        """Do one item and go to the end of the queue: the searches of a process take turns."""
        with self._lock:
            if not self._to_do:
                self._working -= 1
                return
            item = self._to_do.popleft()
        try:
            outcome = self._work(item)
        except BaseException as error:
            self._arrivals.end(unused=1, error=error)
        else:
            self._arrivals.put((item, outcome))
        with self._lock:
            if not self._to_do:
                self._working -= 1
                return
        WORKERS.do(self._do_next, "look-ahead")

    def __enter__(self) -> Self:
        HELPERS.do(self._feed, "look-ahead-feeder")
        return self

    def close(self) -> None:
        """Begin nothing more, and give nothing more to whoever takes, not even what is done."""
        self._arrivals.close()
        with self._lock:
            self._to_do.clear()

    def __exit__(self, *exc_info: object) -> None:
        self.close()
