"""Work that several threads want: done once at a time, its results shared, its failures not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reranker.shared_work import SharedWork


class Job:
    """Waits until it is let go, and counts how often it is done."""

    def __init__(self, outcomes: list[object]) -> None:
        self.outcomes = outcomes
        self.done = 0
        self.began, self.go_on = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def __call__(self) -> object:
        with self._lock:
            outcome = self.outcomes[min(self.done, len(self.outcomes) - 1)]
            self.done += 1
        self.began.set()
        assert self.go_on.wait(30)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def asked_by_four(job: Job) -> list[object]:
    work = SharedWork[object]()

    def ask() -> object:
        try:
            return work.do("key", job, lambda result: result != "own")
        except (OSError, KeyboardInterrupt) as error:
            return error

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(ask)
        assert job.began.wait(30)
        others = [threads.submit(ask) for _ in range(3)]
        while threads._work_queue.qsize():
            threading.Event().wait(0.01)
        threading.Event().wait(0.05)
        job.go_on.set()
        found = [one.result(30) for one in (first, *others)]
    assert not work._under_way
    return found


def test_what_is_under_way_is_done_once_for_all() -> None:
    job = Job(["found"])
    assert asked_by_four(job) == ["found"] * 4
    assert job.done == 1


def test_a_result_that_is_ones_own_is_not_taken_by_others() -> None:
    job = Job(["own", "found"])
    assert asked_by_four(job) == ["own", "found", "found", "found"]
    assert job.done == 4


@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt()])
def test_a_failure_is_that_of_the_thread_that_met_it(error: BaseException) -> None:
    found = asked_by_four(Job([error, "found"]))
    assert found == [error, "found", "found", "found"]


def test_what_is_done_is_not_kept() -> None:
    work = SharedWork[int]()
    numbers = iter(range(3))
    assert [work.do("key", lambda: next(numbers), lambda result: True) for _ in range(3)] == [0, 1, 2]
