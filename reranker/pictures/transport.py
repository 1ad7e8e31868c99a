"""How pictures are asked for: over connections that are kept open, guarded, and through the machine's proxy."""

from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import certifi
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Timeout
from urllib3.exceptions import LocationParseError, URLSchemeUnknown
from urllib3.util import Url, make_headers, parse_url
from urllib3.util.ssl_ import create_urllib3_context

from phrasepix_core import environment
from phrasepix_core.cached_property import cached_property
from phrasepix_core.connections import WatchedConnection, watched
from phrasepix_core.installing import install_command
from reranker.errors import PictureUnreachableError
from reranker.pictures.address_guard import checked_host, pool_classes

_HOSTS = 16
"""To how many hosts connections are kept open: those of several searches at once."""

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The environment's names for a file or directory of the certificates to trust, the first one set counts."""


class GuardedTransport:
    """Connects to public addresses only, and to this machine's own where `loopback` is True.

    At most `connections` to a host are kept, for whoever asks next. May be used from many threads at once; a thread's
    connection is cut at its deadline. Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`, …) or of
    the system. Behind one, which resolves names itself, only addresses written out in the URL, and
    names of local networks, can be checked.
    Certificates are certifi's, or those that `REQUESTS_CA_BUNDLE` names, as for the sources.
    """

    def __init__(self, *, loopback: bool, connections: int) -> None:
        self._loopback = loopback
        self._connections = connections
        self._proxies = getproxies()
        self._managers: dict[tuple[str, str | None], PoolManager] = {}

    def get(self, url: str, *, headers: Mapping[str, str], timeout: Timeout) -> BaseHTTPResponse:
        """The answer at `url`, its body still to be read; a redirect is an answer too.

        Raises `ForbiddenAddressError` before anything is sent, and urllib3's own errors.
        """
        target = parse_url(url.strip())
        if target.scheme is None:
            raise LocationParseError(url)
        if target.scheme not in ("http", "https"):
            raise URLSchemeUnknown(target.scheme)
        if not target.host:
            raise LocationParseError(url)
        if login := _login(target):
            headers = {**headers, **make_headers(basic_auth=login)}
        manager = self._manager(target.scheme, self._proxy(target))
        plain = target._replace(auth=None, fragment=None).url  # a proxy is sent all of it
        return manager.request(
            "GET", plain, headers=headers, timeout=timeout, retries=False, redirect=False, preload_content=False
        )

    def _proxy(self, target: Url) -> str | None:
        """The address of the proxy to ask it through; None where it is asked itself."""
        host = target.host or ""
        address = checked_host(host, loopback=self._loopback)
        if address is not None and address.is_loopback:
            return None  # no proxy stands between this machine and itself
        proxy = self._proxies.get(target.scheme or "") or self._proxies.get("all")
        if not proxy or proxy_bypass(target.netloc or host):
            return None
        if address is not None and is_excepted(address, self._proxies.get("no", "")):
            return None
        scheme, _, rest = proxy.rpartition("://")
        if (scheme := scheme.lower() or "http") not in _PROXY_SCHEMES:
            raise PictureUnreachableError(
                f"the proxy that this machine names for {target.scheme} addresses is a {scheme} one; "
                f"known: {', '.join(_PROXY_SCHEMES)}"
            )
        return f"{scheme}://{rest}"

    def _manager(self, scheme: str, proxy: str | None) -> PoolManager:
        # Two threads may make one at once; both use the same.
        if (manager := self._managers.get((scheme, proxy))) is None:
            manager = self._managers.setdefault((scheme, proxy), self._new_manager(scheme, proxy))
        return manager

    def _new_manager(self, scheme: str, proxy: str | None) -> PoolManager:
        options: dict[str, Any] = {"num_pools": _HOSTS, "maxsize": self._connections}
        if scheme == "https" or (proxy or "").startswith("https:"):
            options["ssl_context"] = self._certificates
        if proxy is None:
            manager = PoolManager(**options)
        elif proxy.startswith("socks"):
            return _socks_manager(proxy, options)
        else:
            if login := _login(parse_url(proxy)):
                options["proxy_headers"] = make_headers(proxy_basic_auth=login)
            if proxy.startswith("https:"):
                options["proxy_ssl_context"] = self._certificates
            manager = ProxyManager(proxy, **options)
        manager.pool_classes_by_scheme = pool_classes(loopback=self._loopback, is_proxy=proxy is not None)
        return manager

    @cached_property
    def _certificates(self) -> SSLContext:
        """Read once, for all connections: it takes longer than to ask for a picture."""
        own = next(filter(None, map(environment.variable, CERTIFICATE_VARIABLES)), "") or certifi.where()
        context = create_urllib3_context()
        try:
            context.load_verify_locations(**{"capath" if Path(own).is_dir() else "cafile": own})
        except OSError as error:
            raise PictureUnreachableError(
                f"the certificates in {own} cannot be read ({error.strerror or error}); "
                "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names them"
            ) from None
        return context

    def close(self) -> None:
        """Close the connections."""
        for manager in self._managers.values():
            manager.clear()


def is_excepted(address: IPv4Address | IPv6Address, no_proxy: str) -> bool:
    """Whether the `NO_PROXY` of an environment has a network, as in 192.0.2.0/24, that the address is of."""
    for entry in no_proxy.split(","):
        with suppress(ValueError):  # it is a name
            if address in ip_network(entry.strip(), strict=False):
                return True
    return False


def _login(url: Url) -> str:
    """User and password of an address, parted by a colon; empty where it does not have both."""
    return unquote(url.auth) if url.auth and ":" in url.auth else ""


def _socks_manager(proxy: str, options: dict[str, Any]) -> PoolManager:
    if find_spec("socks") is None:
        raise PictureUnreachableError(
            f"a SOCKS proxy needs the package PySocks: {install_command('PySocks')}; or unset the proxy"
        )
    from urllib3.contrib.socks import SOCKSProxyManager

    manager = SOCKSProxyManager(proxy, **options)
    manager.pool_classes_by_scheme = {
        scheme: watched(pool, WatchedConnection) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return manager
