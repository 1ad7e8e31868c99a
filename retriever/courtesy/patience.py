"""Asking again where a failure may pass, with pauses that grow."""

import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from retriever.courtesy.manners import Manners
from retriever.courtesy.transient import TransientError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def patiently(ask: Callable[[], Answer], manners: Manners) -> Answer:
    """What `ask` gives, asked as many times as the manners allow where it raises `TransientError`; then that error."""
    backoff = wait_exponential(manners.backoff_s, manners.longest_backoff_s) + wait_random(0, manners.backoff_s)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.asked_pause_s is not None:
            return error.asked_pause_s
        return backoff(state)

    def say_so(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        logger.warning(
            "%s; trying again in %.0f s (try %d of %d)",
            error,
            state.upcoming_sleep,
            state.attempt_number + 1,
            manners.attempts,
        )

    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=stop_after_attempt(manners.attempts),
        wait=pause,
        before_sleep=say_so,
        reraise=True,
    )
    return retrying(ask)
