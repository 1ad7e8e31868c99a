"""Whatever a server sends, nothing takes longer than its deadline nor more memory than its bound."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from phrasepix.saving.download import Downloader
from phrasepix.saving.partial_download import PartialDownload
from phrasepix_core.candidate import Rendition
from phrasepix_core.deadlines import Deadline, DeadlineExceededError, deadline
from phrasepix_core.http_answers import is_whole
from reranker.errors import PictureUnreachableError
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.loader import PictureLoader
from retriever import PixabayRetriever
from retriever.errors import SourceAnswerError, SourceUnreachableError
from tests.picture_server import PictureServer, candidate_of, encoded, file, status, stripes
from tests.servers import QUICK, ScriptedServer, Step, hit, of_hits, redirect

Connect = Callable[..., PixabayRetriever]

DRIPS = {
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X-More: drip\r\n"),
    "a header line without end": (b"HTTP/1.1 200 OK\r\nX-More: ", b"d"),
    "a status line without end": (b"HTTP/1.1 200 ", b"O"),
    "100 Continue without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body without end": (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b" "),
    "chunks without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


class Drip:
    """Sends `first`, then `again` every few milliseconds for as long as the other side listens."""

    def __init__(self, first: bytes, again: bytes) -> None:
        self._first, self._again = first, again
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self.connections = 0
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._drip, args=(connection,)))
                self._threads[-1].start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(self._first)
            while not self._ended.wait(0.02):
                connection.sendall(self._again)

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture(params=DRIPS)
def drip(request: pytest.FixtureRequest) -> Iterator[Drip]:
    server = Drip(*DRIPS[request.param])
    yield server
    server.close()


@pytest.mark.timeout(30)
def test_a_dripping_api_is_given_up_at_the_deadline_and_not_tried_again(drip: Drip, connect: Connect) -> None:
    hurried = replace(QUICK, answer_within_s=0.5)
    with pytest.raises(SourceUnreachableError, match=r"did not answer in time|cut"):
        list(connect(drip.url, policy=hurried).retrieve("boat"))


@pytest.mark.timeout(30)
def test_a_dripping_picture_is_given_up_at_the_deadline(drip: Drip) -> None:
    with PictureFetcher(deadline_s=0.4) as fetcher, pytest.raises(PictureUnreachableError):
        fetcher.fetch(drip.url, loopback=True)


@pytest.mark.timeout(30)
def test_a_dripping_download_is_given_up_at_the_deadline(drip: Drip, tmp_path: Path) -> None:
    with Downloader(deadline_s=0.4) as downloader, pytest.raises(PictureUnreachableError):
        downloader.download(drip.url, PartialDownload(tmp_path / "a.part"), of="a", loopback=True)


def test_a_connection_kept_open_is_watched_by_the_deadline_of_its_next_request(
    api: ScriptedServer, connect: Connect
) -> None:
    api.play(of_hits([hit(1)]), replace(of_hits([hit(2)]), delay_s=30))
    retriever = connect(api, policy=replace(QUICK, answer_within_s=1.0))
    assert len(list(retriever.retrieve("boat"))) == 1
    with pytest.raises(SourceUnreachableError, match="did not answer in time"):
        list(retriever.retrieve("tiger"))


def test_a_deadline_within_another_ends_with_the_earlier() -> None:
    with deadline(50) as outer, deadline(100) as inner:
        assert inner.ends_at == outer.ends_at
    with pytest.raises(DeadlineExceededError), deadline(0.01):
        threading.Event().wait(0.05)


def test_a_socket_is_cut_at_its_deadline_and_a_released_one_is_not() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        limit = Deadline(0.0)
        limit.release()
        limit.cut_sockets()
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        limit.watch(ours)
        assert ours.recv(1) == b""


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_an_answer_larger_than_any_real_one_is_refused(encoding: str, api: ScriptedServer, connect: Connect) -> None:
    body = b'{"hits": [' + b" " * 300_000 + b"]}"
    headers = {"Content-Encoding": encoding} if encoding else {}
    api.play(Step(200, gzip.compress(body) if encoding else body, headers))
    with pytest.raises(SourceAnswerError, match="more than"):
        list(connect(api, policy=replace(QUICK, largest_answer=200_000)).retrieve("boat"))
    assert len(api.asked) == 1


def test_a_status_203_and_a_whole_206_are_answers_and_a_part_is_none(api: ScriptedServer, connect: Connect) -> None:
    good = of_hits([hit(1)])
    whole = f"bytes 0-{len(good.body) - 1}/{len(good.body)}"
    api.play(
        replace(good, status=203),
        replace(good, status=206, headers={"Content-Range": whole}),
        replace(good, status=206, headers={"Content-Range": "bytes 0-9/10000"}),
    )
    retriever = connect(api)
    assert len(list(retriever.retrieve("boat"))) == 1
    assert len(list(retriever.retrieve("ship"))) == 1
    with pytest.raises(SourceAnswerError, match="206"):
        list(retriever.retrieve("tiger"))


@pytest.mark.parametrize(
    ("code", "content_range", "expected"),
    [
        (200, "", True),
        (203, "", True),
        (206, "bytes 0-9/10", True),
        (206, "bytes 0-8/10", False),
        (206, "bytes 1-9/10", False),
        (206, "bytes 0-9/*", False),
        (206, "", False),
        (204, "", False),
        (404, "", False),
    ],
)
def test_what_is_a_whole_answer(code: int, content_range: str, expected: bool) -> None:
    assert is_whole(code, content_range) is expected


def test_a_redirect_of_an_api_in_raw_utf8_is_followed(api: ScriptedServer, connect: Connect) -> None:
    raw = "/büro/".encode().decode("latin-1")
    api.play(redirect(raw), of_hits([hit(1)]))
    assert len(list(connect(api).retrieve("boat"))) == 1
    assert api.asked[1].path == "/b%C3%BCro/"


def test_no_login_of_netrc_goes_to_an_api(
    api: ScriptedServer, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login admin password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    api.play(redirect("/elsewhere/"), of_hits([hit(1)]))
    list(connect(api).retrieve("boat"))
    assert [asked.headers.get("Authorization") for asked in api.asked] == [None, None]


GOOD = file(encoded(stripes(["red"], (400, 300)), "PNG"), "image/png")


@pytest.mark.parametrize("dead", [status(410), status(424), file(b"<html>gone</html>", "text/html")])
def test_the_next_larger_rendition_replaces_a_dead_one(dead: Callable[..., None]) -> None:
    with PictureServer() as server, PictureLoader(loopback_sources={"sample"}) as loader:
        small, medium, large = (server.put(f"/{name}", dead) for name in "abc")
        server.put("/c", GOOD)
        renditions = (Rendition(small, 300, 225), Rendition(medium, 340, 255), Rendition(large, 400, 300))
        assert loader.load(candidate_of(1, renditions), 200).picture.size == (400, 300)


def test_a_busy_host_is_not_asked_for_larger_files() -> None:
    with (
        PictureServer() as server,
        PictureLoader(PictureFetcher(attempts=1), loopback_sources={"sample"}) as loader,
    ):
        small, large = server.put("/small", status(503)), server.put("/large", GOOD)
        with pytest.raises(PictureUnreachableError, match="503"):
            loader.load(candidate_of(1, (Rendition(small, 300, 225), Rendition(large, 400, 300))), 200)
        assert dict(server.asked) == {"/small": 1}
