"""Requests that this process sends, counted without a mock: Python's own audit events tell of them.

A hook for these events cannot be taken off again. It is set when requests are counted for the first time, and does
nothing while nobody counts.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from threading import Lock
from typing import Any

_watching: "list[SentRequests]" = []
_hooking = Lock()
_is_hooked = False


class SentRequests:
    """What was sent while it was watched, by any thread of the process."""

    def __init__(self) -> None:
        self._sends = 0
        self.connected_to: list[str] = []
        """The hosts that were connected to, one for each connection."""

    @property
    def count(self) -> int:
        """How many requests were sent.

        Exact for whatever builds on `http.client` (urllib, requests, urllib3); the number of new connections for
        others, which may send several requests through one.
        """
        return max(self._sends, len(self.connected_to))

    @property
    def beyond_this_machine(self) -> list[str]:
        """The hosts that were connected to and are not this machine."""
        return [host for host in self.connected_to if not _is_loopback(host)]

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take down one audit event."""
        if event == "http.client.send":
            self._sends += 1
        elif event == "socket.connect" and isinstance(arguments[1], tuple):  # not a socket in the file system
            self.connected_to.append(str(arguments[1][0]))


@contextmanager
def sent_requests() -> Iterator[SentRequests]:
    """Count the requests of this process within the context."""
    global _is_hooked
    with _hooking:
        if not _is_hooked:
            sys.addaudithook(_hook)
            _is_hooked = True
    sent = SentRequests()
    _watching.append(sent)
    try:
        yield sent
    finally:
        _watching.remove(sent)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in {"http.client.send", "socket.connect"}:
        for sent in tuple(_watching):
            sent.note(event, arguments)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:  # a name
        return host == "localhost"
