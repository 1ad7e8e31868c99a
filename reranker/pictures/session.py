"""A requests session for pictures: guarded, without redirects, and to be cut from another thread."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from reranker.errors import ForbiddenAddressError, PictureUnreachableError, TransientPictureError
from reranker.pictures.address_guard import GuardedTransport
from reranker.pictures.shown_url import shown_url

_MOST_REDIRECTS = 5


class PictureSession(requests.Session):
    """Asks public addresses, and this machine's own where `loopback` is True; follows no redirect."""

    def __init__(self, user_agent: str, loopback: bool, connections: int) -> None:
        super().__init__()
        self._transport = GuardedTransport(loopback=loopback, connections=connections)
        self.adapters.clear()  # no scheme but these two
        self.mount("https://", self._transport)
        self.mount("http://", self._transport)
        self.headers["User-Agent"] = user_agent
        self.headers["Accept"] = "image/*"
        self.headers["Accept-Encoding"] = "identity"  # pictures are compressed already

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: the fetcher follows redirects itself."""
        return None

    @contextmanager
    def opened(
        self, url: str, *, timeouts: tuple[float, float], headers: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[requests.Response]:
        """The answer at `url`, up to five redirects further, whatever its status; its body is still to be read.

        `timeouts` bound the connecting and each wait, in seconds. Raises `ForbiddenAddressError`,
        `PictureUnreachableError` or, where another try may mend it, `TransientPictureError`: also while the body is
        read, within the context.
        """
        where = shown_url(url)
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                with self.get(url, stream=True, timeout=timeouts, headers=headers) as response:
                    if not response.is_redirect:
                        yield response
                        return
                    # Followed here: the library would read the redirect's own body first, however long it is.
                    url = urljoin(response.url, response.headers["Location"])
        except requests.exceptions.InvalidSchema:
            raise ForbiddenAddressError(f"{where} leads to what is not an http or https address") from None
        except (requests.Timeout, TimeoutError):
            raise TransientPictureError(f"{where} did not answer in time") from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, HTTPError, ConnectionError):
            raise TransientPictureError(f"{where} cannot be reached or cut the connection") from None
        except (requests.RequestException, ValueError) as error:  # ValueError: what urllib says of URLs it cannot use
            raise PictureUnreachableError(f"{where} cannot be asked: {type(error).__name__}") from None
        raise PictureUnreachableError(f"{where} was redirected more than {_MOST_REDIRECTS} times")

    def cut(self) -> None:
        """Cut all connections for good; a thread that waits for an answer fails at once."""
        self._transport.cut()
