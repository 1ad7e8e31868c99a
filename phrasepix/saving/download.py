"""A picture file from its URL to the disk: of any size within reason, continued where it broke off."""

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from urllib3 import BaseHTTPResponse

from phrasepix.saving.partial_download import PartialDownload
from phrasepix_core.deadlines import DeadlineExceededError, deadline
from phrasepix_core.files import reason_of, shown_path
from phrasepix_core.http_answers import PASSING, is_whole
from phrasepix_core.urls import shown_url
from phrasepix_core.user_agent import user_agent as our_user_agent
from reranker.errors import PictureUnreachableError, PictureUnreadableError, TransientPictureError
from reranker.pictures.hosts import OF_PROCESS, HostConnections
from reranker.pictures.local_files import open_local, path_of
from reranker.pictures.objects import read_object
from reranker.pictures.session import PictureSession
from retriever.folder.walk import LARGEST_FILE_BYTES

_CHUNK = 1 << 18


class Downloader:
    """Downloads files one after the other, from public addresses only.

    At most `largest_bytes` a file; `connect_timeout_s` and `read_timeout_s` bound each wait, `deadline_s` a whole file
    with its headers, redirects and tries, in seconds. `user_agent` is by default this program's own. Up to five
    redirects are followed. The connections are those of `hosts`, by default shared with the searches of the process. A
    connection that fails or is cut, or an answer of 429 or 5xx, is tried `attempts` times in all; what has come is kept
    and continued by a range request where the server has them.
    """

    def __init__(
        self,
        *,
        largest_bytes: int = 500 << 20,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        deadline_s: float = 1800.0,
        attempts: int = 3,
        pause_s: float = 0.5,
        user_agent: str | None = None,
        hosts: HostConnections = OF_PROCESS,
    ) -> None:
        self._largest_bytes = largest_bytes
        self._timeouts = (connect_timeout_s, read_timeout_s)
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._pause_s = pause_s
        self._closed = threading.Event()
        user_agent = user_agent or our_user_agent()
        self._sessions = {loopback: PictureSession(user_agent, loopback, hosts) for loopback in (False, True)}

    def download(
        self,
        url: str,
        part: PartialDownload,
        *,
        of: str,
        loopback: bool = False,
        on_bytes: Callable[[int, int | None], None] = lambda done, total: None,
    ) -> None:
        """The file at `url`, as `part.path`; continues what is there if it is `of` the same (size, rendition, …).

        With `loopback` it may also come from this machine. `on_bytes` is told how many bytes are here, of how many.
        Raises `PictureUnreachableError`, where what has come is kept, `ForbiddenAddressError`, or
        `PictureUnreadableError` where it is too large; `OSError` where it cannot be written.
        """
        known = part.remembered()
        if known.get("of") == of and known.get("total") == part.size():
            return  # it is whole already: only what comes after was cut off
        try:
            with deadline(self._deadline_s):
                self._patiently(url, part, of, loopback, on_bytes)
        except DeadlineExceededError:
            where = shown_url(url)
            raise PictureUnreachableError(f"{where} sends too slowly (not done after {self._deadline_s:g} s)") from None

    def _patiently(
        self, url: str, part: PartialDownload, of: str, loopback: bool, on_bytes: Callable[[int, int | None], None]
    ) -> None:
        for attempt in range(self._attempts):
            try:
                self._once(url, part, of, loopback, on_bytes)
                return
            except TransientPictureError:
                if attempt + 1 == self._attempts:
                    raise
                self._closed.wait(self._pause_s)

    def _once(
        self, url: str, part: PartialDownload, of: str, loopback: bool, on_bytes: Callable[[int, int | None], None]
    ) -> None:
        where = shown_url(url)
        known = part.remembered()
        here = part.size() if known.get("of") == of else 0
        with self._sessions[loopback].opened(
            url, timeouts=self._timeouts, headers=_range_headers(here, known)
        ) as response:
            self._receive(response, part, where, of, here, known, on_bytes)

    def _receive(
        self,
        response: BaseHTTPResponse,
        part: PartialDownload,
        where: str,
        of: str,
        here: int,
        known: dict[str, Any],
        on_bytes: Callable[[int, int | None], None],
    ) -> None:
        continues = response.status == 206 and _continues(response, here, known)
        whole = is_whole(response.status, response.headers.get("Content-Range", ""))
        if response.status == 416 or (response.status == 206 and here and not (continues or whole)):
            part.discard()  # it is another file by now
            raise TransientPictureError(f"{where} has another file than the one that was begun")
        if response.status in PASSING:
            raise TransientPictureError(f"{where} answered with status {response.status}")
        if not (continues or whole):
            part_of = ", a part of the file" if response.status == 206 else ""
            raise PictureUnreachableError(f"{where} answered with status {response.status}{part_of}")
        done = here if continues else 0
        announced = response.headers.get("Content-Length", "")
        total = done + int(announced) if announced.isdecimal() else None
        too_large = PictureUnreadableError(f"{where} is larger than {self._largest_bytes / (1 << 20):g} MiB")
        if total is not None and total > self._largest_bytes:
            raise too_large
        if done == 0:
            part.discard()
            if total is not None and not response.headers.get("Content-Encoding"):
                part.remember({"of": of, "total": total, "validator": _validator(response)})
        with part.go_on() if done else part.begin() as file:
            while chunk := response.read1(_CHUNK, decode_content=True):
                file.write(chunk)
                done += len(chunk)
                on_bytes(done, total)
                if done > self._largest_bytes:
                    raise too_large
        if total is not None and done < total and not response.headers.get("Content-Encoding"):
            raise TransientPictureError(f"{where} cut the connection after {done} of {total} bytes")

    def close(self) -> None:
        """Close the connections."""
        self._closed.set()
        for session in self._sessions.values():
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def copy_local(url: str, part: PartialDownload, *, largest_bytes: int = LARGEST_FILE_BYTES) -> None:
    """Copy the file that a file URL names, of at most `largest_bytes`.

    Raises `PictureUnreachableError`, or `PictureUnreadableError` where it is too large; `OSError` where it cannot be
    written.
    """
    part.discard()
    name = shown_path(path_of(url))
    with ExitStack() as opened:
        try:
            source = opened.enter_context(open_local(url))
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
        except OSError as error:
            raise PictureUnreachableError(f"{name} cannot be read: {reason_of(error)}") from None
        if size > largest_bytes:
            raise PictureUnreadableError(f"{name} is larger than {largest_bytes / (1 << 20):g} MiB")
        shutil.copyfileobj(source, opened.enter_context(part.begin()), _CHUNK)


def copy_object(url: str, part: PartialDownload) -> None:
    """Copy the object that an `s3:` URL names.

    Raises `PictureUnreachableError`, and `OSError` where it cannot be written.
    """
    part.discard()
    data = read_object(url).data
    with part.begin() as file:
        file.write(data)


def _validator(response: BaseHTTPResponse) -> str:
    """What a server recognises the file by: a strong ETag, else the time of its last change; empty without either."""
    etag = str(response.headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _range_headers(here: int, known: dict[str, Any]) -> dict[str, str]:
    if not here or not isinstance(known.get("total"), int) or here >= known["total"]:
        return {}
    headers = {"Range": f"bytes={here}-"}
    validator = known.get("validator")
    return headers | {"If-Range": validator} if isinstance(validator, str) and validator else headers


def _continues(response: BaseHTTPResponse, here: int, known: dict[str, Any]) -> bool:
    """Whether a partial answer is the rest of what was begun: from where it broke off, of a file of the same size."""
    wanted = f"bytes {here}-{known['total'] - 1}/{known['total']}" if isinstance(known.get("total"), int) else ""
    validator = known.get("validator", "")
    same = not validator or _validator(response) in ("", validator)
    return response.headers.get("Content-Range", "").strip() == wanted and same
