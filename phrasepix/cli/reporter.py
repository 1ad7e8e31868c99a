"""What goes to stderr: progress while the search runs, and what the stages say on their logs."""

import logging
import sys
from contextlib import suppress
from pathlib import Path
from threading import RLock, Timer
from typing import TYPE_CHECKING, Self

from phrasepix.cli.parameters import as_typed
from phrasepix.events import Notice
from phrasepix.views.console import console_of, may_be_terminal
from phrasepix_core.text import printable_lines

if TYPE_CHECKING:
    from phrasepix.cli.progress_bar import ProgressBar
    from phrasepix.events import Event
    from reranker.steps import Step

_LOGS = ("phrasepix", "phrasepix_core", "retriever", "reranker")
_SILENT_S = 1.0
"""So long nothing need be shown: what is over by then would only flicker."""
_LEFT_OUT = dict.fromkeys(b"\a\b\v\f\r")
"""What would draw over other lines; rich leaves it out too."""


class Reporter:
    """stderr for the time of a search. Progress shows on a terminal only; messages always."""

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None
        self._handler = _Messages(self)
        self._steps = _Steps(self)
        self._drawing = RLock()  # threads have something to say too
        self._waiting: Timer | None = None

    def show(self, event: "Event") -> None:
        """Show where the search is, or say what people should know."""
        if isinstance(event, Notice):
            self.say(event.worded(as_typed))
            return
        progress = event
        with self._drawing:
            self._expect_nothing()
            self._bar = self._bar or _bar_on_stderr()
            if self._bar is not None:
                self._bar.show(progress)

    def expect(self, words: str) -> None:
        """Show on a terminal what is waited for, and for how long, if no progress is shown within a second."""
        if not may_be_terminal(sys.stderr):
            return
        with self._drawing:
            self._expect_nothing()
            waiting = Timer(_SILENT_S, lambda: self._show_waiting(waiting, words))
            waiting.daemon = True
            self._waiting = waiting
            waiting.start()

    def clear(self) -> None:
        """Take away what is shown: something else is written to the terminal."""
        with self._drawing:
            self._expect_nothing()
            if self._bar is not None:
                self._bar.stop()

    def _show_waiting(self, waiting: Timer, words: str) -> None:
        with self._drawing:
            if self._waiting is waiting:  # else it is over by now
                self._bar = self._bar or _bar_on_stderr()
                if self._bar is not None:
                    self._bar.wait(words, _SILENT_S)

    def _expect_nothing(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel()

    def show_step(self, step: "Step") -> None:
        """Show which step of making a model ready begins."""
        with self._drawing:
            if self._bar is not None:
                self._bar.show_step(step)

    def say(self, message: str, path: Path | None = None) -> None:
        """One line for the person, of which nothing steers the terminal; on a terminal broken at spaces only.

        With a `path` that follows on the same line, which is never broken; on a terminal it is a link. The line is lost
        if stderr cannot be written: the search goes on.
        """
        message = printable_lines(message.translate(_LEFT_OUT))
        with self._drawing, suppress(OSError):
            self._bar = self._bar or _bar_on_stderr()
            if self._bar is not None:
                self._bar.say(message, path)
            else:
                whole = message if path is None else f"{message} {path}"
                sys.stderr.write(whole.expandtabs() + "\n")

    def __enter__(self) -> Self:
        for name in _LOGS:
            logging.getLogger(name).addHandler(self._handler)
            logging.getLogger(name).propagate = False
        self._steps.listen()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.clear()
        for name in _LOGS:
            logging.getLogger(name).removeHandler(self._handler)
            logging.getLogger(name).propagate = True
        self._steps.stop()


def _bar_on_stderr() -> "ProgressBar | None":
    if (console := console_of(sys.stderr)) is None:
        return None
    from phrasepix.cli.progress_bar import ProgressBar

    return ProgressBar(console)


class _Messages(logging.Handler):
    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.WARNING)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.say(record.getMessage())


class _Steps(logging.Handler):
    """Passes on what `reranker.steps` tells, which is imported only if something tells it."""

    _LOG = logging.getLogger("reranker.steps")

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter
        self._level_before = logging.NOTSET

    def listen(self) -> None:
        self._level_before = self._LOG.level
        self._LOG.setLevel(logging.INFO)
        self._LOG.addHandler(self)

    def stop(self) -> None:
        self._LOG.removeHandler(self)
        self._LOG.setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        if (step := getattr(record, "step_begun", None)) is not None:
            self._reporter.show_step(step)
