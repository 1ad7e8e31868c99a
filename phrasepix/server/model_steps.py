"""What a model takes long for, passed on to the searches that wait for it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from phrasepix.events import Stage
from reranker import steps

Tell = Callable[[str, Any], None]
"""Tells a client an event by its name and data."""


class ModelSteps(logging.Handler):
    """Passes each step of making a model ready on to whoever waits for one. Thread-safe.

    Several may wait for the same model, which one of their threads loads: all of them are told.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._guard = Lock()
        self._waiting: dict[Tell, str] = {}

    def wait(self, tell: Tell, model: str) -> None:
        """Tell a client each step from now on; it waits for `model`."""
        with self._guard:
            self._waiting[tell] = model

    def end(self, tell: Tell) -> None:
        """Tell the client no more."""
        with self._guard:
            self._waiting.pop(tell, None)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on the record's step."""
        step: steps.Step | None = getattr(record, steps.ATTRIBUTE, None)
        if step is None:
            return
        with self._guard:
            waiting = list(self._waiting.items())
        for tell, model in waiting:
            tell(
                "progress",
                {
                    "stage": Stage.LOADING_MODEL.value,
                    "step": step.words,
                    "done": step.done,
                    "total": step.total,
                    "skipped": 0,
                    "subject": model,
                },
            )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen as long as the context."""
        before = steps.logger.level
        steps.logger.setLevel(logging.INFO)
        steps.logger.addHandler(self)
        try:
            yield
        finally:
            steps.logger.removeHandler(self)
            steps.logger.setLevel(before)
