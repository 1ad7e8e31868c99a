"""A picture file from its URL: bounded in bytes and time, from public addresses only."""

import threading
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from reranker.errors import ForbiddenAddressError, PictureUnreachableError, PictureUnreadableError

if TYPE_CHECKING:
    import requests

    from reranker.pictures.session import PictureSession

_CHUNK = 1 << 16
_MOST_REDIRECTS = 5
_ENDED = "the search was ended before it was fetched"
_WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})


class PictureFetcher:
    """Fetches files over connections it keeps open; requests is imported for the first of them.

    At most `largest_bytes` a file; `connect_timeout_s` and `read_timeout_s` bound each wait and
    `deadline_s` a whole file, in seconds. Redirects are followed, up to five. A connection that fails or
    an answer of 429 or 5xx is tried `attempts` times in all, after a short pause. May be used from many threads
    at once: no more than `connections` of them ask at a time, the others wait.
    """

    def __init__(
        self,
        *,
        connections: int = 8,
        largest_bytes: int = 32 << 20,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 15.0,
        deadline_s: float = 60.0,
        attempts: int = 2,
        pause_s: float = 0.5,
        user_agent: str = "phrasepix/0.1 (finds the picture a sentence describes)",
    ) -> None:
        self._largest_bytes = largest_bytes
        self._timeouts = (connect_timeout_s, read_timeout_s)
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._pause_s = pause_s
        self._closed = threading.Event()
        self._at_once = threading.BoundedSemaphore(connections)
        self._connections = connections
        self._user_agent = user_agent
        self._sessions: dict[bool, PictureSession] = {}
        self._lock = threading.Lock()

    def fetch(self, url: str, *, loopback: bool = False) -> bytes:
        """The file at `url`. With `loopback`, it may also come from this machine.

        Raises `PictureUnreachableError`, `ForbiddenAddressError`, or `PictureUnreadableError` where it is too large.
        """
        for _ in range(self._attempts - 1):
            try:
                with self._at_once:
                    return self._fetch_once(url, loopback)
            except _MayPassError:
                self._closed.wait(self._pause_s)
        try:
            with self._at_once:
                return self._fetch_once(url, loopback)
        except _MayPassError as error:
            raise PictureUnreachableError(str(error)) from None

    def _session(self, loopback: bool) -> "PictureSession":
        from reranker.pictures.session import PictureSession  # imports requests: a remembered search does without

        with self._lock:
            if self._closed.is_set():
                raise PictureUnreachableError(_ENDED)
            if loopback not in self._sessions:
                self._sessions[loopback] = PictureSession(self._user_agent, loopback, self._connections)
            return self._sessions[loopback]

    def _fetch_once(self, url: str, loopback: bool) -> bytes:
        import requests
        from urllib3.exceptions import HTTPError

        session = self._session(loopback)
        where = shown_url(url)
        ends_at = time.monotonic() + self._deadline_s
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                with session.get(url, stream=True, timeout=self._timeouts) as response:
                    if not response.is_redirect:
                        return self._answer(response, where, ends_at)
                    # Followed here: the library would read the redirect's own body first, however long it is.
                    url = urljoin(response.url, response.headers["Location"])
        except requests.exceptions.InvalidSchema:
            raise ForbiddenAddressError(f"{where} leads to what is not an http or https address") from None
        except requests.Timeout:
            raise _MayPassError(f"{where} did not answer in time") from None
        except ValueError as error:  # among them requests' own for URLs it cannot use
            raise PictureUnreachableError(f"{where} cannot be asked: {type(error).__name__}") from None
        except (requests.RequestException, HTTPError, OSError):
            raise _MayPassError(f"{where} cannot be reached or cut the connection") from None
        raise PictureUnreachableError(f"{where} was redirected more than {_MOST_REDIRECTS} times")

    def _answer(self, response: "requests.Response", where: str, ends_at: float) -> bytes:
        if response.status_code in _WORTH_ANOTHER_TRY:
            raise _MayPassError(f"{where} answered with status {response.status_code}")
        if response.status_code != 200:
            raise PictureUnreachableError(f"{where} answered with status {response.status_code}")
        too_large = PictureUnreadableError(f"{where} is larger than {self._largest_bytes / (1 << 20):g} MiB")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > self._largest_bytes:
            raise too_large
        body = bytearray()
        # read1 returns what has come; read would wait for a whole chunk, and a trickle never fills it.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._largest_bytes:
                raise too_large
            if self._closed.is_set():
                raise PictureUnreachableError(_ENDED)
            if time.monotonic() > ends_at:
                raise PictureUnreachableError(f"{where} sends too slowly (not done after {self._deadline_s:g} s)")
        return bytes(body)

    def close(self) -> None:
        """Close the connections; what is still under way ends at once."""
        self._closed.set()
        with self._lock:
            for session in self._sessions.values():
                session.cut()
                session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _MayPassError(Exception):
    """A failure that another try may mend."""


def shown_url(url: str) -> str:
    """The URL without what may carry a secret: its query, its user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return repr(url[:80])
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else repr(url[:80])
