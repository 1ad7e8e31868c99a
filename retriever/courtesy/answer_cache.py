"""Sessions that keep good answers on disk, and do without where the disk will not have them."""

import json
import logging
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from requests_cache import CachedSession
from requests_cache.backends.sqlite import SQLiteCache

logger = logging.getLogger(__name__)


def open_session(
    file: Path | None, keep_for: timedelta, worth_keeping: Callable[[dict[str, Any]], bool]
) -> requests.Session:
    """A session that keeps answers in `file` (SQLite; several processes may share it) for `keep_for`.

    Kept are JSON objects of status 200 that are `worth_keeping`. A damaged file is set aside; where none can be
    written, or `file` is None, or `keep_for` is zero, the session keeps nothing. The log says so.
    """
    if file is None or not keep_for:
        return requests.Session()
    try:
        _try_writing(file)
        try:
            return _cached_session(file, keep_for, worth_keeping)
        except sqlite3.OperationalError:
            raise  # locked or out of reach, not damaged
        except sqlite3.DatabaseError as error:
            _set_aside(file, error)
        return _cached_session(file, keep_for, worth_keeping)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        logger.warning("answers cannot be kept in %s (%s); going on without", file, reason)
        return requests.Session()


def is_kept(session: requests.Session, request: requests.Request) -> bool:
    """Whether `session` would answer `request` from what it keeps."""
    if not isinstance(session, CachedSession):
        return False
    cache = session.cache
    try:
        kept = cache.get_response(cache.create_key(session.prepare_request(request)))
    except sqlite3.Error:
        return False
    return kept is not None and not kept.is_expired


def json_object(response: requests.Response) -> dict[str, Any] | None:
    """The JSON object a response holds; None where it holds anything else."""
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError, requests.RequestException):
        return None
    return answer if isinstance(answer, dict) else None


def _cached_session(
    file: Path, keep_for: timedelta, worth_keeping: Callable[[dict[str, Any]], bool]
) -> requests.Session:
    def may_be_kept(response: requests.Response) -> bool:
        answer = json_object(response)
        return answer is not None and worth_keeping(answer)

    # JSON, not pickles: a file from elsewhere cannot run anything, and what is kept can be looked at.
    backend = SQLiteCache(file, serializer="json", decode_content=True, wal=True, busy_timeout=10_000)
    session: requests.Session = CachedSession(backend=backend, expire_after=keep_for, filter_fn=may_be_kept)
    try:
        len(backend.responses)  # the first read finds out whether the file is sound
        # Without VACUUM, which fails while another process reads; the pages freed are used again.
        backend.delete(expired=True, vacuum=False)
    except sqlite3.Error:
        session.close()
        raise
    return session


def _try_writing(file: Path) -> None:
    """Raise `OSError` where `file` cannot be written: the cache's library would try for ever."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=file.parent), file.open("ab"):
        pass


def _set_aside(file: Path, error: sqlite3.Error) -> None:
    aside = file.with_suffix(".damaged")
    logger.warning("the kept answers in %s are damaged (%s); set aside as %s", file, error, aside.name)
    file.replace(aside)
    for journal in ("-wal", "-shm"):  # they belong to the damaged file and would be played into the new one
        file.with_name(file.name + journal).unlink(missing_ok=True)
