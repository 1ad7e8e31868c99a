"""Work done ahead by a bounded pool of threads, results in the order of the items."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def look_ahead(
    work: Callable[[Item], Outcome], items: Iterable[Item], *, threads: int, ahead: int
) -> Iterator[tuple[Item, Outcome]]:
    """Yield each item with `work(item)`, in order, with at most `ahead` items begun and not yet yielded.

    `items` is read only as far as that, so a lazy source is asked no further than needed and memory stays
    bounded. An exception of `work` is raised where its item would come. Leaving early drops what has not begun.
    """
    pending: deque[tuple[Item, Future[Outcome]]] = deque()
    executor = ThreadPoolExecutor(threads, thread_name_prefix="look-ahead")
    try:
        for item in items:
            pending.append((item, executor.submit(work, item)))
            if len(pending) >= ahead:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
