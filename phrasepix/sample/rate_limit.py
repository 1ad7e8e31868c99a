"""The sample site's rate limit: so many requests a key in a fixed window of one minute."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_S = 60.0
"""Length of a window in seconds; it begins with the first request after the last window has ended."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether one request is let through, and what is left for those that follow."""

    granted: bool
    limit: int
    """Requests a window."""
    remaining: int
    """Requests left in this window, from 0 to `limit`."""
    reset_s: int
    """Whole seconds until the next window, from 0 to 60."""

    @property
    def headers(self) -> dict[str, str]:
        """The three headers every answer of the API carries; the reset is in seconds left, not a moment."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }


@dataclass(slots=True)
class RateLimit:
    """Counts requests by key; safe to use from many threads.

    Args:
        requests_per_minute: how many requests of one key are granted in a window.
        clock: gives the time in seconds.
    """

    requests_per_minute: int
    clock: Callable[[], float]
    _windows: dict[str, tuple[float, int]] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def take(self, key: str) -> Allowance:
        """Count one request of `key` and say whether it is granted; a refused one uses nothing up."""
        with self._lock:
            now = self.clock()
            start, used = self._windows.get(key, (now, 0))
            if not 0 <= now - start < WINDOW_S:  # over, or the clock was set back
                start, used = now, 0
            granted = used < self.requests_per_minute
            used += granted
            self._windows[key] = start, used
        left_s = math.ceil(start + WINDOW_S - now)
        return Allowance(granted, self.requests_per_minute, self.requests_per_minute - used, left_s)
