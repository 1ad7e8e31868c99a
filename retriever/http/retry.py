"""Retries of requests that failed for a while, with exponential backoff."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from retriever.errors import RetrieverError
from retriever.http.policy import RequestPolicy

if TYPE_CHECKING:
    import tenacity

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class TransientError(Exception):
    """A failure that may pass: in a few words, as the error it becomes where it does not, and the pause asked for.

    `tries`, if given, is how many tries it is worth in all: fewer than a busy server, where more are of no use.
    """

    def __init__(
        self, words: str, final: RetrieverError, asked_pause_s: float | None = None, *, tries: int | None = None
    ) -> None:
        super().__init__(words)
        self.final = final
        self.asked_pause_s = asked_pause_s
        self.tries = tries


def with_retries(ask: Callable[[], Answer], policy: RequestPolicy) -> Answer:
    """What `ask` gives, asked as many times as the policy allows where it raises `TransientError`; then that error."""
    try:
        return ask()
    except TransientError as error:
        return _again(ask, policy, error)


def _again(ask: Callable[[], Answer], policy: RequestPolicy, failed: TransientError) -> Answer:
    """The same, after the first try has `failed`."""
    import tenacity  # an answer at the first try does without

    grows = tenacity.wait_exponential(policy.backoff_s, policy.longest_backoff_s)
    backoff = grows + tenacity.wait_random(0, policy.backoff_s)
    failures = [failed]

    def try_next() -> Answer:
        if failures:
            raise failures.pop()
        return ask()

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.asked_pause_s is not None:
            return error.asked_pause_s
        return backoff(state)

    def is_enough(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= _tries(state, policy)

    def say_so(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        tries = _tries(state, policy)
        # A second try that is the last is over before anybody has read of it.
        logger.log(
            logging.INFO if tries < policy.attempts else logging.WARNING,
            "%s; trying again in %.0f s (try %d of %d)",
            error,
            state.upcoming_sleep,
            state.attempt_number + 1,
            tries,
        )

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=is_enough,
        wait=pause,
        before_sleep=say_so,
        reraise=True,
    )
    return retrying(try_next)


def _tries(state: "tenacity.RetryCallState", policy: RequestPolicy) -> int:
    """How many tries the last failure is worth in all."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.tries if isinstance(error, TransientError) else None
    return policy.attempts if asked is None else min(asked, policy.attempts)
