"""Prefetching by threads: work done before it is needed, bounded, and closed with its context."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from phrasepix_core.forking import reset_in_children
from phrasepix_core.turns import waits
from reranker.threads import HELPERS, WORKERS

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Used = TypeVar("Used")
Read = TypeVar("Read", covariant=True)

_ROOM_AT_HAND = 512
"""Items that need no work and are not yet taken: they take little memory, and who reads them waits for nobody."""


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


class _Arrivals(Generic[Item]):
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
    arrivals: _Arrivals[Item] = _Arrivals(room, givers=len(sources))
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


def _read(chunks: Iterable[Sequence[Item]], arrivals: _Arrivals[Item]) -> None:
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
        self._arrivals: _Arrivals[tuple[Item, Outcome]] = _Arrivals(ahead)
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
        self, most: int, aside: "BackgroundThread", use: Callable[[list[tuple[Item, Outcome]]], Used]
    ) -> "Future[Used]":
        """Take as `take` does, but as soon as something is done and `aside` is free, and `use` it there.

        What is at hand is used at once, by whoever brings it. The outcome of `use` is the future's.
        """
        future: Future[Used] = Future()

        def ready() -> None:
            try:
                taken = self._arrivals.take(0)
                if not taken and self._arrivals.has_some():
                    aside.begin(lambda: _do(lambda: use(self._arrivals.take(most)), future))
                    return
            except BaseException as error:
                future.set_exception(error)
                return
            _do(lambda: use(taken), future)

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
            self._given.append(partial(_do, work, future))
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


def _do(work: Callable[[], Outcome], future: Future[Outcome]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
