"""The tools over HTTP (streamable HTTP): an ASGI application that a served process mounts at one path."""

from contextlib import AbstractAsyncContextManager

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from phrasepix.assistant.server import make_server
from phrasepix.assistant.toolbox import Toolbox


class HttpEndpoint:
    """An ASGI application for one path, such as `Route("/mcp", endpoint)`.

    No client has a session: each request stands for itself, in the protocol of 2026 and in those before. Host, Origin
    and who may ask are for the application around it to check.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self._manager = StreamableHTTPSessionManager(make_server(toolbox), stateless=True)

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Return what must be entered before the first request, and left after the last; once only."""
        return self._manager.run()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._manager.handle_request(scope, receive, send)
