"""Connections that keep to deadlines from the name's resolution on, for HTTP libraries to build upon."""

import http.client
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeVar

from phrasepix_core.deadlines import current_deadline

Address = IPv4Address | IPv6Address
Pool = TypeVar("Pool")


class WatchedConnection(http.client.HTTPConnection):
    """A connection that is cut at the deadline of the thread that uses it. To be mixed into those of urllib3."""

    def connect(self) -> None:
        """Connect; what comes before the request, such as TLS, counts too."""
        super().connect()
        self._watch()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, also over a connection that was open before this deadline began."""
        if self.sock is not None:
            self._watch()
        super().request(*args, **kwargs)

    def _watch(self) -> None:
        if (deadline := current_deadline()) is not None and self.sock is not None:
            deadline.watch(self.sock)


class DirectConnection(WatchedConnection):
    """A watched connection that opens its own sockets: all addresses of a name are tried within the deadline.

    Failures to connect are plain `OSError`s: `socket.gaierror`, `TimeoutError`, `ConnectionRefusedError` and others.
    """

    _dns_host: str
    socket_options: Any
    source_address: tuple[str, int] | None

    def check_peer(self, address: Address) -> None:
        """Raise if no connection to this address may be opened."""

    def connect(self) -> None:
        """Connect; a name's resolution, a proxy's answer and TLS count too."""
        self._double: socket.socket | None = None
        try:
            super().connect()
        finally:
            if self._double is not None:
                if (deadline := current_deadline()) is not None:
                    deadline.unwatch(self._double)
                self._double.close()

    def _new_conn(self) -> socket.socket:
        connected = open_socket(
            self._dns_host,
            self.port,
            timeout_s=self.timeout if isinstance(self.timeout, int | float) else None,
            options=self.socket_options or (),
            source_address=self.source_address,
            check_peer=self.check_peer,
        )
        if (deadline := current_deadline()) is not None:
            # TLS takes the descriptor away from this socket while it shakes hands: the watch is kept on another one.
            self._double = connected.dup()
            deadline.watch(self._double)
        return connected


def watched(pool: type[Pool], mixin: type[WatchedConnection] = DirectConnection) -> type[Pool]:
    """urllib3's class `pool` of connection pools, with connections that keep to deadlines."""
    usual: Any = pool
    connection = type(usual.ConnectionCls.__name__, (mixin, usual.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def open_socket(
    host: str,
    port: int,
    *,
    timeout_s: float | None,
    options: Sequence[tuple[Any, ...]] = (),
    source_address: tuple[str, int] | None = None,
    check_peer: Callable[[Address], None] = lambda address: None,
) -> socket.socket:
    """A socket connected to the first address of `host` that answers.

    `timeout_s` bounds the resolution of the name and the connecting to each address, this thread's deadline all of it.
    Raises what `check_peer` raises for an address, before anything is sent there, and `OSError`.
    """
    deadline = current_deadline()
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "the name has no address")
    for family, kind, protocol, _, address in _resolved(host, port, _within(timeout_s)):
        check_peer(ip_address(str(address[0]).partition("%")[0]))
        if deadline is not None and deadline.is_over:
            break
        connecting = socket.socket(family, kind, protocol)
        try:
            for option in options:
                connecting.setsockopt(*option)
            connecting.settimeout(_within(timeout_s))
            if source_address:
                connecting.bind(source_address)
            connecting.connect(address)
            connecting.settimeout(timeout_s)
        except OSError as error:
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
        else:
            return connecting
    raise failure


def _within(timeout_s: float | None) -> float | None:
    """The timeout, or what is left of this thread's deadline if that is less."""
    if (deadline := current_deadline()) is None:
        return timeout_s
    left = max(0.001, deadline.remaining_s)  # 0 would mean not to wait at all
    return left if timeout_s is None else min(timeout_s, left)


def _resolved(host: str, port: int, within_s: float | None) -> "list[Any]":
    """The addresses of a host, as `socket.getaddrinfo` has them, which knows no timeout itself."""
    host = host.strip("[]")
    with suppress(ValueError):
        ip_address(host)
        within_s = None  # there is nothing to ask anybody
    if within_s is None:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    outcome: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            outcome.put(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except Exception as error:  # UnicodeError too, for a label that is empty or too long
            outcome.put(error)

    threading.Thread(target=resolve, name="name resolution", daemon=True).start()
    try:
        found = outcome.get(timeout=within_s)
    except queue.Empty:
        raise TimeoutError(f"the name {host} was not resolved after {within_s:g} s") from None
    if isinstance(found, Exception):
        raise found
    return found
