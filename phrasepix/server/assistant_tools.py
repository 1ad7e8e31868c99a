"""The tools for assistants at `/mcp`, imported and started with the first request for them: that takes a second."""

from typing import TYPE_CHECKING

import anyio
from starlette.types import Receive, Scope, Send

from phrasepix.server.services import Services

if TYPE_CHECKING:
    from phrasepix.assistant.http import HttpEndpoint


class AssistantTools:
    """An ASGI application for one path, whose `run` goes on beside it until `stop`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._is_wanted = anyio.Event()
        self._is_ready = anyio.Event()
        self._scope: anyio.CancelScope | None = None
        self._endpoint: HttpEndpoint | None = None

    async def run(self) -> None:
        """Start them when they are wanted, and keep them."""
        with anyio.CancelScope() as self._scope:
            await self._is_wanted.wait()
            self._endpoint = endpoint = await anyio.to_thread.run_sync(_endpoint, self._services)
            async with endpoint.lifespan():
                self._is_ready.set()
                await anyio.sleep_forever()

    def stop(self) -> None:
        """End them, with what is under way."""
        if self._scope is not None:
            self._scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        self._is_wanted.set()
        await self._is_ready.wait()
        assert self._endpoint is not None  # noqa: S101  # it is ready
        await self._endpoint(scope, receive, send)


def _endpoint(services: Services) -> "HttpEndpoint":
    from phrasepix.assistant.http import HttpEndpoint
    from phrasepix.assistant.toolbox import Toolbox

    return HttpEndpoint(Toolbox(services.finder, services.searches, services.root))
