"""One bound of connections to a host, whoever fetches from it: searches, threads, saving, forked processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from phrasepix import find_images
from phrasepix.saving.download import Downloader
from phrasepix.saving.partial_download import PartialDownload
from reranker.errors import PictureError, PictureUnreachableError
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.hosts import HostConnections
from reranker.testing import ColourEncoder
from tests.picture_server import Exchange, PictureServer, after, file, hold_until, redirect, silence
from tests.test_several_sources import OwnSource, pool_of


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


@pytest.fixture
def other() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


class Gate:
    """Answers with `body` once so many requests are here at once, or after a moment; counts the most at once."""

    def __init__(self, body: bytes, opens_at: int) -> None:
        self._body = body
        self._opens_at = opens_at
        self._lock = threading.Lock()
        self._here = 0
        self.most = 0
        self._is_open = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
            if self._here >= self._opens_at:
                self._is_open.set()
        self._is_open.wait(10)
        exchange.wait(0.01)  # long enough for one too many to arrive
        with self._lock:
            self._here -= 1
        file(self._body)(exchange)


def fetched(fetchers: list[PictureFetcher], urls: list[str]) -> list[object]:
    """What came of each URL, each fetched by each of the fetchers, all at once."""

    def outcome(fetcher: PictureFetcher, url: str) -> object:
        try:
            return fetcher.fetch(url, loopback=True)
        except PictureError as error:
            return error

    jobs = [(fetcher, url) for url in urls for fetcher in fetchers]
    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(outcome, *zip(*jobs, strict=True)))


def test_eight_fetchers_share_the_connections_to_a_host(server: PictureServer) -> None:
    gate = Gate(b"a picture", 3)
    urls = [server.put(f"/{number}", gate) for number in range(5)]
    hosts = HostConnections(per_host=3)
    with ExitStack() as opened:
        fetchers = [opened.enter_context(PictureFetcher(hosts=hosts)) for _ in range(8)]
        assert fetched(fetchers, urls) == [b"a picture"] * 40
    assert gate.most == 3
    assert server.most_connections == server.connections_in_all == 3


def test_each_host_has_connections_of_its_own(server: PictureServer, other: PictureServer) -> None:
    gates = [Gate(b"a picture", 2), Gate(b"a picture", 2)]
    urls = [one.put(f"/{number}", gate) for one, gate in zip((server, other), gates, strict=True) for number in "abc"]
    with PictureFetcher(hosts=HostConnections(per_host=2)) as fetcher:
        assert fetched([fetcher], urls) == [b"a picture"] * 6
    assert [gate.most for gate in gates] == [2, 2]


def test_a_redirect_counts_for_the_host_that_it_leads_to(server: PictureServer, other: PictureServer) -> None:
    there, here = Gate(b"a picture", 2), Gate(b"a picture", 2)
    away = [server.put(f"/{number}", redirect(other.put(f"/{number}", there))) for number in range(6)]
    back = [other.put(f"/b{number}", redirect(server.put(f"/b{number}", here))) for number in range(6)]
    hosts = HostConnections(per_host=2)
    with PictureFetcher(connections=12, hosts=hosts) as fetcher, PictureFetcher(connections=12, hosts=hosts) as second:
        assert fetched([fetcher, second], away + back) == [b"a picture"] * 24
    assert [there.most, here.most] == [2, 2]


@pytest.mark.slow
def test_eight_searches_at_once_open_no_more_connections_than_one(server: PictureServer) -> None:
    pools = [pool_of(server, f"own{number}", [1, 3, 5, 7, 9, 2, 4, 6, 8, 10]) for number in range(8)]
    ready = threading.Barrier(8)

    def search(number: int) -> list[str]:
        source = OwnSource(f"own{number}", pools[number], before=ready)
        return [match.candidate.id for match in find_images("red", tag="x", source=source, model=ColourEncoder())]

    with ThreadPoolExecutor(8) as threads:
        assert set(map(tuple, threads.map(search, range(8)))) == {("9", "4", "8", "3", "7", "2", "6", "1", "5", "0")}
    assert server.asked_in_all == 80
    assert server.most_connections <= 8


def test_saving_takes_its_turn_too(server: PictureServer, tmp_path: Path) -> None:
    gate = Gate(b"a picture", 2)
    urls = [server.put(f"/{number}", gate) for number in range(4)]
    hosts = HostConnections(per_host=2)

    def save(number: int) -> bytes:
        part = PartialDownload(tmp_path / f"{number}.part")
        with Downloader(hosts=hosts) as downloader:
            downloader.download(urls[number], part, of="it", loopback=True)
        return part.path.read_bytes()

    with PictureFetcher(hosts=hosts) as fetcher, ThreadPoolExecutor(4) as threads:
        saving = threads.map(save, range(4))
        assert fetched([fetcher], urls) == [b"a picture"] * 4
        assert list(saving) == [b"a picture"] * 4
    assert gate.most == server.most_connections == 2


def test_waiting_for_ones_turn_counts_to_no_deadline(server: PictureServer) -> None:
    urls = [server.put(f"/{number}", after(0.3, b"a picture")) for number in range(4)]
    with PictureFetcher(deadline_s=0.8, attempts=1, hosts=HostConnections(per_host=1)) as fetcher:
        assert fetched([fetcher], urls) == [b"a picture"] * 4


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except PictureError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread does, as long as the test may take."""
    while not is_so():
        threading.Event().wait(0.005)


def test_closing_a_fetcher_ends_nothing_of_another(server: PictureServer) -> None:
    released = threading.Event()
    slow, silent = server.put("/slow", hold_until(released, b"a picture")), server.put("/silent", silence)
    hosts = HostConnections(per_host=3)
    closing = PictureFetcher(read_timeout_s=600, deadline_s=600, attempts=5, hosts=hosts)
    with PictureFetcher(attempts=1, hosts=hosts) as staying:
        ending, ended = in_a_thread(lambda: closing.fetch(silent, loopback=True))
        going_on, came = in_a_thread(lambda: staying.fetch(slow, loopback=True))
        until(lambda: server.asked_in_all == 2)
        closing.close()
        ending.join(60)
        released.set()
        going_on.join(60)
    assert [type(one) for one in ended] == [PictureUnreachableError]
    assert came == [b"a picture"]
    assert server.asked_in_all == 2


def test_closing_a_fetcher_ends_its_waiting_for_a_turn(server: PictureServer) -> None:
    released = threading.Event()
    slow = server.put("/slow", hold_until(released, b"a picture"))
    hosts = HostConnections(per_host=1)
    waiting = PictureFetcher(hosts=hosts)
    with PictureFetcher(attempts=1, hosts=hosts) as holding:
        having, came = in_a_thread(lambda: holding.fetch(slow, loopback=True))
        until(lambda: server.asked_in_all == 1)
        ending, ended = in_a_thread(lambda: waiting.fetch(slow, loopback=True))
        waiting.close()
        ending.join(60)
        assert [str(one) for one in ended] == ["the search was ended before it was fetched"]
        released.set()
        having.join(60)
    assert came == [b"a picture"]


def test_connections_stay_open_until_the_last_fetcher_closes(server: PictureServer) -> None:
    url = server.put("/a", file(b"a picture"))
    hosts = HostConnections()
    with PictureFetcher(hosts=hosts) as first:
        with PictureFetcher(hosts=hosts) as second:
            second.fetch(url, loopback=True)
        first.fetch(url, loopback=True)
        with PictureFetcher(hosts=hosts) as third:
            third.fetch(url, loopback=True)
        until(lambda: server.connections <= 1)
        first.fetch(url, loopback=True)
    until(lambda: server.connections == 0)
    assert server.connections_in_all == 2  # the second had nobody beside it who had fetched


FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")  # Python's own, of threads and forks
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.hosts import HostConnections
held, url = sys.argv[1:]
fetcher = PictureFetcher(hosts=HostConnections(per_host=1))
fetcher.fetch(url, loopback=True)
threading.Thread(target=lambda: fetcher.fetch(held, loopback=True), daemon=True).start()
print("holding", flush=True)
input()
if not (child := os.fork()):
    fetched = fetcher.fetch(url, loopback=True)  # the only connection is the parent's
    fetcher.close()
    os._exit(7 if fetched == b"a picture" else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print("child:", status, flush=True)
input()
print("parent:", fetcher.fetch(url, loopback=True).decode(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_process_waits_for_no_turn_of_its_parent_and_leaves_it_its_connections(server: PictureServer) -> None:
    released = threading.Event()
    held, url = server.put("/held", hold_until(released, b"")), server.put("/a", file(b"a picture"))
    process = subprocess.Popen(
        [sys.executable, "-c", FORK, held, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        until(lambda: server.asked["/held"] == 1)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "child: 7\n"
        released.set()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "parent: a picture\n"
    assert server.connections_in_all == 2
