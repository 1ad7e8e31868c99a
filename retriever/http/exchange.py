"""One exchange with an API over HTTP: bounded in time and bytes, and within the API's own origin."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from phrasepix_core.urls import is_on_this_machine, is_within_origin, redirect_target, shown_url
from phrasepix_core.user_agent import user_agent
from retriever.api_key import ApiKey, KeyPlace
from retriever.http.keyed_transport import KeyedTransport
from retriever.http.policy import RequestPolicy
from retriever.http.transport import WatchedTransport

_CHUNK = 1 << 16
_MOST_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it came: its status, headers (their names in any case) and unpacked body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class LeavesOriginError(Exception):
    """An API redirects to another server; `target` says to which, fit to show."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class TooLargeError(Exception):
    """An answer is larger than any real one."""


class _OwnLogin(AuthBase):
    """The login that an API's own address names, and none of `.netrc`, which was never meant for it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._login = HTTPBasicAuth(unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return self._login(request) if self._login else request


class ApiSession:
    """Connections to the API at `url`, kept open; each request carries `key`, where one is given, in its place."""

    def __init__(self, url: str, policy: RequestPolicy, key: ApiKey | None, key_place: KeyPlace) -> None:
        self._url = url
        self._policy = policy
        self._session = requests.Session()
        self._session.headers["User-Agent"] = policy.user_agent or user_agent()
        self._session.headers["Accept"] = "application/json"
        self._session.headers["Accept-Encoding"] = "gzip, deflate"
        self._session.auth = _OwnLogin(url)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, WatchedTransport())
        if key is not None:
            parts = urlsplit(url)
            self._session.mount(f"{parts.scheme}://{parts.netloc}/", KeyedTransport(key_place, key))

    def get(self, url: str, parameters: Mapping[str, str]) -> HttpAnswer:
        """The answer to a question, redirects within the origin followed.

        To be called within a `deadline`, which bounds all of it. Raises `LeavesOriginError`, `TooLargeError`,
        `requests.RequestException`, and `ValueError` for what is no address.
        """
        asked: Mapping[str, str] | None = dict(parameters)
        for _ in range(_MOST_REDIRECTS):
            with self._session.get(
                url,
                params=asked,
                timeout=(self._policy.connect_timeout_s, self._policy.read_timeout_s),
                # No proxy stands between this machine and itself.
                proxies={"http": "", "https": ""} if is_on_this_machine(self._url) else None,
                # Followed here: requests would take along a login of .netrc, and go anywhere.
                allow_redirects=False,
                stream=True,
            ) as response:
                if not response.is_redirect:
                    return HttpAnswer(response.status_code, response.headers, self._body(response))
                target = redirect_target(response.url, response.headers["Location"])
            if not urlsplit(target).hostname:
                raise ValueError("redirected to what is no address")
            if not is_within_origin(self._url, target):
                raise LeavesOriginError(shown_url(target))
            url, asked = target, None
        raise requests.TooManyRedirects

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if max(len(body), response.raw.tell()) > self._policy.largest_answer:
                raise TooLargeError
        return bytes(body)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
