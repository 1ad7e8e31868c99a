"""Connections to public addresses only.

An answer names the URLs its pictures come from. One that leads into the reader's own network would make
this program a tool against it, so each address is checked before it is connected to: a
name that resolves differently the second time, or a redirect, gains nothing.
"""

import socket

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from phrasepix_core.connections import DirectConnection
from phrasepix_core.urls import Address, carried_address, host_address, is_public_address, is_public_host
from reranker.errors import ForbiddenAddressError


def is_allowed(address: Address, *, loopback: bool) -> bool:
    """Whether a picture may come from this address: a public one, or this machine's own where `loopback` says so."""
    return loopback if carried_address(address).is_loopback else is_public_address(address)


def check_address(host: str, address: Address, *, loopback: bool) -> None:
    """Raise `ForbiddenAddressError` where no picture may come from the address that the host leads to."""
    if not is_allowed(address, loopback=loopback):
        raise ForbiddenAddressError(f"{host} leads to {address}, which is not a public address")


def checked_host(host: str, *, loopback: bool) -> Address | None:
    """The address that `host` is in whatever spelling; None where it is a name.

    Raises `ForbiddenAddressError` where no picture may come from there: a proxy would ask whatever it is told.
    """
    try:
        address = host_address(host)
    except ValueError:
        raise ForbiddenAddressError(f"{host!r} is not a host that pictures can come from") from None
    if address is not None:
        check_address(host, address, loopback=loopback)
    elif not is_public_host(host):
        raise ForbiddenAddressError(f"{host} is a name of a local network, not of a public address")
    return address


def pool_classes(*, loopback: bool, is_proxy: bool) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools by scheme, whose connections keep to deadlines and lead where pictures may come from.

    A proxy may stand anywhere: it was chosen by whoever set up this machine.
    """

    class Connection(DirectConnection, HTTPConnection):
        def check_peer(self, address: Address) -> None:
            if not is_proxy:
                check_address(self.host, address, loopback=loopback)

        def _new_conn(self) -> socket.socket:
            try:
                return super()._new_conn()
            except TimeoutError as error:
                raise ConnectTimeoutError(self, str(error)) from error
            except OSError as error:
                raise NewConnectionError(self, str(error)) from error

    class SecureConnection(Connection, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}
