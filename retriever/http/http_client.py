"""Asking an API by HTTP, within its rate limit: an answer, or the error that says what is wrong with it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from phrasepix_core.deadlines import DeadlineExceededError, deadline
from phrasepix_core.http_answers import PASSING, is_whole
from phrasepix_core.text import printable
from retriever.api_key import ApiKey, KeyPlace
from retriever.errors import (
    RateLimitError,
    RetrieverError,
    SourceAnswerError,
    SourceUnreachableError,
)
from retriever.http.budget import pause_asked_for
from retriever.http.exchange import ApiSession, HttpAnswer, LeavesOriginError, TooLargeError
from retriever.http.policy import RequestPolicy
from retriever.http.rate_limiter import RateLimiter, Turn
from retriever.http.response_cache import json_object
from retriever.http.retry import TransientError
from retriever.http.transport import NotConnectedError
from retriever.source import Notify, log_notice

_TEXT_SHOWN = 200
_TRIES_TO_CONNECT = 2
"""A name that cannot be resolved, or a port where nobody listens or answers, seldom changes within seconds."""


class NetworkTime:
    """The seconds that one question may wait for the network, all its tries together."""

    def __init__(self, seconds: float) -> None:
        self.left_s = seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Bound what is done in the context to what is left. Raises `DeadlineExceededError`."""
        began = time.monotonic()
        try:
            with deadline(self.left_s):
                yield
        finally:
            self.left_s = max(0.0, self.left_s - (time.monotonic() - began))


class HttpClient:
    """Asks the API endpoint at `url` by HTTP; nothing is kept, and each question is sent once.

    Requests take turns by the `limiter`, with those of other processes by a lock file in `lock_directory`. The other
    arguments are those of `CachedApiClient`.
    """

    def __init__(
        self,
        url: str,
        *,
        title: str,
        policy: RequestPolicy,
        key: ApiKey | None,
        key_place: KeyPlace,
        is_spent: Callable[[int, str], bool],
        asks_for_patience: Callable[[dict[str, Any]], str],
        limiter: RateLimiter,
        lock_directory: Path | None,
    ) -> None:
        self.url = url
        self._title = title
        self._policy = policy
        self._key = key
        self._limiter = limiter
        self._lock_directory = lock_directory
        self._is_spent = is_spent
        self._asks_for_patience = asks_for_patience
        self._session = ApiSession(url, policy, key, key_place)

    def ask(
        self,
        url: str,
        parameters: Mapping[str, str],
        time_left: NetworkTime,
        answered_meanwhile: Callable[[], dict[str, Any] | None] = lambda: None,
        on_notice: Notify = log_notice,
    ) -> dict[str, Any]:
        """The answer to one question, which goes to `url`, the endpoint's or below it: a JSON object without the key.

        It must come within `time_left`, of which is taken what it took.

        If there is one in `answered_meanwhile`, once it is this request's turn, nothing is sent. `on_notice` is told
        how long the rate limit is waited for.

        Raises `TransientError` where another try may help, else `SourceUnreachableError`, `RateLimitError` or
        `SourceAnswerError`.
        """
        with self._turn(on_notice) as turn:
            if (answer := answered_meanwhile()) is not None:
                return answer
            turn.begin()
            response = self._get(url, parameters, time_left)
            self._limiter.observe(response.headers)
        if is_whole(response.status, response.headers.get("Content-Range", "")):
            return self._read(response)
        text = self._plain_text(response)
        if self._is_spent(response.status, text):
            raise self._spent(response, text)
        error = SourceAnswerError(
            f"{self._title} answered with status {response.status} at {self.url}: {text or 'no text'}",
            status=response.status,
            text=text,
        )
        if response.status in PASSING:
            asked = self._asked_pause({"Retry-After": response.headers.get("Retry-After", "")})
            if asked is None or asked <= self._policy.longest_wait_s:
                raise TransientError(f"{self._title} answered with status {response.status}", error, asked)
        raise error

    def time_for_a_question(self) -> NetworkTime:
        """What `ask` may take in all, however often it is tried."""
        return NetworkTime(self._policy.answer_within_s)

    def _get(self, url: str, parameters: Mapping[str, str], time_left: NetworkTime) -> HttpAnswer:
        tries: int | None = None
        failure: RetrieverError
        try:
            with time_left.running():
                return self._session.get(url, parameters)
        except DeadlineExceededError:
            raise SourceUnreachableError(
                f"{self._title} did not answer in time at {self.url}: its answer was not whole after "
                f"{self._policy.answer_within_s:g} s; try again later"
            ) from None
        except LeavesOriginError as error:
            raise SourceUnreachableError(
                f"{self._title} redirects from {self.url} to another server, {error.target}, where nothing is sent. "
                "If it has moved there, give that address instead"
            ) from None
        except TooLargeError:
            raise SourceAnswerError(
                f"{self._title} sent an answer of more than {self._policy.largest_answer / (1 << 20):g} MiB from "
                f"{self.url}; is this its API's address?",
                status=200,
                text="",
            ) from None
        except requests.ConnectTimeout:  # a network, or a proxy, that drops what is sent
            words = f"no connection to {self._title} in {self._policy.connect_timeout_s:g} s"
            failure = SourceUnreachableError(
                f"{self._title} cannot be reached at {self.url}: nothing answered for "
                f"{self._policy.connect_timeout_s:g} s; check the network (or proxy) and try again"
            )
            tries = _TRIES_TO_CONNECT
        except requests.Timeout:
            words = f"{self._title} did not answer in time"
            failure = SourceUnreachableError(
                f"{self._title} did not answer in time at {self.url} "
                f"(within {self._policy.read_timeout_s:g} s); try again later"
            )
        except ValueError:  # what all errors about addresses are, those of requests, urllib3 and urllib.parse
            raise SourceUnreachableError.not_an_address(self.url) from None
        except requests.TooManyRedirects:
            raise SourceUnreachableError(
                f"{self._title} cannot be reached at {self.url}: it only redirects; check the address"
            ) from None
        except requests.exceptions.SSLError:
            raise SourceUnreachableError(
                f"no secure connection to {self._title} at {self.url}: its certificate is not accepted; "
                "check this machine's clock and any proxy in between"
            ) from None
        except NotConnectedError as error:
            words = f"{self._title} cannot be reached"
            failure = SourceUnreachableError.not_connected([(self._title, self.url)], error.reason)
            tries = _TRIES_TO_CONNECT
        except requests.RequestException:
            words = f"{self._title} cannot be reached"
            failure = SourceUnreachableError(
                f"{self._title} cannot be reached at {self.url}: the connection failed or was cut; "
                "check the network (or proxy) and try again"
            )
        if time_left.left_s <= 0:
            raise failure
        raise TransientError(words, failure, tries=tries)

    @contextmanager
    def _turn(self, on_notice: Notify) -> Iterator[Turn]:
        """Wait until a request may be sent, by the announced budget and by the turns of all who ask."""
        while True:
            self._wait_for_budget(on_notice)  # in no line: whoever would wait for too long is told at once
            with self._limiter.turn(self._policy, self._lock_directory) as turn:
                if not self._limiter.seconds_to_wait():  # others may have spent it meanwhile
                    yield turn
                    return

    def _asked_pause(self, headers: Mapping[str, str]) -> float | None:
        """The pause that a refusal asks for, which everybody keeps who asks this source."""
        asked = pause_asked_for(headers)
        if asked is not None:
            self._limiter.pause(asked)
        return asked

    def _wait_for_budget(self, on_notice: Notify) -> None:
        wait = self._limiter.seconds_to_wait()
        if wait > self._policy.longest_wait_s:
            raise RateLimitError(
                f"{self._title}'s rate limit is spent; it is renewed in {wait:.0f} s. Try again then.", wait
            )
        if wait > 0:
            on_notice(f"{self._title}'s rate limit is spent; waiting {wait:.0f} s until it is renewed")
            time.sleep(wait)

    def _spent(self, response: HttpAnswer, text: str, says: str = "says its rate limit is spent") -> Exception:
        asked = self._asked_pause(response.headers)
        window = self._policy.window_s
        if asked is not None:
            again = f"in {asked:.0f} s"
        else:
            again = "in a minute" if window is None else f"in at most {window / 60:.0f} minutes"
        error = RateLimitError(f"{self._title} {says} ({text or 'status 429'}); try again {again}", asked)
        if (asked if asked is not None else window or 0.0) > self._policy.longest_wait_s:
            return error
        return TransientError(f"{self._title} {says}", error, asked)

    def _read(self, response: HttpAnswer) -> dict[str, Any]:
        answer = json_object(response.body)
        if answer is not None:
            if self._key is not None:
                self._key.redact_json(answer)  # some repeat the request: what is kept and shown must not have it
            if words := self._asks_for_patience(answer):
                raise self._spent(response, words, "asks for patience")
            return answer
        text = self._plain_text(response)
        error = SourceAnswerError(
            f"{self._title} sent something that is not a JSON answer from {self.url}: {text or 'nothing at all'}",
            status=response.status,
            text=text,
        )
        if text.startswith("<"):
            raise error  # a page of a proxy or of maintenance stays for longer than a few tries
        raise TransientError(f"{self._title} sent a broken answer", error)

    def _plain_text(self, response: HttpAnswer) -> str:
        text = response.body[: 4 * _TEXT_SHOWN].decode("utf-8", "replace")
        text = self._key.redact(printable(text)) if self._key else printable(text)
        return text[:_TEXT_SHOWN] + ("…" if len(text) > _TEXT_SHOWN else "")

    def close(self) -> None:
        """Close connections."""
        self._session.close()
