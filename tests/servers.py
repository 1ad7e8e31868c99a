"""A stock source on loopback that answers by script: real HTTP, with every way a server can go wrong."""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from retriever.http import RequestPolicy

KEY = "31415926-nobodysseesthiskey0"
QUICK = RequestPolicy(
    user_agent="phrasepix-tests", attempts=3, backoff_s=0.01, longest_backoff_s=0.05, longest_wait_s=2.0
)
"""As polite as ever, without the long pauses."""


def hit(number: int, **changes: Any) -> dict[str, Any]:
    """A hit as Pixabay sends it since 2024."""
    name = f"https://cdn.example/{number}"
    return {
        "id": number,
        "pageURL": f"https://stock.example/photos/{number}/",
        "type": "photo",
        "tags": "boat, sea, night",
        "previewURL": f"{name}_150.jpg",
        "previewWidth": 150,
        "previewHeight": 100,
        "webformatURL": f"{name}_640.jpg",
        "webformatWidth": 640,
        "webformatHeight": 426,
        "largeImageURL": f"{name}_1280.jpg",
        "imageWidth": 3000,
        "imageHeight": 2000,
        "user": "somebody",
        "user_id": 7,
        "userURL": "https://stock.example/users/somebody-7/",
        "noAiTraining": True,
        "isAiGenerated": False,
        "isGRated": True,
        "isLowQuality": 0,
    } | changes


@dataclass(frozen=True)
class Step:
    """One answer. `cut_after` closes the connection after that many bytes of the body (-1: before the status line)."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut_after: int | None = None
    declared_length: int | None = None
    header_line: bytes = b""


def plain(status: int, text: str, **headers: str) -> Step:
    """An error as Pixabay sends it; underscores of header names become hyphens."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Step(status, text.encode(), {"Content-Type": "text/plain", **names})


def as_json(answer: object, **headers: str) -> Step:
    """An answer in JSON."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Step(200, json.dumps(answer).encode(), {"Content-Type": "application/json", **names})


def of_hits(hits: Sequence[object], total: int | None = None, **headers: str) -> Step:
    """An answer with these hits; `total` is what `totalHits` says."""
    count = len(hits) if total is None else total
    return as_json({"total": count, "totalHits": count, "hits": list(hits)}, **headers)


def redirect(url: str, status: int = 302) -> Step:
    return Step(status, headers={"Location": url})


@dataclass(frozen=True)
class Asked:
    """A request the server got: its path, its query (each parameter once) and its headers."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


def stock_of(hits: Sequence[object], *, reachable: int = 500) -> Callable[[Asked], Step]:
    """Answers page by page, as Pixabay does: out of range past `reachable`, empty past the last hit."""

    def answer(asked: Asked) -> Step:
        page, per_page = int(asked.query.get("page", "1")), int(asked.query.get("per_page", "20"))
        start = (page - 1) * per_page
        if start >= reachable:
            return plain(400, '[ERROR 400] "page" is out of valid range.')
        return of_hits(hits[start : min(start + per_page, reachable)], min(len(hits), reachable))

    return answer


class ScriptedServer:
    """Plays its steps in order, then asks `otherwise`; `asked` records what came in.

    Use as a context manager: it listens on a free loopback port in between.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.steps: deque[Step] = deque()
        self.otherwise: Callable[[Asked], Step] = lambda asked: plain(500, "the script has ended")
        self.stopping = threading.Event()
        self._http = _Listener(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.005})

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """The API's address."""
        return f"{self.origin}/api/"

    @property
    def pages(self) -> list[int]:
        """The pages asked for, in order."""
        return [int(asked.query["page"]) for asked in self.asked]

    def play(self, *steps: Step) -> None:
        self.steps.extend(steps)

    def next_step(self, asked: Asked) -> Step:
        self.asked.append(asked)
        return self.steps.popleft() if self.steps else self.otherwise(asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, script: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections clients keep alive, so that their threads end."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client hung up first
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        step = self.server.script.next_step(Asked(parts.path, query, dict(self.headers.items())))
        if step.delay_s:
            self.server.script.stopping.wait(step.delay_s)
        if step.cut_after is not None:
            self.close_connection = True
            if step.cut_after < 0:
                return
        self.send_response(step.status)
        for name, value in step.headers.items():
            self.send_header(name, value)
        length = len(step.body) if step.declared_length is None else step.declared_length
        self.send_header("Content-Length", str(length))
        if step.header_line:
            self.flush_headers()
            self.wfile.write(step.header_line + b"\r\n")
            self._headers_buffer: list[bytes] = []
        self.end_headers()
        self.wfile.write(step.body[: step.cut_after])
        if step.declared_length is not None:
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
