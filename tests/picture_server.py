"""A real HTTP server on loopback that serves pictures and everything that goes wrong with them."""

import io
import socket
import ssl
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import trustme
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from phrasepix_core.candidate import Candidate, Rendition
from reranker.testing import COLOURS
from retriever.testing import made_candidate


class Exchange:
    """One request being answered."""

    def __init__(self, handler: BaseHTTPRequestHandler, ended: threading.Event) -> None:
        self._handler = handler
        self._ended = ended

    def asked(self, name: str) -> str:
        """A header of the request; empty where it has none of that name."""
        return self._handler.headers.get(name, "")

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait, and say whether the server was ended meanwhile."""
        return self._ended.wait(seconds)

    def cut(self) -> None:
        """Close the connection without another word."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)


Answer = Callable[[Exchange], None]


def file(
    body: bytes, content_type: str = "image/jpeg", status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
) -> Answer:
    """A plain answer with its length announced."""

    def answer(exchange: Exchange) -> None:
        exchange.head(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **headers})
        exchange.send(body)

    return answer


def chunked(body: bytes, piece: int = 8192) -> Answer:
    """An answer whose length is not announced."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "image/jpeg", "Transfer-Encoding": "chunked"})
        for start in range(0, len(body), piece):
            part = body[start : start + piece]
            exchange.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        exchange.send(b"0\r\n\r\n")

    return answer


def status(code: int) -> Answer:
    """An answer that is a failure, with a body of its own."""
    return file(b"<h1>No picture here</h1>", "text/html", code)


def redirect(location: str, code: int = 302) -> Answer:
    """An answer that points elsewhere."""
    return file(b"", "text/html", code, {"Location": location})


def cut_after(body: bytes, announced: int) -> Answer:
    """`body` of the `announced` bytes, then the connection is closed."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "image/jpeg", "Content-Length": str(announced)})
        exchange.send(body)
        exchange.cut()

    return answer


def in_ranges(body: bytes, etag: str = "", *, cut_at: int | None = None) -> Answer:
    """`body` from where the request asks for it, if it is still that of `etag`; up to `cut_at` where given."""

    def answer(exchange: Exchange) -> None:
        start = int(exchange.asked("Range").removeprefix("bytes=").partition("-")[0] or 0)
        if exchange.asked("If-Range") not in {"", etag}:
            start = 0
        headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(body) - start)}
        headers |= {"ETag": etag} if etag else {}
        if start:
            exchange.head(206, headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"})
        else:
            exchange.head(200, headers)
        exchange.send(body[start:cut_at])
        if cut_at is not None:
            exchange.cut()

    return answer


def trickle(body: bytes, pause_s: float) -> Answer:
    """A byte now and then, until the other side has enough of it."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "image/jpeg", "Content-Length": str(len(body))})
        for byte in body:
            if exchange.wait(pause_s):
                return
            exchange.send(bytes([byte]))

    return answer


def after(pause_s: float, body: bytes) -> Answer:
    """The file, after a pause."""

    def answer(exchange: Exchange) -> None:
        if not exchange.wait(pause_s):
            file(body)(exchange)

    return answer


def hold_until(event: threading.Event, body: bytes) -> Answer:
    """The file once `event` is set, and a 500 if that does not happen."""

    def answer(exchange: Exchange) -> None:
        (file(body) if event.wait(30) else status(500))(exchange)

    return answer


def endless_redirect(location: str) -> Answer:
    """A redirect whose own body has no end."""

    def answer(exchange: Exchange) -> None:
        exchange.head(302, {"Location": location, "Content-Type": "text/html"})
        while not exchange.wait(0.001):
            exchange.send(b"moved " * 1000)

    return answer


def silence(exchange: Exchange) -> None:
    """No answer at all, for as long as the server runs."""
    exchange.wait()
    exchange.cut()


class PictureServer:
    """Serves on a free port of 127.0.0.1 what was put at each path; counts what was asked.

    With `https`, by a certificate of its own `authority` (PEM), which nobody trusts unless told.
    """

    authority = b""

    def __init__(self, *, https: bool = False) -> None:
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._connections: set[socket.socket] = set()
        self.asked: Counter[str] = Counter()
        self.connections_in_all = 0
        self.most_connections = 0
        """How many were open at once."""
        self.received = threading.Event()
        """Set with the first request."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # it would hold each body back until the head is acknowledged

            def setup(self) -> None:
                super().setup()
                with server._lock:
                    server._connections.add(self.connection)
                    server.connections_in_all += 1
                    server.most_connections = max(server.most_connections, len(server._connections))

            def finish(self) -> None:
                with server._lock:
                    server._connections.discard(self.connection)
                super().finish()

            def do_GET(self) -> None:
                path = urlsplit(self.path).path  # the whole URL where this serves as a proxy
                with server._lock:
                    server.asked[path] += 1
                    answers = server._answers.get(path, [status(404)])
                    answer = answers[0] if len(answers) == 1 else answers.pop(0)
                server.received.set()
                answer(Exchange(self, server._ended))

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False  # joined on close: nothing is left behind for the next test
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the other side closed first, as many of these tests make it

        self._server = Server(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if https:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority = trustme.CA()
            authority.issue_cert("127.0.0.1").configure_cert(context)
            self.authority = authority.cert_pem.bytes()
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def asked_in_all(self) -> int:
        """How many requests came."""
        return self.asked.total()

    def url(self, path: str) -> str:
        """The URL of `path`."""
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._connections)

    def put(self, path: str, *answers: Answer) -> str:
        """Serve `answers` at `path`, one after the other and the last of them from then on. Gives the URL."""
        with self._lock:
            self._answers[path] = list(answers)
        return self.url(path)

    def answers(self, path: str) -> list[Answer]:
        """What is served at `path`."""
        with self._lock:
            return list(self._answers[path])

    def close(self) -> None:
        """End it, with whatever it is in the middle of."""
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed already
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def unused_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stripes(colours: Sequence[str], size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture of upright stripes of equal width."""
    picture = Image.new("RGB", size)
    for place, colour in enumerate(colours):
        left, right = size[0] * place // len(colours), size[0] * (place + 1) // len(colours)
        picture.paste(COLOURS[colour], (left, 0, right, size[1]))
    return picture


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of under a hundred bytes whose header announces a picture of `width` × `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def candidate(number: int | str, url: str, *, source: str = "sample", size: tuple[int, int] = (64, 48)) -> Candidate:
    """A candidate with one rendition."""
    return candidate_of(number, (Rendition(url, *size),), source=source)


def candidate_of(number: int | str, renditions: tuple[Rendition, ...], *, source: str = "sample") -> Candidate:
    """A candidate with these renditions."""
    return made_candidate(
        number,
        source=source,
        page_url=f"https://{source}.example/pictures/{number}",
        renditions=renditions,
        tags=("stripes",),
        creator="someone",
        creator_url="https://stock.example/people/1",
        licence="Free",
        licence_url="https://stock.example/licence",
        credit="someone, stock.example",
        found_by="stripes",
    )


def put_pool(server: PictureServer, count: int, *, source: str = "sample") -> list[Candidate]:
    """Candidates that show the less red the later they come, except that every third looks like the one before.

    Their files differ all the same: what is equal to the byte folds.
    """
    pool = []
    for number in range(count):
        red = max(1, 12 - (number - (number % 3 == 2)))
        picture = stripes(["red"] * red + ["blue"] * (13 - red))
        named = PngInfo()
        named.add_text("Title", str(number))
        url = server.put(f"/good/{number}.png", file(encoded(picture, "PNG", pnginfo=named), "image/png"))
        pool.append(candidate(number, url, source=source))
    return pool
