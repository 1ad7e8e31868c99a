"""The tools over stdin and stdout: one assistant, which starts the process and ends it by closing stdin."""

import signal
from collections.abc import Callable

import anyio
from mcp.server.stdio import stdio_server

from phrasepix.assistant.server import make_server
from phrasepix.assistant.toolbox import Toolbox


def serve_stdio(toolbox: Toolbox, on_signal: Callable[[int], None]) -> None:
    """Serve until stdin is closed. stdout carries the protocol alone: what else is written to it goes to stderr.

    `on_signal` is called with the number of SIGINT or SIGTERM and has to end the process: the thread that waits for
    stdin cannot be woken.
    """
    anyio.run(_serve, toolbox, on_signal)


async def _serve(toolbox: Toolbox, on_signal: Callable[[int], None]) -> None:
    server = make_server(toolbox)
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, on_signal)
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        group.cancel_scope.cancel()


async def _watch(on_signal: Callable[[int], None]) -> None:
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                on_signal(number)
    except NotImplementedError:  # Windows: Ctrl-C ends the process by itself
        return
