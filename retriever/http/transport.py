"""How requests go out to an API: over connections that keep to deadlines, and with the reason if none comes about."""

import errno
import socket
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.exceptions import MaxRetryError, ProxyError

from phrasepix_core.connections import watched

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})

NO_NAME = "the host name cannot be resolved"
NO_NETWORK = "the network cannot be reached"
REFUSED = "the connection is refused"
NO_PROXY = "the proxy cannot be reached"


class NotConnectedError(requests.ConnectionError):
    """No connection came about, and nothing was sent; `reason` says why in a few words."""

    reason = ""


class WatchedTransport(HTTPAdapter):
    """Sends requests over connections that are cut at the deadline of the thread that sends them.

    Raises `NotConnectedError` if no connection comes about at once, and requests' own errors.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Prepare the connections without a proxy."""
        super().init_poolmanager(*args, **kwargs)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> PoolManager:
        """Prepare the connections through a proxy."""
        is_new = proxy not in self.proxy_manager
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        if is_new and not proxy.lower().startswith("socks"):
            _watch(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send `request`."""
        try:
            return super().send(request, *args, **kwargs)
        except requests.Timeout:
            raise
        except requests.ConnectionError as error:
            causes = list(_causes(error))
            if any(isinstance(cause, TimeoutError) for cause in causes):
                raise requests.ConnectTimeout(*error.args, request=request) from None
            if reason := _reason(causes):
                failure = NotConnectedError(*error.args, request=request)
                failure.reason = reason
                raise failure from None
            raise


def _watch(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {scheme: watched(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those it was made from, however they are wrapped."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        behind = [current.__cause__, current.__context__, *current.args]
        if isinstance(current, MaxRetryError):
            behind.append(current.reason)
        waiting += [one for one in behind if isinstance(one, BaseException)]


def _reason(causes: list[BaseException]) -> str:
    if any(isinstance(cause, ProxyError) for cause in causes):
        return NO_PROXY
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return NO_NAME
        if isinstance(cause, ConnectionRefusedError):
            return REFUSED
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return NO_NETWORK
    return ""
