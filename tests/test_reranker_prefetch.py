"""Work ahead of its reader: bounded, handed out as it is done."""

import random
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

import pytest

from reranker.background_thread import BackgroundThread
from reranker.prefetch import Prefetcher, prefetch, prefetch_merged


def join_threads() -> None:
    ours = [thread for thread in threading.enumerate() if thread.name.startswith(("look-ahead", "read-ahead"))]
    for thread in ours:
        thread.join(timeout=30)
        assert not thread.is_alive()


def all_of(arriving: Prefetcher[int, int], most: int = 7) -> list[tuple[int, int]]:
    taken: list[tuple[int, int]] = []
    while batch := arriving.take(most):
        assert len(batch) <= most
        taken += batch
    return taken


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (1, 5), (4, 1), (4, 8), (8, 64), (3, 2)])
def test_each_item_comes_once_with_its_own_outcome_however_long_each_takes(threads: int, ahead: int) -> None:
    pause = threading.Event()
    delays = [random.Random(seed).choice([0.0, 0.0, 0.001, 0.004]) for seed in range(80)]

    def work(item: int) -> int:
        pause.wait(delays[item])
        return item * item

    with Prefetcher(work, [range(50), [], range(50, 80)], threads=threads, ahead=ahead) as arriving:
        outcomes = all_of(arriving)
    assert sorted(outcomes) == [(item, item * item) for item in range(80)]
    join_threads()


def test_a_slow_item_holds_up_no_other() -> None:
    release = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            release.wait(30)
        return item

    with Prefetcher(work, [range(20)], threads=2, ahead=4) as arriving:
        early = [arriving.take(1)[0][0] for _ in range(19)]
        assert sorted(early) == list(range(1, 20))
        release.set()
        assert all_of(arriving) == [(0, 0)]
    join_threads()


def test_no_items_give_nothing() -> None:
    for count in (0, 2):
        with Prefetcher(str, [range(0)] * count, threads=2, ahead=4) as arriving:
            assert arriving.take(3) == []
    assert list(prefetch([], room=3)) == []
    join_threads()


@pytest.mark.parametrize("ahead", [1, 3, 8])
def test_never_more_than_ahead_are_begun_and_not_yet_taken(ahead: int) -> None:
    lock = threading.Lock()
    begun = taken = most = 0

    def work(item: int) -> int:
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun - taken)
        return item

    with Prefetcher(work, [range(60)], threads=8, ahead=ahead) as arriving:
        while True:
            with lock:
                # Counted before they are taken: what is taken makes room at once.
                taken += 1
            if not arriving.take(1):
                break
    assert most <= ahead + 1
    assert begun == 60
    join_threads()


def test_a_lazy_source_is_read_only_as_far_as_there_is_room() -> None:
    read: list[int] = []
    third = threading.Event()

    def source() -> Iterator[int]:
        for item in range(1000):
            read.append(item)
            if item == 2:
                third.set()
            yield item

    chunks = prefetch(source(), room=3, most=2)
    assert read == []
    first = next(chunks)
    assert first[0] == 0
    assert third.wait(30)
    chunks.close()  # type: ignore[attr-defined]
    join_threads()
    assert len(read) <= 3 + len(first)


def test_what_is_read_ahead_comes_in_order_as_many_at_a_time_as_are_there() -> None:
    may_go_on = threading.Event()

    def source() -> Iterator[int]:
        yield from range(5)
        may_go_on.wait(30)
        yield from range(5, 9)

    seen: list[int] = []
    for chunk in prefetch(source(), room=100, most=64):
        seen += chunk
        if len(seen) == 5:
            may_go_on.set()  # the first five came without waiting for the others
    assert seen == list(range(9))
    join_threads()


def test_several_sources_are_read_side_by_side_and_each_keeps_its_order() -> None:
    first_is_read = threading.Event()

    def slow() -> Iterator[Sequence[int]]:
        first_is_read.wait(30)  # would wait for ever if the sources were read one after the other
        yield range(100, 120)
        yield []
        yield range(120, 140)

    def quick() -> Iterator[Sequence[int]]:
        for item in range(30):
            yield [item]
        first_is_read.set()

    merged = list(chain.from_iterable(prefetch_merged([slow(), quick(), []], room=8, most=5)))
    assert sorted(merged) == [*range(30), *range(100, 140)]
    assert [item for item in merged if item < 100] == list(range(30))
    assert [item for item in merged if item >= 100] == list(range(100, 140))
    join_threads()


def test_no_chunk_is_asked_for_while_there_is_no_room() -> None:
    asked: list[int] = []
    third = threading.Event()

    def source() -> Iterator[Sequence[int]]:
        for chunk in range(100):
            asked.append(chunk)
            if chunk == 2:
                third.set()
            yield range(10 * chunk, 10 * chunk + 10)

    chunks = prefetch_merged([source()], room=15, most=4)
    assert next(chunks) == [0, 1, 2, 3]
    read = [*chain.from_iterable(next(chunks) for _ in range(2))]
    assert read == list(range(4, 12))
    assert third.wait(30)  # fewer than fifteen were left
    chunks.close()  # type: ignore[attr-defined]
    join_threads()
    assert len(asked) <= 4


def test_nothing_to_read_is_nothing() -> None:
    assert list(prefetch_merged([], room=4)) == []


def test_an_exception_of_the_work_comes_out() -> None:
    def work(item: int) -> float:
        return 1 / (item - 5)

    with Prefetcher(work, [range(20)], threads=1, ahead=3) as arriving:
        taken = [arriving.take(1)[0][0] for _ in range(5)]
        with pytest.raises(ZeroDivisionError):
            list(iter(lambda: arriving.take(1), []))
    assert taken == [0, 1, 2, 3, 4]
    join_threads()


def test_an_exception_of_the_source_comes_out_after_what_came_before_it() -> None:
    def source() -> Iterator[int]:
        yield from range(8)
        raise ConnectionError("the next page cannot be had")

    read: list[int] = []
    with pytest.raises(ConnectionError, match="next page"):
        read.extend(chain.from_iterable(prefetch(source(), room=4, most=3)))
    assert read == list(range(8))
    taken: list[tuple[int, int]] = []
    with (
        Prefetcher(lambda item: item, prefetch(source(), room=4), threads=4, ahead=4) as arriving,
        pytest.raises(ConnectionError, match="next page"),
    ):
        taken.extend(chain.from_iterable(iter(lambda: arriving.take(2), [])))
    assert sorted(taken) == [(item, item) for item in range(8)]
    join_threads()


def test_leaving_early_drops_what_has_not_begun() -> None:
    leave = threading.Event()
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item > 0:
            leave.wait(30)
        return item

    with Prefetcher(work, [range(100)], threads=2, ahead=50) as arriving:
        assert arriving.take(1) == [(0, 0)]
    leave.set()
    join_threads()
    assert set(begun) <= {0, 1, 2, 3}


def test_what_is_closed_gives_nothing_though_something_is_done() -> None:
    with Prefetcher(lambda item: item, [[1, 2, 3]], threads=1, ahead=3) as arriving:
        assert arriving.take(1) == [(1, 1)]
        arriving.close()
        assert arriving.take(3) == []
    join_threads()


def test_what_is_done_aside_is_done_in_turn_and_its_errors_come_out() -> None:
    order: list[int] = []

    def work(number: int) -> int:
        order.append(number)
        return 6 // number

    with BackgroundThread("aside") as aside:
        begun = [aside.begin(partial(work, number)) for number in (3, 0, 2)]
        assert begun[0].result(30) == 2
        with pytest.raises(ZeroDivisionError):
            begun[1].result(30)
    assert begun[2].result(0) == 3, "leaving waits for what is in hand"
    assert order == [3, 0, 2]
