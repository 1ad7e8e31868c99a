"""A hub of models on loopback, as huggingface_hub asks it, with the ways it can refuse."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"

Answer = tuple[int, Mapping[str, str], bytes]


class HubServer:
    """Serves the `files` of one repository; where `refusal` gives an answer for a path, that one instead.

    `amid` is called with the path when half of an answer is sent.

    `asked` has the paths asked for, in their order.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        refusal: Callable[[str], Answer | None] = lambda path: None,
        amid: Callable[[str], None] = lambda path: None,
    ) -> None:
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nobody reads it."""

            def do_GET(self) -> None:
                self._answer()

            def do_HEAD(self) -> None:
                self._answer()

            def _answer(self) -> None:
                path = unquote(urlsplit(self.path).path)
                hub.asked.append(path)
                status, headers, body = refusal(path) or _found(path, files)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    half = len(body) // 2
                    with suppress(ConnectionError):  # whoever wants the first byte alone goes away
                        self.wfile.write(body[:half])
                        amid(path)
                        self.wfile.write(body[half:])

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _found(path: str, files: Mapping[str, bytes]) -> Answer:
    parts = path.strip("/").split("/")
    match parts:
        case [] | [""]:
            return 200, {}, b"a hub"
        case ["api", "models", owner, name, "revision", _] | ["api", "models", owner, name]:
            return _json({"id": f"{owner}/{name}", "sha": COMMIT, "siblings": [{"rfilename": one} for one in files]})
        case ["api", "models", _, _, "tree", *_]:
            return _json([
                {"type": "file", "path": one, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for one, data in files.items()
            ])  # fmt: skip
        case [_, _, "resolve", _, *below] if (data := files.get("/".join(below))) is not None:
            return 200, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}, data
    return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b""


def _json(answer: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()
