"""Pictures' addresses asked by HTTP: guarded, each host in its turn, redirects followed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError, NewConnectionError, URLSchemeUnknown
from urllib3.exceptions import TimeoutError as HTTPTimeoutError
from urllib3.util import parse_url

from phrasepix_core.deadlines import current_deadline
from phrasepix_core.urls import redirect_target, shown_url
from reranker.errors import ForbiddenAddressError, PictureUnreachableError, TransientPictureError
from reranker.pictures.hosts import HostConnections

_MOST_REDIRECTS = 5


class PictureSession:
    """Asks public addresses, and this machine's own where `loopback` is True; keeps no cookies.

    Its connections are those of `hosts`, shared with others. It waits for its turn at a host until `is_over`.
    """

    def __init__(
        self, user_agent: str, loopback: bool, hosts: HostConnections, *, is_over: Callable[[], bool] = lambda: False
    ) -> None:
        self._hosts = hosts
        self._is_over = is_over
        self._transport = hosts.transport(self, loopback=loopback)
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "image/*",
            "Accept-Encoding": "identity",  # pictures are compressed already
        }

    @contextmanager
    def opened(
        self, url: str, *, timeouts: tuple[float, float], headers: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[BaseHTTPResponse]:
        """The answer at `url`, up to five redirects further, whatever its status; its body is still to be read.

        `timeouts` bound the connecting and each wait, in seconds. Raises `ForbiddenAddressError`,
        `PictureUnreachableError` or, where another try may mend it, `TransientPictureError`: also while the body is
        read, within the context.
        """
        where = shown_url(url)
        timeout = Timeout(*timeouts)
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                with self._hosts.turn(_host(url), is_over=self._is_over):
                    response = self._transport.get(url, headers={**self._headers, **headers}, timeout=timeout)
                    try:
                        if not (location := response.get_redirect_location()):
                            yield response
                            return
                        # Followed here: the library would read the redirect's own body first, however long it is.
                        url = redirect_target(url, location)
                    finally:
                        if (limit := current_deadline()) is not None:
                            limit.release()  # the next to use the connection may be another search
                        response.close()
                        response.release_conn()
        except URLSchemeUnknown:
            raise ForbiddenAddressError(f"{where} leads to what is not an http or https address") from None
        except ValueError as error:  # what all errors about addresses are, those of urllib and of urllib3
            raise PictureUnreachableError(f"{where} cannot be asked: {type(error).__name__}") from None
        except NewConnectionError:  # to urllib3 this is one more that came too late
            raise TransientPictureError(f"{where} cannot be reached") from None
        except (HTTPTimeoutError, TimeoutError):
            raise TransientPictureError(f"{where} did not answer in time") from None
        except (HTTPError, ConnectionError):  # no other OSError: whoever reads the body may meet a full disk
            raise TransientPictureError(f"{where} cannot be reached or cut the connection") from None
        raise PictureUnreachableError(f"{where} was redirected more than {_MOST_REDIRECTS} times")

    def close(self) -> None:
        """Give the connections back; those that nobody else uses are closed."""
        self._hosts.leave(self)


def _host(url: str) -> str:
    """The host and port that an address leads to. Raises `ValueError` where it is none."""
    target = parse_url(url.strip())
    port = target.port or (443 if target.scheme == "https" else 80)
    return f"{target.host}:{port}"
