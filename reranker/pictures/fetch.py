"""A picture file from its URL: bounded in bytes and time, from public addresses only."""

import threading
import time
from typing import TYPE_CHECKING, Self

from phrasepix_core.urls import shown_url
from reranker.errors import PictureUnreachableError, PictureUnreadableError, TransientPictureError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from reranker.pictures.session import PictureSession

_CHUNK = 1 << 16
_ENDED = "the search was ended before it was fetched"
_WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})


class PictureFetcher:
    """Fetches files over connections it keeps open; urllib3 is imported for the first of them.

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
            except TransientPictureError:
                self._closed.wait(self._pause_s)
        with self._at_once:
            return self._fetch_once(url, loopback)

    def _session(self, loopback: bool) -> "PictureSession":
        from reranker.pictures.session import PictureSession  # imports urllib3: a remembered search does without

        with self._lock:
            if self._closed.is_set():
                raise PictureUnreachableError(_ENDED)
            if loopback not in self._sessions:
                self._sessions[loopback] = PictureSession(self._user_agent, loopback, self._connections)
            return self._sessions[loopback]

    def _fetch_once(self, url: str, loopback: bool) -> bytes:
        where = shown_url(url)
        ends_at = time.monotonic() + self._deadline_s
        with self._session(loopback).opened(url, timeouts=self._timeouts) as response:
            return self._answer(response, where, ends_at)

    def _answer(self, response: "BaseHTTPResponse", where: str, ends_at: float) -> bytes:
        if response.status in _WORTH_ANOTHER_TRY:
            raise TransientPictureError(f"{where} answered with status {response.status}")
        if response.status != 200:
            raise PictureUnreachableError(f"{where} answered with status {response.status}")
        too_large = PictureUnreadableError(f"{where} is larger than {self._largest_bytes / (1 << 20):g} MiB")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > self._largest_bytes:
            raise too_large
        body = bytearray()
        # read1 returns what has come; read would wait for a whole chunk, and a trickle never fills it.
        while chunk := response.read1(_CHUNK, decode_content=True):
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
