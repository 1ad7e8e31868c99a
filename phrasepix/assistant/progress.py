"""Progress from the thread where a tool works to the client, the newest step at a time."""

from typing import Protocol

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

from phrasepix.assistant.answers import ToolStep


class ReportsProgress(Protocol):
    """Whoever sends progress to a client: the protocol library's session."""

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Send where the work is."""
        ...


class NobodyWaitsError(Exception):
    """Nobody waits for the work any more; raised in it to end it."""


_LEAST = 0.001
"""By how much progress grows at least: the protocol wants each to be more than the one before."""


class ProgressSender:
    """What a tool tells in its thread, sent to the client by `send` in the event loop. Made in the event loop."""

    def __init__(self) -> None:
        self._token = current_token()
        self._changed = anyio.Event()
        self._waiting: ToolStep | None = None
        self._is_over = False
        self._value = 0.0

    def tell(self, step: ToolStep) -> None:
        """Tell a step; called from any thread. Raises `NobodyWaitsError` once the work is over for the client."""
        if self._is_over:
            raise NobodyWaitsError
        self._waiting = step
        try:
            from_thread.run_sync(self._wake, token=self._token)
        except RuntimeError as error:  # the event loop has ended
            raise NobodyWaitsError from error

    def end(self) -> None:
        """Say that the work is over; called in the event loop. What still works ends when it next tells something."""
        self._is_over = True
        self._wake()

    async def send(self, session: ReportsProgress) -> None:
        """Send the newest step each time there is one, until the work is over."""
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            step, self._waiting = self._waiting, None
            if step is not None:
                self._value = max(float(step.done), self._value + _LEAST)
                total = step.total if step.total is not None and step.total >= self._value else None
                await session.report_progress(self._value, total, step.words)
            if self._is_over:
                return

    def _wake(self) -> None:
        self._changed.set()
