"""Engines whose threads live in one process: a process forked from it has the model, but nobody to run it."""

import os

from reranker.errors import ForkedProcessError

_runs_in: dict[str, int] = {}
"""By the engine's name the id of the process that has begun to run it."""


def demand_own_process(engine: str) -> None:
    """Note that this process runs `engine`. Raises `ForkedProcessError` if the process it was forked from did."""
    if _runs_in.setdefault(engine, os.getpid()) != os.getpid():
        raise ForkedProcessError(
            f"this process was forked from one that had used a model already, and the threads of {engine} do not "
            "survive a fork: the search would wait for ever. Start the process by multiprocessing.get_context("
            '"spawn") or "forkserver", or fork before the first search'
        )
