"""Forked processes: what a child must not share with the process it was forked from."""

import os
from typing import Protocol
from weakref import WeakSet


class ResetsAfterFork(Protocol):
    """An object with locks, threads or connections of its own."""

    def reset_after_fork(self) -> None:
        """Begin anew in a child process: locks may be held by threads that do not exist there."""
        ...


_resetting: "WeakSet[ResetsAfterFork]" = WeakSet()


def reset_in_children(owner: ResetsAfterFork) -> None:
    """Have `owner` reset in every process that is forked from this one from now on, as long as it lives."""
    _resetting.add(owner)


def _reset_all() -> None:
    for owner in list(_resetting):
        owner.reset_after_fork()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_reset_all)
