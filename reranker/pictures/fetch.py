"""A picture file from its URL: bounded in bytes and time, from public addresses only."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from phrasepix_core.deadlines import Deadline, DeadlineExceededError, deadline
from phrasepix_core.forking import reset_in_children
from phrasepix_core.http_answers import PASSING, is_whole
from phrasepix_core.urls import shown_url
from phrasepix_core.user_agent import user_agent as our_user_agent
from reranker.errors import PictureUnreachableError, PictureUnreadableError, TransientPictureError
from reranker.pictures.hosts import ENDED, OF_PROCESS, HostConnections
from reranker.pictures.objects import read_object

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from reranker.pictures.session import PictureSession

_CHUNK = 1 << 16


class PictureFetcher:
    """Fetches files over connections that are kept open; urllib3 is imported for the first of them.

    At most `largest_bytes` a file; `connect_timeout_s` and `read_timeout_s` bound each wait and
    `deadline_s` a whole file with its headers, redirects and tries, in seconds. Redirects are followed, up to five. A
    connection that fails or an answer of 429 or 5xx is tried `attempts` times in all, after a short pause. May be used
    from many threads at once: no more than `connections` of them ask at a time, the others wait. The connections are
    those of `hosts`, which bounds how many lead to one host; by default all fetchers of a process share them.
    `user_agent` is by default this program's own.
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
        user_agent: str | None = None,
        hosts: HostConnections = OF_PROCESS,
    ) -> None:
        self._largest_bytes = largest_bytes
        self._timeouts = (connect_timeout_s, read_timeout_s)
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._pause_s = pause_s
        self._connections = connections
        self._user_agent = user_agent or our_user_agent()
        self._hosts = hosts
        self._begin()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Begin anew: what is under way is so in the parent process alone."""
        is_closed = self._closed.is_set()
        self._begin()
        if is_closed:
            self._closed.set()

    def _begin(self) -> None:
        self._closed = threading.Event()
        self._at_once = threading.BoundedSemaphore(self._connections)
        self._sessions: dict[bool, PictureSession] = {}
        self._under_way: set[Deadline] = set()
        self._lock = threading.Lock()

    def fetch_object(self, url: str) -> bytes:
        """The object at an `s3:` URL, from the store that the environment names. Raises `PictureUnreachableError`."""
        return read_object(url).data

    def fetch(self, url: str, *, loopback: bool = False) -> bytes:
        """The file at `url`. With `loopback`, it may also come from this machine.

        Raises `PictureUnreachableError`, `ForbiddenAddressError`, or `PictureUnreadableError` where it is too large.
        """
        left_s, attempt = self._deadline_s, 1
        while True:
            try:
                with self._at_once, deadline(left_s) as limit, self._noted(limit):
                    return self._fetch_once(url, loopback)
            except TransientPictureError:
                if attempt == self._attempts:
                    raise
                left_s, attempt = limit.remaining_s, attempt + 1
            except DeadlineExceededError:
                if self._closed.is_set():
                    raise PictureUnreachableError(ENDED) from None
                where = shown_url(url)
                raise TransientPictureError(
                    f"{where} sends too slowly (not done after {self._deadline_s:g} s)"
                ) from None
            self._closed.wait(self._pause_s)

    @contextmanager
    def _noted(self, limit: Deadline) -> Iterator[None]:
        """Have `close` end what is bounded by `limit`, as long as the context."""
        with self._lock:
            if self._closed.is_set():
                raise PictureUnreachableError(ENDED)
            under_way = self._under_way
            under_way.add(limit)
        try:
            yield
        finally:
            with self._lock:
                under_way.discard(limit)

    def _session(self, loopback: bool) -> "PictureSession":
        from reranker.pictures.session import PictureSession  # imports urllib3: a remembered search does without

        with self._lock:
            if self._closed.is_set():
                raise PictureUnreachableError(ENDED)
            if loopback not in self._sessions:
                self._sessions[loopback] = PictureSession(
                    self._user_agent, loopback, self._hosts, is_over=self._closed.is_set
                )
            return self._sessions[loopback]

    def _fetch_once(self, url: str, loopback: bool) -> bytes:
        with self._session(loopback).opened(url, timeouts=self._timeouts) as response:
            return self._answer(response, shown_url(url))

    def _answer(self, response: "BaseHTTPResponse", where: str) -> bytes:
        if response.status in PASSING:
            raise TransientPictureError(f"{where} answered with status {response.status}")
        if not is_whole(response.status, response.headers.get("Content-Range", "")):
            part = ", a part of the file" if response.status == 206 else ""
            raise PictureUnreachableError(f"{where} answered with status {response.status}{part}")
        too_large = PictureUnreadableError(f"{where} is larger than {self._largest_bytes / (1 << 20):g} MiB")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > self._largest_bytes:
            raise too_large
        body = io.BytesIO()  # gives its bytes away without a copy
        # read1 returns what has come; read would wait for a whole chunk, and a trickle never fills it.
        while chunk := response.read1(_CHUNK, decode_content=True):
            body.write(chunk)
            if body.tell() > self._largest_bytes:
                raise too_large
            if self._closed.is_set():
                raise PictureUnreachableError(ENDED)
        return body.getvalue()

    def close(self) -> None:
        """End what is still under way at once; the connections are closed unless another fetcher uses them."""
        self._closed.set()
        self._hosts.wake()
        with self._lock:
            for limit in self._under_way:
                limit.end()
            for session in self._sessions.values():
                session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
