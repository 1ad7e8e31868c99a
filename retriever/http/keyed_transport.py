"""The API key joins a request in its last step and leaves the answer in its first.

A source that wants its key as a query parameter has it in every URL, and so in every exception,
log line and cache entry made from one; one that wants it in a header has it in every kept request. Here only the bytes
on the wire carry it.
"""

import logging
import threading
from collections.abc import MutableMapping
from typing import Any
from weakref import WeakSet

import requests

from phrasepix_core.forking import reset_in_children
from retriever.api_key import ApiKey, KeyPlace
from retriever.http.transport import NotConnectedError, WatchedTransport


class _RedactedRecords(logging.Filter):
    """Rewrites the records of urllib3, which logs each request's URL.

    One filter for all keys, which stays where it is: adding and removing filters while another thread
    logs could let that thread's record pass unseen.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: WeakSet[ApiKey] = WeakSet()
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        self._lock = threading.RLock()

    def watch_for(self, key: ApiKey) -> None:
        with self._lock:
            self._keys.add(key)

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            keys = list(self._keys)
        message = redacted = record.getMessage()
        for key in keys:
            redacted = key.redact(redacted)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


_RECORDS = _RedactedRecords()
for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_RECORDS)


class KeyedTransport(WatchedTransport):
    """Sends requests with the key put in its `place`.

    Mount it for the API's own origin only: a redirect elsewhere must not take the key along.
    Exceptions and responses that come out of it carry the URL without the key.
    """

    def __init__(self, place: KeyPlace, key: ApiKey) -> None:
        super().__init__()
        self._place = place
        self._key = key
        _RECORDS.watch_for(key)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send `request` with the key; what is returned or raised is without it."""
        keyed = request.copy()
        self._place(keyed, self._key.reveal())
        failure: requests.RequestException
        try:
            response = super().send(keyed, *args, **kwargs)
        except requests.RequestException as error:
            failure = type(error)(self._key.redact(str(error)), request=request)
            if isinstance(error, NotConnectedError) and isinstance(failure, NotConnectedError):
                failure.reason = error.reason
        else:
            response.request = request
            response.url = request.url or ""
            response.raw.url = request.url
            self._clean(response.headers)
            self._clean(response.raw.headers)
            return response
        # Raised outside the handler, so that the original (with the key in its URL) is not kept as its context.
        raise failure

    def _clean(self, headers: MutableMapping[str, str]) -> None:
        """Take out the key where the server repeats it, as servers do that redirect with the query kept."""
        for name, value in list(headers.items()):
            if self._key.redact(value) != value:
                headers[name] = self._without_key(value) if name.lower() == "location" else self._key.redact(value)

    def _without_key(self, url: str) -> str:
        before, mark, query = url.partition("?")
        kept = "&".join(pair for pair in query.split("&") if self._key.redact(pair) == pair)
        return self._key.redact(before, "***") + mark + kept
