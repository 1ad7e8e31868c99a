"""When a source may be asked next: one limiter for each catalogue and key, shared by all who ask it.

Requests of one process take turns under a lock. Processes that share a cache directory take turns too, by a lock file
in it; if that cannot be had, each process keeps to the interval on its own.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from phrasepix_core.forking import reset_in_children
from retriever.api_key import ApiKey
from retriever.http.budget import RequestBudget, RequestsLeft
from retriever.http.policy import RequestPolicy

logger = logging.getLogger(__name__)

_MOST_LIMITERS = 256
_LONGEST_WAIT_FOR_OTHERS_S = 60.0
"""How long another process is waited for before its lock counts as one that nobody will release."""


class RateLimiter:
    """Gives turns to ask one catalogue; remembers the budget that its answers announce. Thread-safe.

    `title` names its lock file, which need not show address or key.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._budget = RequestBudget()
        self._next_at = 0.0
        self.reset_after_fork()
        reset_in_children(self)

    def seconds_to_wait(self) -> float:
        """How long until the announced budget allows a request; 0 if it is not spent."""
        with self._noting:
            return self._budget.seconds_to_wait()

    def left(self) -> RequestsLeft | None:
        """What is left of the rate limit; None if that is not known."""
        with self._noting:
            return self._budget.left()

    def observe(self, headers: Mapping[str, str]) -> None:
        """Note what an answer's headers say of the budget."""
        with self._noting:
            self._budget.observe(headers)

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long: the source said so in a refusal."""
        with self._noting:
            self._budget.pause(seconds)

    @contextmanager
    def turn(self, policy: RequestPolicy, directory: Path | None = None) -> Iterator["Turn"]:
        """Wait until the policy allows a request, and hold the turn until the request begins (`Turn.begin`).

        With `policy.in_series` the turn is held until the context is left. `directory` holds the lock file by which
        other processes are waited for.
        """
        with ExitStack() as held:
            if not policy.interval_s and not policy.in_series:
                yield Turn(self, policy, held, None)
                return
            held.enter_context(self._line)
            slot = None if directory is None else _Slot(directory / f"{self._title}.lock")
            if slot is not None and not slot.take(held):
                slot = None
            wait = self._next_at - time.monotonic()
            if slot is not None:
                wait = max(wait, min(slot.next_at() - time.time(), policy.interval_s))
            time.sleep(max(0.0, wait))
            yield Turn(self, policy, held, slot)

    def _begun(self, interval_s: float) -> None:
        with self._noting:
            self._budget.take()
        self._next_at = time.monotonic() + interval_s

    def reset_after_fork(self) -> None:
        """Keep what is known of the budget; the locks may be held by threads that a child process does not have."""
        self._line = threading.Lock()
        self._noting = threading.Lock()


class Turn:
    """The right to send one request."""

    def __init__(self, limiter: RateLimiter, policy: RequestPolicy, held: ExitStack, slot: "_Slot | None") -> None:
        self._limiter = limiter
        self._policy = policy
        self._held = held
        self._slot = slot

    def begin(self) -> None:
        """Say that the request is sent now: the interval to the next one runs from here."""
        self._limiter._begun(self._policy.interval_s)
        if self._slot is not None:
            self._slot.set_next_at(time.time() + self._policy.interval_s)
        if not self._policy.in_series:
            self._held.close()


class _Slot:
    """The turn among processes: a lock file, and beside it the time (seconds of the epoch) of the next request."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._time = lock.with_suffix(".next")

    def take(self, held: ExitStack) -> bool:
        """Wait for the lock, to be released with `held`; False if it cannot be had."""
        import filelock  # only whoever sends a request needs it

        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(filelock.FileLock(self._lock).acquire(timeout=_LONGEST_WAIT_FOR_OTHERS_S))
        except (OSError, NotImplementedError) as error:  # filelock's Timeout is an OSError
            logger.debug("other processes cannot be waited for by %s: %s", self._lock, error)
            return False
        return True

    def next_at(self) -> float:
        try:
            return float(self._time.read_text())
        except (OSError, ValueError):
            return 0.0

    def set_next_at(self, moment: float) -> None:
        with suppress(OSError):
            self._time.write_text(str(moment))


class RateLimiters:
    """The limiter of each catalogue: by the source's name, its address and the key. Thread-safe."""

    def __init__(self) -> None:
        self._limiters: OrderedDict[str, RateLimiter] = OrderedDict()
        self.reset_after_fork()
        reset_in_children(self)

    def of(self, name: str, url: str, key: ApiKey | None) -> RateLimiter:
        """Return the limiter of a catalogue, the same one each time; the longest unused are dropped at last."""
        secret = "" if key is None else key.reveal()
        title = sha256("\0".join((name, url.rstrip("/"), secret)).encode()).hexdigest()[:24]
        with self._lock:
            limiter = self._limiters.setdefault(title, RateLimiter(title))
            self._limiters.move_to_end(title)
            while len(self._limiters) > _MOST_LIMITERS:
                self._limiters.popitem(last=False)
            return limiter

    def clear(self) -> None:
        """Forget all budgets and turns."""
        with self._lock:
            self._limiters.clear()

    def reset_after_fork(self) -> None:
        """Begin with a free lock."""
        self._lock = threading.Lock()


LIMITERS: Final = RateLimiters()
"""Those of this process."""
