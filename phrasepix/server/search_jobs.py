"""A search under way in a thread for one client, whose leaving ends it; what it tells waits in a mailbox."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from threading import Event as Flag
from threading import Lock
from typing import Any

import anyio
from anyio import CapacityLimiter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from phrasepix.errors import PhrasepixError
from phrasepix.events import Event, Notice, Stage
from phrasepix.server.model_steps import ModelSteps
from phrasepix.server.problems import ClosingError, as_json_name, problem_of, unforeseen_problem
from phrasepix_core.turns import Turns

logger = logging.getLogger(__name__)

SEEN_LATEST = frozenset({"progress", "results"})
"""Of these only the newest is of use: a client that reads slowly is told the last of them."""

_STILL_THERE_S = 15.0
"""After how many seconds without an event a comment is sent: nobody in between shall take the connection for dead."""


class ClientGoneError(Exception):
    """The client has closed the connection; raised in its search to end it."""


class Mailbox:
    """What a search tells, from its thread to the event loop; of `SEEN_LATEST` only the newest event waits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._waiting: list[tuple[str, Any]] = []
        self._is_closed = False
        self._changed = asyncio.Event()

    def put(self, name: str, data: Any) -> None:
        """Add an event; called from any thread."""
        with self._lock:
            names = [waiting for waiting, _ in self._waiting]
            if name in SEEN_LATEST and name in names:
                self._waiting[names.index(name)] = (name, data)  # in its place: progress stays before what it leads to
            else:
                self._waiting.append((name, data))
        self._wake()

    def close(self) -> None:
        """Say that nothing comes any more."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    async def events(self) -> AsyncIterator[tuple[str, Any] | None]:
        """Yield each event by its name and data; None if there was none for a while."""
        while True:
            with anyio.move_on_after(_STILL_THERE_S):
                await self._changed.wait()
            is_closed = self._is_closed  # read first: what was put before it was closed is in the box
            self._changed.clear()
            with self._lock:
                taken, self._waiting = self._waiting, []
            for event in taken:
                yield event
            if is_closed:
                return
            if not taken:
                yield None


Work = Callable[["SearchJob"], dict[str, Any]]
"""Searches, in a thread: takes the job, which it tells what happens, and returns the answer."""


class SearchJob:
    """One search for one client. `limiter` gives it a thread, which has its turn among `turns` while it computes.

    `is_closing` says that the server is being ended.

    While it waits for a model, `model_steps` tells it how far that is.
    """

    def __init__(
        self, work: Work, limiter: CapacityLimiter, turns: Turns, is_closing: Flag, model_steps: ModelSteps
    ) -> None:
        self._work = work
        self._limiter = limiter
        self._turns = turns
        self._model_steps = model_steps
        self._is_closing = is_closing
        self._is_gone = Flag()
        self._mailbox: Mailbox | None = None

    @property
    def tells(self) -> bool:
        """Whether anybody listens to what it tells."""
        return self._mailbox is not None

    def listen(self, event: Event) -> None:
        """Tell an event of the search. Raises `ClientGoneError` and `ClosingError`, which end it."""
        self.check()
        if isinstance(event, Notice):
            self.tell("notice", {"text": event.worded(as_json_name), "source": event.source})
            return
        if event.stage is Stage.LOADING_MODEL:
            self._model_steps.wait(self.tell, event.subject)
        else:
            self._model_steps.end(self.tell)
        self.tell(
            "progress",
            {
                "stage": event.stage.value,
                "step": event.step,
                "done": event.done,
                "total": event.total,
                "skipped": event.skipped,
                "subject": event.subject,
            },
        )

    def tell(self, name: str, data: Any) -> None:
        """Tell an event of that name."""
        if self._mailbox is not None:
            self._mailbox.put(name, data)

    def check(self) -> None:
        """Raise `ClientGoneError` or `ClosingError` if nobody waits for the search any more."""
        if self._is_gone.is_set():
            raise ClientGoneError
        if self._is_closing.is_set():
            raise ClosingError("the server is being ended; search again when it runs")

    async def result(self, receive: Receive) -> dict[str, Any]:
        """Return the answer. Raises what the search raises, and `ClientGoneError` once the client is gone."""
        outcome: dict[str, Any] | Exception
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, receive)
            try:
                outcome = await self._run()
            except Exception as error:  # raised here it would be one of a group
                outcome = error
            group.cancel_scope.cancel()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def send_events(self, receive: Receive, send: Send) -> None:
        """Send the events, the answer or the error as the last of them."""
        self._mailbox = mailbox = Mailbox()

        async def run() -> None:
            try:
                mailbox.put("done", await self._run())
            except ClientGoneError:
                pass
            except PhrasepixError as error:
                mailbox.put("error", problem_of(error))
            except Exception as error:
                logger.exception("a search failed")
                mailbox.put("error", unforeseen_problem(error))
            finally:
                mailbox.close()

        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, receive)
            group.start_soon(run)
            async for event in mailbox.events():
                await send({"type": "http.response.body", "body": _encoded(event), "more_body": True})
            group.cancel_scope.cancel()

    async def _run(self) -> dict[str, Any]:
        # Never abandoned: what it has encoded is kept when it ends.
        return await anyio.to_thread.run_sync(self._begin, limiter=self._limiter)

    def _begin(self) -> dict[str, Any]:
        self.check()
        try:
            with self._turns.turn():
                return self._work(self)
        finally:
            self._model_steps.end(self.tell)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._is_gone.set()


class EventsResponse(Response):
    """A search as server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, job: SearchJob) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the search is over or the client has left."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._job.send_events(receive, send)
        await send({"type": "http.response.body", "body": b""})


def _encoded(event: tuple[str, Any] | None) -> bytes:
    if event is None:
        return b": still here\n\n"
    name, data = event
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=True)}\n\n".encode()
