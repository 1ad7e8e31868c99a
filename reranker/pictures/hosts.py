"""Connections to the hosts that pictures come from, shared by everything in a process that fetches pictures."""

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

from phrasepix_core import environment
from phrasepix_core.deadlines import not_counted
from phrasepix_core.forking import reset_in_children
from reranker.errors import PictureUnreachableError

if TYPE_CHECKING:
    from reranker.pictures.transport import GuardedTransport

ENDED = "the search was ended before it was fetched"

_inherited: list[object] = []
"""What a child process inherited: never closed, for the connections are its parent's."""


class HostConnections:
    """Keeps connections open and bounds them: at most `per_host` at a time to a host and port, whoever asks.

    Pass one to several `PictureFetcher`s, which may belong to several threads: they take turns, and use each other's
    open connections. Connections end when the last user closes. A forked child process begins without any.
    """

    def __init__(self, *, per_host: int = 8) -> None:
        self._per_host = per_host
        self._begin()
        reset_in_children(self)

    def transport(self, user: object, *, loopback: bool) -> "GuardedTransport":
        """The transport for `user`, to be given back by `leave`; it reaches this machine too if `loopback` is True.

        Users share a transport as long as the proxies and certificates that the environment names stay the same.
        """
        # Which import much of HTTP: a remembered search does without.
        from urllib.request import getproxies

        from reranker.pictures.transport import CERTIFICATE_VARIABLES, GuardedTransport

        key = (loopback, *sorted(getproxies().items()), *map(environment.variable, CERTIFICATE_VARIABLES))
        with self._changed:
            if key not in self._shared:
                self._shared[key] = (GuardedTransport(loopback=loopback, connections=self._per_host), WeakSet())
            transport, users = self._shared[key]
            users.add(user)
            return transport

    def leave(self, user: object) -> None:
        """Close the connections that nobody but `user` had a share in."""
        with self._changed:
            for _, users in self._shared.values():
                users.discard(user)
            unused = [key for key, (_, users) in self._shared.items() if not users]
            closing = [self._shared.pop(key)[0] for key in unused]
        for transport in closing:
            transport.close()

    @contextmanager
    def turn(self, host: str, *, is_over: Callable[[], bool]) -> Iterator[None]:
        """Wait for one of the connections to `host`, and have it in the context; waiting counts to no deadline.

        Raises `PictureUnreachableError` as soon as `is_over`, which is asked again after `wake`.
        """
        with not_counted(), self._changed:
            self._changed.wait_for(lambda: is_over() or self._taken[host] < self._per_host)
            if is_over():
                raise PictureUnreachableError(ENDED)
            self._taken[host] += 1
            taken, changed = self._taken, self._changed
        try:
            yield
        finally:
            with changed:  # those of before a fork, where one came between
                taken[host] -= 1
                if not taken[host]:
                    del taken[host]
                changed.notify_all()

    def wake(self) -> None:
        """Have those who wait for their turn look again whether it is over."""
        with self._changed:
            self._changed.notify_all()

    def reset_after_fork(self) -> None:
        """Leave the parent's connections to the parent."""
        _inherited.append(self._shared)
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()
        self._shared: dict[Hashable, tuple[GuardedTransport, WeakSet[object]]] = {}


OF_PROCESS = HostConnections()
"""What all that fetch pictures share unless they are told otherwise."""
