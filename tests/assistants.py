"""A client of the tools for assistants: the protocol library's own, in this process or over HTTP."""

import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import anyio
import mcp_types as types
import uvicorn
from mcp import Client
from starlette.applications import Starlette
from starlette.routing import Route

from phrasepix.assistant.http import HttpEndpoint
from phrasepix.assistant.server import make_server
from phrasepix.assistant.toolbox import Toolbox

T = TypeVar("T")
Talk = Callable[[Client], Awaitable[T]]
MODES = ("auto", "legacy")
"""The protocol of 2026, and those with a handshake."""


def with_client(server: Any, talk: Talk[T], *, mode: str = "auto", **options: Any) -> T:
    """Return what `talk` returns, which is given a client of a server, an address or a transport."""

    async def run() -> T:
        async with Client(server, mode=mode, **options) as client:
            return await talk(client)

    return anyio.run(run)


def call(toolbox: Toolbox, tool: str, **arguments: Any) -> types.CallToolResult:
    """Return what a tool answers to a client in this process."""

    async def talk(client: Client) -> types.CallToolResult:
        return await client.call_tool(tool, arguments)

    return with_client(make_server(toolbox), talk)


def listed(toolbox: Toolbox) -> dict[str, types.Tool]:
    """Return the tools as a client sees them."""

    async def talk(client: Client) -> dict[str, types.Tool]:
        return {tool.name: tool for tool in (await client.list_tools()).tools}

    return with_client(make_server(toolbox), talk)


def text_of(answer: types.CallToolResult) -> str:
    """Return the words of an answer."""
    return "\n".join(one.text for one in answer.content if isinstance(one, types.TextContent))


@contextmanager
def served(toolbox: Toolbox) -> Iterator[str]:
    """Serve the tools over HTTP on a free port of loopback; the address is of their endpoint."""
    endpoint = HttpEndpoint(toolbox)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with endpoint.lifespan():
            yield

    app = Starlette(routes=[Route("/mcp", endpoint)], lifespan=lifespan)
    with running(app) as origin:
        yield f"{origin}/mcp"


@contextmanager
def running(app: Any, sockets: list[socket.socket] | None = None) -> Iterator[str]:
    """Run an ASGI application in a thread; the address is its origin."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
