"""The server as a process: its socket, its signals and its end."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from phrasepix.errors import WrongValueError
from phrasepix.finder import Finder
from phrasepix.server.app import create_app, end
from phrasepix.server.settings import ServerSettings

_LAST_ANSWERS_S = 10
"""For how long answers under way are waited for when the server is ended."""


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to a port of `host`; with port 0 to one that is free.

    Raises `WrongValueError` if it cannot be.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise WrongValueError(f"the host {host} cannot be listened on: {error.strerror or error}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise WrongValueError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}; choose another port, or none for a free "
            "one"
        ) from None
    return bound


def serve(finder: Finder, settings: ServerSettings, bound: socket.socket, on_listening: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_listening` is called once requests are answered.

    Searches under way are ended then, and what they have encoded is kept. A second SIGINT ends the process at once.
    """
    app = create_app(finder, settings)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing stands between, and whoever says so is not believed
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )
    _Server(config, on_listening, lambda: end(app)).run(sockets=[bound])


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it listens, and is ended by a signal without passing it on."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None], on_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._on_end = on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self.should_exit and number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.should_exit = True
