"""Policy for the requests to a source: timeouts, retries, intervals, and for how long answers are cached."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """Times are seconds unless they are a `timedelta`.

    An empty `user_agent` is this program's own, with the contact that the environment names when a source is
    opened. All tries of one question together spend at most `answer_within_s` waiting for the network; the
    pauses between them, which the source may ask for, do not count. An answer has at most
    `largest_answer` bytes, as sent and unpacked.

    Answers are kept for `keep_answers_for`; zero keeps none.
    `attempts` counts the first try too. The pause before try n is `backoff_s * 2**(n-2)` plus up to
    `backoff_s` at random, at most `longest_backoff_s`; where the source names a pause itself, that one
    is kept. A pause longer than `longest_wait_s` is not waited out but reported. Between two requests at least
    `interval_s` pass, whichever searches send them; with `in_series` each waits for the answer to the one before.
    `window_s` is how long a rate limit's window is where a refusal does not say when it ends; None:
    so short that another try is worth it.
    """

    user_agent: str = ""
    keep_answers_for: timedelta = timedelta(hours=24)
    connect_timeout_s: float = 4.0
    read_timeout_s: float = 20.0
    answer_within_s: float = 30.0
    largest_answer: int = 8 << 20
    attempts: int = 5
    backoff_s: float = 0.5
    longest_backoff_s: float = 20.0
    longest_wait_s: float = 75.0
    interval_s: float = 0.0
    in_series: bool = False
    window_s: float | None = None
