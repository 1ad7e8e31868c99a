"""What takes long while a model is made ready, told to whoever listens on the log `reranker.steps`."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

logger = logging.getLogger("reranker.steps")

ATTRIBUTE = "step_begun"
"""Where a record of that log has its `Step`."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step in words, with `done` of `total` before it (None: it is no part of a known number).

    While it `draws`, somebody else writes a progress bar to stderr; `done` and `total` are bytes then.
    """

    words: str
    done: int = 0
    total: int | None = None
    draws: bool = False


def begin(step: Step) -> None:
    """Tell that the step begins."""
    logger.info("%s", step.words, extra={ATTRIBUTE: step})


DOWNLOADING = Step("downloading the weights", draws=True)


def downloading(done: int, total: int | None) -> None:
    """Tell that `done` of `total` bytes of the weights have come."""
    begin(replace(DOWNLOADING, done=done, total=total))


def exporting(words: str, number: int, total: int) -> None:
    """Tell that step `number` of `total` of an export begins."""
    begin(Step(words, number - 1, total))


class TellAsJson(logging.Handler):
    """Writes each step as `{"step": …}`, one line each, to a stream: from one process to another."""

    def __init__(self, write_line: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(logging.INFO)
        self._write_line = write_line

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's step."""
        if (step := getattr(record, ATTRIBUTE, None)) is not None:
            self._write_line({"step": asdict(step)})
