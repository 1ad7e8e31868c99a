"""An HTTP/1.1 server on loopback that hands each GET or HEAD to one function; it knows nothing of pictures.

Beside the standard library's server it keeps what a short-lived site needs: it stops at once, open connections and
all, looks up no host name when it starts, writes nothing to stderr, and answers its own faults in plain text.
"""

import contextlib
import logging
import selectors
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

HOST = "127.0.0.1"
"""The only address the server listens on."""

_LINGER_S = 0.25
_LINGER_READS = 256
_JOIN_S = 5.0
_logger = logging.getLogger(__name__)
_Socket = socket.socket | tuple[bytes, socket.socket]  # the second is for datagrams, which never come here


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: status, body and what headers it needs beyond the ordinary ones."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def plain_text(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of one line of plain text."""
    return Answer(status, "text/plain; charset=utf-8", text.encode(), headers or {})


class LoopbackServer(ThreadingHTTPServer):
    """A server on 127.0.0.1 with a thread a connection.

    Args:
        port: where to listen; 0 takes a free one.
        respond: gives the answer for a request target (path and query string as sent). It runs in many threads.

    Raises:
        OSError: if the port is taken.
    """

    daemon_threads = True
    request_queue_size = 64
    timeout = 0.0  # for handle_request(), which is called only once a connection waits

    def __init__(self, port: int, respond: Callable[[str], Answer]) -> None:
        self.respond = respond
        self.closing = threading.Event()
        self._open: dict[_Socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__((HOST, port), _Handler)
        # A connection that is gone again before it is accepted must not hold up the thread that accepts.
        self.socket.setblocking(False)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name="sample site", daemon=True)

    @property
    def port(self) -> int:
        """The port the server listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to accept connections."""
        self._acceptor.start()

    def stop(self) -> None:
        """Stop at once: close the listening socket and every connection, and wait for their threads."""
        self.closing.set()
        self._wake_writer.send(b"\0")
        self._acceptor.join(_JOIN_S)
        self.server_close()
        self._wake_reader.close()
        self._wake_writer.close()
        with self._lock:
            connections = list(self._open.items())
        for connection, _ in connections:
            with contextlib.suppress(OSError):  # already closed by its own thread
                cast(socket.socket, connection).shutdown(socket.SHUT_RDWR)
        for _, thread in connections:
            thread.join(_JOIN_S)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while not self.closing.is_set():
                selector.select()
                if not self.closing.is_set():
                    self.handle_request()

    def server_bind(self) -> None:
        """Bind without looking up the host's name, as the standard library's server does, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.port

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept one connection; its socket blocks, whatever it inherits from the listening one."""
        connection, address = self.socket.accept()
        connection.setblocking(True)
        return connection, address

    def process_request(self, request: _Socket, client_address: Any) -> None:
        """Handle a connection in a thread of its own, remembered so that stop() can end it."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="sample site connection",
            daemon=True,
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def process_request_thread(self, request: _Socket, client_address: Any) -> None:
        """Handle a connection to its end and forget it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(request, None)

    def shutdown_request(self, request: _Socket) -> None:
        """Close a connection so that its last answer arrives even if the client still has something to say."""
        connection = cast(socket.socket, request)
        # Closing with unread bytes resets the connection, and the client could lose the answer: read on for a moment.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(_LINGER_S)
            for _ in range(_LINGER_READS):
                if not connection.recv(65536):
                    break
        self.close_request(request)

    def handle_error(self, request: _Socket, client_address: Any) -> None:
        """A client that hangs up in the middle is nothing to report; anything else goes to the debug log."""
        _logger.debug("A connection to the sample site broke off.", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "phrasepix-sample"
    sys_version = ""
    timeout = 60.0  # seconds an idle connection is kept
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.close_connection = True  # the body stays unread
        text = "[ERROR 405] Only GET and HEAD are allowed."
        self._send(plain_text(HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": "GET, HEAD"}))

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815

    def _answer(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body nobody reads must not be taken for the next request
        server = cast(LoopbackServer, self.server)
        try:
            answer = server.respond(self.path)
        except Exception:
            _logger.debug("The sample site could not answer a request.", exc_info=True)
            answer = plain_text(HTTPStatus.INTERNAL_SERVER_ERROR, "[ERROR 500] The site could not answer this request.")
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        status = answer.status
        head = [
            f"{self.protocol_version} {status.value} {status.phrase}",
            f"Server: {self.server_version}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            "X-Content-Type-Options: nosniff",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
            f"Connection: {'close' if self.close_connection else 'keep-alive'}",
        ]
        body = b"" if self.command == "HEAD" else answer.body
        # One write, so that head and body leave in one segment where they fit.
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a malformed request in plain text, without repeating any of it."""
        self.close_connection = True
        status = HTTPStatus(code)
        self._send(plain_text(status, f"[ERROR {status.value}] {status.phrase}."))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is written: a request line holds the key."""
