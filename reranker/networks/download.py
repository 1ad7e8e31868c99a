"""A large file fetched once: what has come is kept when the connection breaks, and gone on with."""

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from phrasepix_core.deadlines import Deadline, DeadlineExceededError, deadline
from phrasepix_core.files import reason_of, shown_path
from phrasepix_core.http_answers import PASSING
from phrasepix_core.urls import is_on_this_machine
from phrasepix_core.user_agent import user_agent
from reranker import steps
from reranker.errors import PictureError, PictureUnreachableError, TransientPictureError, WeightsUnavailableError
from reranker.pictures.hosts import HostConnections
from reranker.pictures.session import PictureSession

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_TIMEOUTS_S = (10.0, 30.0)
_ATTEMPTS = 3
_BEGINS_WITHIN_S = 60.0
_SLOWEST = 16_000
"""Bytes a second, over all that has come."""
_LARGEST = 4 << 30
_CHUNK = 1 << 18
_MB = 1_000_000
_AGAIN = "; try again, what has come is kept"


def download_file(url: str, file: Path, title: str) -> Path:
    """Fetch `url` to `file`, whole or not at all; the directory is made. How far it is, `reranker.steps` is told.

    One process at a time may do so. Where it breaks off, the next call goes on with what has come, unless the file has
    changed. It may come from this machine only where `url` says so. Raises `WeightsUnavailableError`, which names the
    network `title` and the address.
    """
    hosts = HostConnections()
    session = PictureSession(user_agent(), is_on_this_machine(url), hosts)
    partial = file.with_name(f"{file.name}.partial")
    why = ""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            try:
                with deadline(_BEGINS_WITHIN_S) as limit:
                    _fetch(session, url, partial, limit)
                partial.replace(file)
                _mark_of(partial).unlink(missing_ok=True)
            except DeadlineExceededError:
                why = f"less than {_SLOWEST // 1000} KB a second came from {url}{_AGAIN}"
            except TransientPictureError as error:
                why = f"{error}{_AGAIN}"
            else:
                return file
    except PictureError as error:
        why = str(error)
    except OSError as error:
        why = f"{shown_path(file.parent)} cannot be written: {reason_of(error)}"
    finally:
        session.close()
    raise WeightsUnavailableError(f"the weights of {title} cannot be downloaded: {why}")


def _fetch(session: PictureSession, url: str, partial: Path, limit: Deadline) -> None:
    """Go on with the file `partial`, or begin it."""
    mark = _mark_of(partial)
    have = partial.stat().st_size if partial.is_file() else 0
    known = mark.read_text(encoding="utf-8") if have and mark.is_file() else ""
    headers = {"Accept": "*/*"}
    if known:
        headers |= {"Range": f"bytes={have}-", "If-Range": known}
    with session.opened(url, timeouts=_TIMEOUTS_S, headers=headers) as response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if not goes_on:
            if response.status == 416:  # what has come is longer than the whole: of another file
                partial.unlink(missing_ok=True)
            if response.status != 200:
                passes = response.status in PASSING or response.status == 416
                kind = TransientPictureError if passes else PictureUnreachableError
                raise kind(f"{url} answered with status {response.status}")
            have = 0
            _note(mark, response)
        _write(response, partial, have, limit, url)


def _write(response: "BaseHTTPResponse", partial: Path, have: int, limit: Deadline, url: str) -> None:
    announced = response.headers.get("Content-Length", "")
    total = have + int(announced) if announced.isdecimal() else None
    _tell(have, total)
    told = have
    with partial.open("ab" if have else "wb") as written:
        while chunk := response.read1(_CHUNK, decode_content=False):
            written.write(chunk)
            have += len(chunk)
            limit.extend(len(chunk) / _SLOWEST)
            if have > _LARGEST:
                raise PictureError(f"{url} is larger than {_LARGEST >> 30} GiB")
            if have >= told + _MB:
                told = have
                _tell(have, total)
    if total is not None and have != total:
        raise TransientPictureError(f"{url} broke off after {have} of {total} bytes")


def _tell(done: int, total: int | None) -> None:
    steps.begin(steps.Step("downloading the weights, in MB", done // _MB, None if total is None else total // _MB))


def _mark_of(partial: Path) -> Path:
    """Where it is noted which version of a file has come in part."""
    return partial.with_name(f"{partial.name}.etag")


def _note(mark: Path, response: "BaseHTTPResponse") -> None:
    tag = response.headers.get("ETag", "")
    with suppress(FileNotFoundError):
        mark.unlink()
    if re.fullmatch(r'"[\x21\x23-\x7e]+"', tag):  # a strong one: of these bytes and no others
        mark.write_text(tag, encoding="utf-8")
