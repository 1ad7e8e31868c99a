"""Work ahead of its reader, in order."""

import random
import threading
from collections.abc import Iterator

import pytest

from reranker.pictures.look_ahead import look_ahead


def work_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("look-ahead")]


def join_work_threads() -> None:
    for thread in work_threads():
        thread.join(timeout=30)
    assert work_threads() == []


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (1, 5), (4, 1), (4, 8), (8, 64), (3, 2)])
def test_results_come_in_the_order_of_the_items_however_long_each_takes(threads: int, ahead: int) -> None:
    pause = threading.Event()
    delays = [random.Random(seed).choice([0.0, 0.0, 0.001, 0.004]) for seed in range(80)]

    def work(item: int) -> int:
        pause.wait(delays[item])
        return item * item

    outcomes = list(look_ahead(work, range(80), threads=threads, ahead=ahead))
    assert outcomes == [(item, item * item) for item in range(80)]
    join_work_threads()


def test_no_items_give_nothing() -> None:
    assert list(look_ahead(str, [], threads=2, ahead=4)) == []


@pytest.mark.parametrize("ahead", [1, 3, 8])
def test_never_more_than_ahead_are_begun_and_not_yet_yielded(ahead: int) -> None:
    lock = threading.Lock()
    begun = 0
    yielded = 0
    most = 0

    def work(item: int) -> int:
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun - yielded)
        return item

    for _ in look_ahead(work, range(60), threads=8, ahead=ahead):
        with lock:
            yielded += 1
    assert most <= ahead
    assert begun == 60
    join_work_threads()


def test_a_lazy_source_is_read_only_as_far_as_needed() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for item in range(1000):
            read.append(item)
            yield item

    results = look_ahead(lambda item: item, source(), threads=2, ahead=6)
    assert read == []
    next(results)
    assert len(read) == 6
    next(results)
    assert len(read) == 7
    results.close()  # type: ignore[attr-defined]
    assert len(read) == 7
    join_work_threads()


def test_an_exception_comes_at_its_items_place() -> None:
    def work(item: int) -> float:
        return 1 / (item - 5)

    results = look_ahead(work, range(20), threads=4, ahead=10)
    assert [next(results)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)
    join_work_threads()


def test_an_exception_of_the_source_ends_it_and_its_threads() -> None:
    def source() -> Iterator[int]:
        yield from range(8)
        raise ConnectionError("the next page cannot be had")

    results = look_ahead(lambda item: item, source(), threads=4, ahead=4)
    with pytest.raises(ConnectionError, match="next page"):
        list(results)
    join_work_threads()


def test_leaving_early_drops_what_has_not_begun() -> None:
    leave = threading.Event()
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item > 0:
            leave.wait(30)
        return item

    results = look_ahead(work, range(100), threads=2, ahead=50)
    next(results)
    results.close()  # type: ignore[attr-defined]
    leave.set()
    join_work_threads()
    assert set(begun) <= {0, 1, 2, 3}
