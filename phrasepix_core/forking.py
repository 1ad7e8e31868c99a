"""Forked processes: what a child must not share with the process it was forked from.

Locks and threads are replaced in the child (`reset_in_children`), or set free where others hold the same lock
(`set_free`). What a child may not even inherit, such as a
connection to SQLite, is put down before the fork and may be taken up again in both processes (`pause_for_forks`).
"""

import os
import threading
from typing import Protocol
from weakref import WeakSet


class ResetsAfterFork(Protocol):
    """An object with locks, threads or connections of its own."""

    def reset_after_fork(self) -> None:
        """Begin anew in a child process: locks may be held by threads that do not exist there."""
        ...


class PausesForForks(ResetsAfterFork, Protocol):
    """An object with something that must not be in use while the process forks."""

    def pause_for_fork(self) -> None:
        """Put it down, and let no other thread of this process take it up."""
        ...

    def resume_after_fork(self) -> None:
        """Let the threads of the parent process take it up again. Called by the thread that paused it."""
        ...


_resetting: "WeakSet[ResetsAfterFork]" = WeakSet()
_pausing: "WeakSet[PausesForForks]" = WeakSet()
_paused: list[PausesForForks] = []
_one_fork = threading.Lock()
"""Held while the process forks: another thread that forks at the same time would take up what this one put down,
and what is made meanwhile would not have been put down."""


def reset_in_children(owner: ResetsAfterFork) -> None:
    """Have `owner` reset in every process that is forked from this one from now on, as long as it lives."""
    _resetting.add(owner)


def set_free(*locks: "threading.Lock | threading.RLock") -> None:
    """Have nobody hold these locks, in a child: who did may be a thread that does not exist here.

    For this, logging and threading of the standard library call the same of their locks.
    """
    for lock in locks:
        lock._at_fork_reinit()  # type: ignore[union-attr]


def pause_for_forks(owner: PausesForForks) -> None:
    """Have `owner` pause while this process forks, and reset in the children, as long as it lives."""
    with _one_fork:
        _pausing.add(owner)


def _pause_all() -> None:
    _one_fork.acquire()
    _paused[:] = list(_pausing)
    for owner in _paused:
        owner.pause_for_fork()


def _resume_all() -> None:
    for owner in _paused:
        owner.resume_after_fork()
    _paused.clear()
    _one_fork.release()


def _reset_all() -> None:
    global _one_fork
    _one_fork = threading.Lock()
    for owner in [*_resetting, *_paused]:
        owner.reset_after_fork()
    _paused.clear()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_reset_all)
