"""The request budget a source announces in its rate-limit headers."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_LONGEST_WINDOW_S = 10_000_000.0
_LONGEST_PAUSE_S = 86_400.0
_ONE_WINDOW_WITHIN_S = 1.5
"""Two announced resets so near each other are one: sources round to whole seconds."""


@dataclass(frozen=True, slots=True)
class RequestsLeft:
    """What is left of a rate limit."""

    remaining: int
    """Requests that may still be sent."""
    limit: int | None
    """Of how many; None if the source does not say."""
    renewed_in_s: float
    """In how many seconds there are all of them again."""


class RequestBudget:
    """What is left of a source's rate limit, as its last answer said.

    Reads `X-RateLimit-Remaining` (requests left), `X-RateLimit-Limit` (of how many) and `X-RateLimit-Reset` (seconds
    left until the window starts anew, as Pixabay sends it; a value no window lasts that long for is an epoch).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._remaining: int | None = None
        self._limit: int | None = None
        self._renewed_at = 0.0

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's headers; missing or odd ones are ignored."""
        remaining = _number(headers.get("X-RateLimit-Remaining"))
        reset = _seconds_until_reset(headers)
        if remaining is None or reset is None:
            return
        renewed_at = self._clock() + reset
        if self._remaining is not None and abs(renewed_at - self._renewed_at) <= _ONE_WINDOW_WITHIN_S:
            # Within one window, an answer may be older than the requests that were sent since.
            remaining = min(remaining, self._remaining)
        limit = _number(headers.get("X-RateLimit-Limit"))
        self._limit = None if limit is None else int(limit)
        self._remaining = int(remaining)
        self._renewed_at = renewed_at

    def take(self) -> None:
        """Count a request that is being sent, before its answer says what is left."""
        if self._remaining is not None:
            self._remaining = self._remaining - 1 if self._clock() < self._renewed_at else None

    def pause(self, seconds: float) -> None:
        """Count as spent for so many seconds, at most a day."""
        self._remaining = 0
        self._renewed_at = max(self._renewed_at, self._clock() + min(seconds, _LONGEST_PAUSE_S))

    def left(self) -> RequestsLeft | None:
        """What is left now; None if no answer said so, or what it said is over."""
        renewed_in_s = self._renewed_at - self._clock()
        if self._remaining is None or renewed_in_s <= 0:
            return None
        return RequestsLeft(self._remaining, self._limit, renewed_in_s)

    def seconds_to_wait(self) -> float:
        """How long to wait before the next request; 0 where the budget is not spent."""
        if self._remaining is None or self._remaining > 0:
            return 0.0
        return max(0.0, self._renewed_at - self._clock())


def pause_asked_for(headers: Mapping[str, str]) -> float | None:
    """The pause in seconds a refusal asks for by `Retry-After` or `X-RateLimit-Reset`; None where it does not."""
    retry_after = _seconds_of_retry_after(headers.get("Retry-After"))
    if retry_after is not None or _number(headers.get("X-RateLimit-Remaining")):
        return retry_after  # with requests left, the reset is that of another limit than the one that is spent
    return _seconds_until_reset(headers)


def _seconds_until_reset(headers: Mapping[str, str]) -> float | None:
    reset = _number(headers.get("X-RateLimit-Reset"))
    if reset is not None and reset > _LONGEST_WINDOW_S:
        reset = max(0.0, reset - time.time())
    return reset


def _seconds_of_retry_after(text: str | None) -> float | None:
    """`Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) and number >= 0 else None
