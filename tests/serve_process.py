"""`phrasepix serve` as a process, and a client that asks it."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import requests

from tests.test_command_line import command

EVENTS = {"Accept": "text/event-stream"}


class ServeProcess:
    """The real command; `address` is what it printed, once it listens. Use as a context manager."""

    def __init__(self, root: Path, environment: Mapping[str, str], *arguments: str) -> None:
        self.root = root
        self._command = command("serve", "--root", str(root), *arguments)
        self._environment = os.environ | environment
        self.address = ""
        self._said: list[str] = []

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.address.partition("/?")[0]

    @property
    def token(self) -> str:
        """What every request must show."""
        return self.address.partition("token=")[2]

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.address).port or 0

    @property
    def process_id(self) -> int:
        """Of the running command."""
        return self._process.pid

    @property
    def said(self) -> str:
        """What it has written to stderr so far."""
        return "".join(self._said)

    def page(self, **asked: object) -> str:
        """The page's address that asks for something, with the token."""
        query = urlencode(asked, doseq=True)
        return f"{self.address}&{query}" if query else self.address

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Ask with the token; a body that is no bytes is sent as JSON."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        given = {"data": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        return requests.request(method, self.origin + path, headers=headers, timeout=60, **given, **options)

    def get(self, path: str) -> Any:
        """Return what a route answers with status 200, as JSON."""
        return good(self.ask("GET", path))

    def post(self, path: str, body: Any) -> Any:
        """Return what a route answers with status 200 or 201, as JSON."""
        return good(self.ask("POST", path, body))

    def events(self, path: str, body: Any) -> Iterator[tuple[str, Any]]:
        """Yield the events of a search, by name and data; whoever leaves early closes the connection."""
        answer = self.ask("POST", path, body, headers=EVENTS, stream=True)
        with closing(answer):
            assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
            name = ""
            for line in answer.iter_lines(decode_unicode=True):
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, json.loads(value)

    def end(self, number: int = signal.SIGINT) -> int:
        """End it as a terminal does; return its exit code."""
        self._process.send_signal(number)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address.startswith("http"), self._process.stderr.read()
        # Whatever else it says is read, so that it never waits for a full pipe.
        self._reader = threading.Thread(target=self._said.extend, args=(self._process.stderr,), daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._process.poll() is None:
            self.end()
        self._reader.join(10)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def serving_the_sample(place: Path, link_export: Callable[[Path], None], *arguments: str) -> Iterator[ServeProcess]:
    """The command with root and cache of its own in a directory, and the sample's model at hand."""
    link_export(place / "cache")
    with ServeProcess(place / "root", {"PHRASEPIX_CACHE_DIR": str(place / "cache")}, *arguments) as server:
        yield server


def good(answer: requests.Response) -> Any:
    """The JSON of an answer that is none of a problem."""
    assert answer.ok, answer.text
    return answer.json()


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    """The problem that an answer of a status is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["detail"]
    return told
