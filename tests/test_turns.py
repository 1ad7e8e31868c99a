"""Threads that compute in Python take turns, and nobody is held up by one that waits for others."""

import os
import subprocess
import sys
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


FORKED = """
begun, go_on = threading.Event(), threading.Event()
def hold():
    with turns.turn():
        begun.set()
        go_on.wait()
holding = threading.Thread(target=hold)
holding.start()
begun.wait()
if not (child := os.fork()):
    with turns.turn():
        os._exit(0 if turns._is_taken else 1)
until = time.monotonic() + 20
while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < until:
    time.sleep(0.01)
go_on.set()
holding.join()
if ended[0] == 0:
    os.kill(child, signal.SIGKILL)
assert ended == (child, 0), ended
"""
INTERRUPTED = """
begun = threading.Event()
def hold():
    with turns.turn():
        begun.set()
        time.sleep(0.1)
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)
holding = threading.Thread(target=hold)
holding.start()
begun.wait()
try:
    with turns.turn():
        raise SystemExit("it was not interrupted")
except KeyboardInterrupt:
    pass
holding.join()
assert not turns._waiting and not turns._is_taken
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(FORKED, marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")),
        INTERRUPTED,
    ],
    ids=["a child waits for no thread of its parent", "who is interrupted leaves the turn to others"],
)
def test_nobody_waits_for_a_thread_that_is_gone(script: str) -> None:
    begin = "import os, signal, threading, time; from phrasepix_core import turns as module\n"
    begin += "module._PATIENCE_S = 30.0; turns = module.Turns()\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", begin + script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


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
