"""Asking an API for a JSON answer: kept for a day, within the rate limit, with patience."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from retriever.answer_fields import printable
from retriever.api_key import ApiKey
from retriever.courtesy.addresses import is_on_this_machine
from retriever.courtesy.answer_cache import is_kept, json_object, open_session
from retriever.courtesy.budget import RequestBudget
from retriever.courtesy.key_place import KeyPlace, in_query
from retriever.courtesy.keyed_transport import KeyedTransport
from retriever.courtesy.manners import Manners
from retriever.courtesy.no_transport import NoTransport
from retriever.courtesy.transient import TransientError
from retriever.errors import (
    AnswerNotKeptError,
    RateLimitError,
    RetrieverError,
    SourceAnswerError,
    SourceUnreachableError,
)

logger = logging.getLogger(__name__)

_WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
_TEXT_SHOWN = 200


class AnswerClient:
    """Asks one API endpoint.

    `title` is the source's name for people. With `cache_file` given, good answers are kept there for
    `manners.keep_answers_for` (SQLite; several processes may share it; the key is never in it), and a
    question asked before is answered without sending anything. `worth_keeping` tells a good answer from
    JSON that says something else, such as a proxy's notice; `is_spent` tells from status and text that the rate limit
    is; `asks_for_patience` finds the words in which an answer of status 200 says so (empty where it does not). With
    `offline`, what is kept is all there is: nothing is sent to anybody.

    Raises `SourceUnreachableError` where `url` is not an address.
    """

    def __init__(
        self,
        url: str,
        *,
        title: str,
        manners: Manners,
        key: ApiKey | None = None,
        key_place: KeyPlace = in_query("key"),  # noqa: B008  # a constant
        cache_file: Path | None = None,
        worth_keeping: Callable[[dict[str, Any]], bool] = lambda answer: True,
        is_spent: Callable[[int, str], bool] = lambda status, text: status == 429,
        asks_for_patience: Callable[[dict[str, Any]], str] = lambda answer: "",
        offline: bool = False,
    ) -> None:
        self.url = url
        try:
            parts = urlsplit(url)
        except ValueError:
            raise self._not_an_address() from None
        self._origin = f"{parts.scheme}://{parts.netloc}/"
        self._title = title
        self._manners = manners
        self._key = key
        self._budget = RequestBudget()
        self._next_at = 0.0
        self._offline = offline
        self._is_spent = is_spent
        self._asks_for_patience = asks_for_patience
        self._key_place = key_place
        self._session = self._equip(open_session(cache_file, manners.keep_answers_for, worth_keeping))

    def ask(self, parameters: Mapping[str, str], path: str = "") -> dict[str, Any]:
        """The answer to one question: a JSON object. `path` is added to the endpoint's address.

        Raises `SourceUnreachableError`, `RateLimitError` or `SourceAnswerError`, after as many tries as
        the manners allow where another try may help; offline `AnswerNotKeptError`.
        """
        url = self.url + path
        try:
            if self._is_kept(parameters, url):
                return self._ask_once(parameters, url)
            from retriever.courtesy.patience import patiently  # what a kept answer does without is imported late

            return patiently(lambda: self._ask_once(parameters, url), self._manners)
        except TransientError as error:
            final = error.final
        raise final

    def _is_kept(self, parameters: Mapping[str, str], url: str) -> bool:
        return is_kept(self._session, requests.Request("GET", url, params=dict(parameters)))

    def _ask_once(self, parameters: Mapping[str, str], url: str) -> dict[str, Any]:
        response = self._get(parameters, url)
        if not getattr(response, "from_cache", False):
            self._budget.observe(response.headers)
        if response.status_code == 200:
            return self._read(response)
        text = self._plain_text(response)
        if self._is_spent(response.status_code, text):
            raise self._spent(response, text)
        error = SourceAnswerError(
            f"{self._title} answered with status {response.status_code} at {self.url}: {text or 'no text'}",
            status=response.status_code,
            text=text,
        )
        if response.status_code in _WORTH_ANOTHER_TRY:
            asked = self._budget.pause_asked_for({"Retry-After": response.headers.get("Retry-After", "")})
            if asked is None or asked <= self._manners.longest_wait_s:
                raise TransientError(f"{self._title} answered with status {response.status_code}", error, asked)
        raise error

    def _get(self, parameters: Mapping[str, str], url: str) -> requests.Response:
        if not self._is_kept(parameters, url):
            if self._offline:
                raise AnswerNotKeptError(f"no answer of {self._title} to this question is kept on this machine")
            self._wait_for_budget()
        failure: RetrieverError
        try:
            return self._session.get(
                url,
                params=dict(parameters),
                timeout=(self._manners.connect_timeout_s, self._manners.read_timeout_s),
                # No proxy stands between this machine and itself.
                proxies={"http": "", "https": ""} if is_on_this_machine(self.url) else None,
            )
        except requests.Timeout:
            words = f"{self._title} did not answer in time"
            failure = SourceUnreachableError(
                f"{self._title} did not answer in time at {self.url} "
                f"({self._manners.connect_timeout_s:g} s to connect, {self._manners.read_timeout_s:g} s to answer)"
            )
        except ValueError:  # what all errors about addresses are, those of requests, urllib3 and urllib.parse
            raise self._not_an_address() from None
        except requests.TooManyRedirects:
            raise SourceUnreachableError(
                f"{self._title} cannot be reached at {self.url}: it only redirects; check the address"
            ) from None
        except requests.exceptions.SSLError:
            raise SourceUnreachableError(
                f"no secure connection to {self._title} at {self.url}: its certificate is not accepted; "
                "check this machine's clock and any proxy in between"
            ) from None
        except requests.RequestException:
            words = f"{self._title} cannot be reached"
            failure = SourceUnreachableError(
                f"{self._title} cannot be reached at {self.url}: the connection failed or was cut; "
                "check the network (or proxy) and try again"
            )
        except sqlite3.Error as error:
            logger.warning("answers cannot be kept on this machine (%s); going on without", error)
            self._session.close()
            self._session = self._equip(requests.Session())
            return self._get(parameters, url)  # offline, this finds that nothing is kept
        raise TransientError(words, failure)

    def _not_an_address(self) -> SourceUnreachableError:
        return SourceUnreachableError(
            f"{self.url!r} is not an address that can be asked, or redirects to one that is not; "
            "it must look like https://host/path"
        )

    def _wait_for_budget(self) -> None:
        wait = self._budget.seconds_to_wait()
        if wait > self._manners.longest_wait_s:
            raise RateLimitError(
                f"{self._title}'s rate limit is spent; it is renewed in {wait:.0f} s. Try again then.", wait
            )
        if wait > 0:
            logger.warning("%s's rate limit is spent; waiting %.0f s until it is renewed", self._title, wait)
            time.sleep(wait)
        time.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = time.monotonic() + self._manners.interval_s

    def _spent(self, response: requests.Response, text: str, says: str = "says its rate limit is spent") -> Exception:
        asked = self._budget.pause_asked_for(response.headers)
        window = self._manners.window_s
        if asked is not None:
            again = f"in {asked:.0f} s"
        else:
            again = "in a minute" if window is None else f"in at most {window / 60:.0f} minutes"
        error = RateLimitError(f"{self._title} {says} ({text or 'status 429'}); try again {again}", asked)
        if (asked if asked is not None else window or 0.0) > self._manners.longest_wait_s:
            return error
        return TransientError(f"{self._title} {says}", error, asked)

    def _read(self, response: requests.Response) -> dict[str, Any]:
        answer = json_object(response)
        if answer is not None:
            if words := self._asks_for_patience(answer):
                raise self._spent(response, words, "asks for patience")
            return answer
        text = self._plain_text(response)
        error = SourceAnswerError(
            f"{self._title} sent something that is not a JSON answer from {self.url}: {text or 'nothing at all'}",
            status=response.status_code,
            text=text,
        )
        if text.startswith("<"):
            raise error  # a page of a proxy or of maintenance stays for longer than a few tries
        raise TransientError(f"{self._title} sent a broken answer", error)

    def _plain_text(self, response: requests.Response) -> str:
        try:
            text = response.content[: 4 * _TEXT_SHOWN].decode("utf-8", "replace")
        except requests.RequestException:
            return ""
        text = self._key.redact(printable(text)) if self._key else printable(text)
        return text[:_TEXT_SHOWN] + ("…" if len(text) > _TEXT_SHOWN else "")

    def _equip(self, session: requests.Session) -> requests.Session:
        session.headers["User-Agent"] = self._manners.user_agent
        session.headers["Accept"] = "application/json"
        if self._offline:
            for scheme in ("https://", "http://"):
                session.mount(scheme, NoTransport())
        elif self._key is not None:
            session.mount(self._origin, KeyedTransport(self._key_place, self._key))
        return session

    def close(self) -> None:
        """Close connections and cache."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
