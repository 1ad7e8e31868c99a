"""Client of a JSON API that caches answers, keeps the rate limit and retries."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from phrasepix_core.cached_property import cached_property
from phrasepix_core.turns import waits
from retriever.api_key import ApiKey, KeyPlace, in_query
from retriever.errors import AnswerNotKeptError, SourceUnreachableError
from retriever.http.policy import RequestPolicy
from retriever.http.rate_limiter import RateLimiter
from retriever.http.response_cache import ResponseCache
from retriever.http.retry import TransientError, with_retries
from retriever.source import Notify, log_notice

if TYPE_CHECKING:
    from retriever.http.http_client import HttpClient, NetworkTime


class CachedApiClient:
    """Asks one API endpoint.

    `title` is the source's name for people. With `cache_file` given, good answers are kept there for
    `policy.keep_answers_for` (SQLite; several processes may share it; the key is never in it), and a
    question asked before is answered without sending anything. `worth_keeping` tells a good answer from
    JSON that says something else, such as a proxy's notice; `is_spent` tells from status and text that the rate limit
    is; `asks_for_patience` finds the words in which an answer of status 200 says so (empty where it does not).
    Requests take turns by the `limiter` (None: one of this client's own). With `offline`, what is kept is all there is:
    nothing is sent to anybody.

    Raises `SourceUnreachableError` where `url` is not an address.
    """

    def __init__(
        self,
        url: str,
        *,
        title: str,
        policy: RequestPolicy,
        key: ApiKey | None = None,
        key_place: KeyPlace = in_query("key"),  # noqa: B008  # a constant
        cache_file: Path | None = None,
        worth_keeping: Callable[[dict[str, Any]], bool] = lambda answer: True,
        is_spent: Callable[[int, str], bool] = lambda status, text: status == 429,
        asks_for_patience: Callable[[dict[str, Any]], str] = lambda answer: "",
        limiter: RateLimiter | None = None,
        offline: bool = False,
    ) -> None:
        try:
            urlsplit(url)
        except ValueError:
            raise SourceUnreachableError.not_an_address(url) from None
        self.url = url
        self._title = title
        self._policy = policy
        self._key = key
        self._key_place = key_place
        self._worth_keeping = worth_keeping
        self._is_spent = is_spent
        self._asks_for_patience = asks_for_patience
        self._offline = offline
        self._limiter = limiter
        self._lock_directory = None if cache_file is None else cache_file.parent / "limits"
        self._kept = ResponseCache(cache_file, policy.keep_answers_for)

    def ask(self, parameters: Mapping[str, str], path: str = "", on_notice: Notify = log_notice) -> dict[str, Any]:
        """The answer to one question: a JSON object. `path` is added to the endpoint's address.

        `on_notice` is told how long the rate limit is waited for.

        Raises `SourceUnreachableError`, `RateLimitError` or `SourceAnswerError`, after as many tries as
        the policy allows where another try may help; offline `AnswerNotKeptError`.
        """
        url = self.url + path
        question = _digest(url, parameters)
        if (kept := self._kept.get(question)) is not None:
            return kept
        if self._offline:
            raise AnswerNotKeptError(f"no answer of {self._title} to this question is kept on this machine")

        time_left: NetworkTime | None = None

        def kept_or_new() -> dict[str, Any]:
            kept = None

            def answered_meanwhile() -> dict[str, Any] | None:  # by another search, while this one waited
                nonlocal kept
                kept = self._kept.get(question)
                return kept

            nonlocal time_left
            time_left = time_left or self._http.time_for_a_question()
            answer = self._http.ask(url, parameters, time_left, answered_meanwhile, on_notice)
            if kept is None and self._worth_keeping(answer):
                self._kept.put(question, answer)
            return answer

        try:
            with waits():
                return with_retries(kept_or_new, self._policy)
        except TransientError as error:
            final = error.final
        raise final

    @cached_property
    def _http(self) -> "HttpClient":
        from retriever.http.http_client import HttpClient  # imports requests: 0.1 s

        return HttpClient(
            self.url,
            title=self._title,
            policy=self._policy,
            key=self._key,
            key_place=self._key_place,
            is_spent=self._is_spent,
            asks_for_patience=self._asks_for_patience,
            limiter=self._limiter or RateLimiter(sha256(self.url.encode()).hexdigest()[:24]),
            lock_directory=self._lock_directory,
        )

    def close(self) -> None:
        """Close connections and cache."""
        self._kept.close()
        if "_http" in vars(self):
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _digest(url: str, parameters: Mapping[str, str]) -> str:
    """A question's name in the file, which need not show the address."""
    return sha256(json.dumps([url, sorted(parameters.items())]).encode()).hexdigest()
