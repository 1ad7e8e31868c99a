"""Ctrl-C for what does not listen to it."""

import threading
from collections.abc import Callable
from typing import TypeVar

Outcome = TypeVar("Outcome")


def interruptible(work: Callable[[], Outcome]) -> Outcome:
    """What `work` returns or raises; it is done by a thread of its own, so that Ctrl-C reaches the one that waits.

    DuckDB computes for minutes without asking Python for signals. Whoever is interrupted has to end the work.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    done: list[Outcome] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # raised where it is waited for
            failed.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join()
    if failed:
        raise failed[0]
    return done[0]
