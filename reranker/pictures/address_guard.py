"""Connections to public addresses only.

An answer names the URLs its pictures come from. One that leads into the reader's own network would make
this program a tool against it, so the address actually connected to is checked, for each connection: a
name that resolves differently the second time, or a redirect, gains nothing.
"""

import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from weakref import WeakSet

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from reranker.errors import ForbiddenAddressError

_TRANSLATED = ip_network("64:ff9b::/96")
"""How a network without IPv4 writes IPv4 addresses (NAT64)."""

_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is handed out for the internet."""


def is_allowed(address: IPv4Address | IPv6Address, *, loopback: bool) -> bool:
    """Whether a picture may come from this address: a public one, or this machine's own where `loopback` says so."""
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            carried = IPv4Address(address.packed[-4:])
        if carried is not None:
            address = carried
    if address.is_loopback:
        return loopback
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _UNICAST)


def check_address(host: str, address: IPv4Address | IPv6Address, *, loopback: bool) -> None:
    """Raise `ForbiddenAddressError` where no picture may come from the address that the host leads to."""
    if not is_allowed(address, loopback=loopback):
        raise ForbiddenAddressError(f"{host} leads to {address}, which is not a public address")


def written_out(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is; None where it is a name."""
    try:
        return ip_address("127.0.0.1" if host == "localhost" else host.strip("[]").partition("%")[0])
    except ValueError:
        return None


class OpenSockets:
    """The sockets a transport has open, so that they can be cut from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._are_cut = False

    def add(self, connected: socket.socket) -> None:
        """Keep one in mind; it is cut at once where all were."""
        with self._lock:
            self._sockets.add(connected)
            if self._are_cut:
                self._cut(connected)

    def cut(self) -> None:
        """Cut all of them for good."""
        with self._lock:
            self._are_cut = True
            for connected in self._sockets:
                self._cut(connected)

    @staticmethod
    def _cut(connected: socket.socket) -> None:
        with suppress(OSError):  # it is closed already
            connected.shutdown(socket.SHUT_RDWR)


def pool_classes(open_sockets: OpenSockets, *, loopback: bool, is_proxy: bool) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools by scheme, whose connections are kept in `open_sockets` and lead where pictures may come from.

    A proxy may stand anywhere: it was chosen by whoever set up this machine.
    """

    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            try:
                if not is_proxy:
                    address = ip_address(connected.getpeername()[0].partition("%")[0])
                    check_address(self.host, address, loopback=loopback)
            except BaseException:
                connected.close()
                raise
            return connected

        def connect(self) -> None:
            super().connect()
            open_sockets.add(self.sock)

    class SecureConnection(Connection, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}
