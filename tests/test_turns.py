"""Threads that compute in Python take turns, and nobody is held up by one that waits for others."""

import threading
import time
from collections.abc import Callable

import pytest

from phrasepix_core import turns as module
from phrasepix_core.turns import Turns, waits


def in_threads(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 30.0)


@pytest.mark.usefixtures("patient")
def test_one_thread_at_a_time_has_the_turn() -> None:
    turns, at_once, most = Turns(), [], []

    def work(number: int) -> None:
        for _ in range(20):
            with turns.turn():
                at_once.append(number)
                most.append(len(at_once))
                time.sleep(0.0005)  # others run meanwhile
                at_once.remove(number)

    in_threads(work, 4)
    assert most == [1] * 80


@pytest.mark.usefixtures("patient")
def test_who_waits_for_another_leaves_the_turn_to_it() -> None:
    turns, came = Turns(), threading.Event()
    order: list[str] = []

    def work(number: int) -> None:
        with turns.turn():
            if number == 0:
                with waits(), waits():  # a part of what waits may wait by itself
                    assert came.wait(timeout=20)
                order.append("waited")
            else:
                order.append("came")
                came.set()

    in_threads(work, 2)
    assert sorted(order) == ["came", "waited"]


def test_who_waits_long_for_short_turns_waits_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.4)
    turns, at_once, most = Turns(), [], []

    def work(number: int) -> None:
        with turns.turn():
            at_once.append(number)
            most.append(len(at_once))
            time.sleep(0.08)
            at_once.remove(number)

    in_threads(work, 12)
    assert most == [1] * 12


@pytest.mark.usefixtures("patient")
def test_the_first_to_begin_is_the_next() -> None:
    turns, order = Turns(), []
    begun = [threading.Event() for _ in range(4)]
    go_on = [threading.Event() for _ in range(4)]

    def work(number: int) -> None:
        if number:
            assert begun[number - 1].wait(timeout=20)
        with turns.turn():
            with waits():
                begun[number].set()
                assert go_on[number].wait(timeout=20)
            order.append(number)

    def let_go() -> None:
        assert begun[-1].wait(timeout=20)
        with turns.turn():
            for number in (2, 0, 3, 1):
                go_on[number].set()
                while len(turns._waiting) < (2, 0, 3, 1).index(number) + 1:
                    time.sleep(0.001)

    in_threads(lambda number: let_go() if number == 4 else work(number), 5)
    assert order == [0, 1, 2, 3]


def test_one_that_does_not_say_that_it_waits_holds_up_nobody_for_good() -> None:
    turns, came = Turns(), threading.Event()

    def work(number: int) -> None:
        with turns.turn():
            assert number == 1 or came.wait(timeout=20)
            came.set()

    in_threads(work, 2)
    with turns.turn():
        assert turns._is_taken
    assert not turns._is_taken, "and whoever went on without gives back nothing"


@pytest.mark.usefixtures("patient")
def test_an_error_ends_the_turn() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="wrong"), turns.turn(), waits():
        raise ValueError("wrong")
    assert not turns._is_taken


def test_who_takes_no_turns_waits_as_ever() -> None:
    with waits():
        pass
    assert not module._own.has_turn
