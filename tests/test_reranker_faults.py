"""What goes wrong with single pictures: each is named, counted and skipped, and its neighbours feel nothing."""

import gc
import gzip
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker import ClipReranker, Ranking
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.testing import ColourEncoder
from tests.picture_server import (
    PictureServer,
    candidate,
    chunked,
    cut_after,
    encoded,
    endless_redirect,
    file,
    png_that_claims,
    put_pool,
    redirect,
    silence,
    status,
    stripes,
    trickle,
    unused_port,
)

PHRASE = "a red square"
GOOD = encoded(stripes(["red"] * 5 + ["blue"] * 8), "PNG")
JPEG = encoded(stripes(["red", "green"], (320, 240)))
LARGEST_BYTES = 100_000
OVERSIZED = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)), "PNG")


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server
    gc.collect(1)  # a socket left open is a warning, and a warning fails the test it belongs to


def fetcher(*, read_timeout_s: float = 20.0, deadline_s: float = 20.0, attempts: int = 2) -> PictureFetcher:
    return PictureFetcher(
        largest_bytes=LARGEST_BYTES,
        read_timeout_s=read_timeout_s,
        deadline_s=deadline_s,
        attempts=attempts,
        pause_s=0.01,
    )


def ranked(pool: list[Candidate], fetcher: PictureFetcher) -> Ranking:
    loader = PictureLoader(fetcher, loopback_sources={"sample"})
    with ClipReranker(ColourEncoder(), loader=loader, batch_size=4, threads=4) as reranker:
        return reranker.rerank(PHRASE, pool, top=len(pool))


def order_and_scores(ranking: Ranking) -> list[tuple[str, float]]:
    return [(match.candidate.id, match.score) for match in ranking.matches]


FAULTS: dict[str, tuple[Callable[[PictureServer], str], str]] = {
    "a truncated JPEG": (lambda s: s.put("/bad", file(JPEG[: len(JPEG) // 2])), "damaged"),
    "a JPEG without its tables": (lambda s: s.put("/bad", file(JPEG[:20] + bytes(500))), "not a picture"),
    "an empty file": (lambda s: s.put("/bad", file(b"")), "the file is empty"),
    "a page called a picture": (lambda s: s.put("/bad", file(b"<html><body>Sorry</body></html>")), "not a picture"),
    "an SVG": (lambda s: s.put("/bad", file(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")), "not a"),
    "a PostScript file": (lambda s: s.put("/bad", file(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")), "not a"),
    "more bytes than allowed, announced": (lambda s: s.put("/bad", file(OVERSIZED)), "larger than"),
    "more bytes than allowed, not announced": (lambda s: s.put("/bad", chunked(OVERSIZED)), "larger than"),
    "more bytes than allowed, packed": (
        lambda s: s.put("/bad", file(gzip.compress(bytes(LARGEST_BYTES * 40)), headers={"Content-Encoding": "gzip"})),
        "larger than",
    ),
    "more pixels than allowed": (lambda s: s.put("/bad", file(png_that_claims(9000, 8000))), "9000 × 8000 pixels"),
    "pixels that Pillow warns of": (lambda s: s.put("/bad", file(png_that_claims(10_000, 10_000))), "pixels; at most"),
    "pixels that Pillow refuses": (lambda s: s.put("/bad", file(png_that_claims(20_000, 20_000))), "pixels; at most"),
    "a mere line": (lambda s: s.put("/bad", file(png_that_claims(1, 60_000))), "1 × 60000 pixels, a mere line"),
    "a size that is a lie": (lambda s: s.put("/bad", file(png_that_claims(3000, 2000))), "damaged"),
    "not found": (lambda s: s.put("/bad", status(404)), "/bad answered with status 404"),
    "gone": (lambda s: s.put("/bad", status(410)), "status 410"),
    "no content": (lambda s: s.put("/bad", file(b"", status=204)), "status 204"),
    "a failing server": (lambda s: s.put("/bad", status(500)), "status 500"),
    "too many requests": (lambda s: s.put("/bad", status(429)), "status 429"),
    "a cut connection": (lambda s: s.put("/bad", cut_after(JPEG[:100], len(JPEG))), "cut the connection"),
    "a cut connection before the first byte": (lambda s: s.put("/bad", cut_after(b"", 500)), "cut the connection"),
    "no server": (lambda s: f"http://127.0.0.1:{unused_port()}/bad", "cannot be reached"),
    "broken chunks": (
        lambda s: s.put("/bad", file(b"zz\r\nnonsense", headers={"Transfer-Encoding": "chunked"})),
        "cut the connection",
    ),
    "broken packing": (
        lambda s: s.put("/bad", file(JPEG, headers={"Content-Encoding": "gzip"})),
        "cut the connection",
    ),
    "https where http is spoken": (lambda s: s.url("/bad").replace("http:", "https:"), "cannot be reached"),
    "a redirect loop": (lambda s: s.put("/bad", redirect("/bad")), "redirected more than"),
    "a redirect to nowhere": (lambda s: s.put("/bad", redirect("http://[half/a/address")), "cannot be asked"),
    "a redirect to a private network": (lambda s: s.put("/bad", redirect("http://10.0.0.1/x.jpg")), "10.0.0.1"),
    "a redirect to another private network": (lambda s: s.put("/bad", redirect("//192.168.1.1/")), "192.168.1.1"),
    "a redirect to a cloud's metadata": (
        lambda s: s.put("/bad", redirect("http://169.254.169.254/latest/meta-data")),
        "not a public address",
    ),
    "a redirect to a private IPv6 address": (lambda s: s.put("/bad", redirect("http://[fd00::1]/x.jpg")), "fd00::1"),
    "a redirect to a mapped private address": (
        lambda s: s.put("/bad", redirect("http://[::ffff:10.0.0.1]/x.jpg")),
        "not a public address",
    ),
    "a redirect to a file": (lambda s: s.put("/bad", redirect("file:///etc/passwd")), "not an http or https"),
    "a redirect to ftp": (lambda s: s.put("/bad", redirect("ftp://127.0.0.1/x.jpg")), "not an http or https"),
    "a private address": (lambda s: "http://10.0.0.1/x.jpg", "10.0.0.1, which is not a public address"),
    "the address of everything": (lambda s: f"http://0.0.0.0:{s.port}/good/0.png", "not a public address"),
    "a data URL": (lambda s: "data:image/png;base64,iVBORw0KGgo=", "not an http or https"),
    "a file URL": (lambda s: "file:///etc/passwd", "not an http or https"),
    "no URL": (lambda s: "picture 17", "cannot be asked"),
    "an empty URL": (lambda s: "", "cannot be asked"),
    "half an IPv6 address": (lambda s: "http://[::1/x.jpg", "cannot be asked"),
    "a port that is none": (lambda s: "http://127.0.0.1:99999/x.jpg", "cannot be asked"),
    "an odd host": (lambda s: "http://\u2603\u200d..\u0000/x.jpg", "cannot be"),
    "a host with an endless label": (lambda s: f"http://{'a' * 70}.example/x.jpg", "cannot be"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_picture_is_named_and_skipped_and_its_neighbours_feel_nothing(server: PictureServer, fault: str) -> None:
    put, says = FAULTS[fault]
    pool = put_pool(server, 9)
    without = ranked(pool, fetcher())
    assert not without.skipped
    bad = candidate("bad", put(server))
    with_it = ranked([*pool[:5], bad, *pool[5:]], fetcher())
    assert [skipped.candidate.id for skipped in with_it.skipped] == ["bad"]
    assert says in with_it.skipped[0].reason
    assert with_it.pool_size == 10
    assert order_and_scores(with_it) == order_and_scores(without)


def test_all_faults_at_once_leave_the_good_pictures_as_they_are(server: PictureServer) -> None:
    pool = put_pool(server, 13)
    without = ranked(pool, fetcher())
    mixed: list[Candidate] = []
    for place, (name, (put, _)) in enumerate(FAULTS.items()):
        url = put(server)
        path = f"/bad/{place}"
        if url == server.url("/bad"):
            server.put(path, *server.answers("/bad"))
            url = server.url(path)
        mixed.append(candidate(name, url))
        if place < len(pool):
            mixed.append(pool[place])
    with_them = ranked(mixed, fetcher())
    assert [skipped.candidate.id for skipped in with_them.skipped] == list(FAULTS)
    assert order_and_scores(with_them) == order_and_scores(without)


SLOW: dict[str, tuple[Callable[[PictureServer], str], dict[str, float], str]] = {
    "a server that never answers": (
        lambda s: s.put("/bad", silence),
        {"read_timeout_s": 1.5},
        "did not answer in time",
    ),
    "a server that stops in the middle": (
        lambda s: s.put("/bad", trickle(JPEG, 30.0)),
        {"read_timeout_s": 1.5},
        "did not answer in time",
    ),
    "a trickle beyond the deadline": (
        lambda s: s.put("/bad", trickle(JPEG, 0.1)),
        {"deadline_s": 1.0},
        "sends too slowly (not done after 1 s)",
    ),
}


@pytest.mark.parametrize("fault", SLOW)
def test_a_slow_picture_is_given_up_and_its_neighbours_feel_nothing(server: PictureServer, fault: str) -> None:
    put, limits, says = SLOW[fault]
    pool = put_pool(server, 6)
    without = ranked(pool, fetcher())
    with_it = ranked([pool[0], candidate("bad", put(server)), *pool[1:]], fetcher(attempts=1, **limits))
    assert [skipped.candidate.id for skipped in with_it.skipped] == ["bad"]
    assert says in with_it.skipped[0].reason
    assert order_and_scores(with_it) == order_and_scores(without)


def test_a_pool_of_nothing_but_faults_is_an_empty_ranking(server: PictureServer) -> None:
    server.put("/bad", status(404))
    ranking = ranked([candidate(number, server.url("/bad")) for number in range(5)], fetcher())
    assert ranking.matches == ()
    assert [skipped.candidate.id for skipped in ranking.skipped] == ["0", "1", "2", "3", "4"]
    assert ranking.pool_size == 5


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(file(GOOD, "image/jpeg"), id="a PNG called a JPEG"),
        pytest.param(file(GOOD, "text/plain"), id="a PNG called a text"),
        pytest.param(file(GOOD, ""), id="a PNG called nothing"),
        pytest.param(chunked(GOOD, 7), id="in small chunks"),
        pytest.param(file(gzip.compress(GOOD), headers={"Content-Encoding": "gzip"}), id="packed though nobody asked"),
        pytest.param(trickle(GOOD, 0.0005), id="byte by byte"),
    ],
)
def test_an_oddly_served_picture_is_ranked_as_any_other(server: PictureServer, answer: object) -> None:
    plainly = ranked([candidate("same", server.put("/plain", file(GOOD, "image/png")))], fetcher())
    oddly = ranked([candidate("same", server.put("/odd", answer))], fetcher())  # type: ignore[arg-type]
    assert not oddly.skipped
    assert order_and_scores(oddly) == order_and_scores(plainly)


@pytest.mark.parametrize("passing", [status(500), status(503), status(429), cut_after(GOOD[:20], 500)])
def test_a_failure_that_passes_is_tried_again(server: PictureServer, passing: object) -> None:
    url = server.put("/once", passing, file(GOOD, "image/png"))  # type: ignore[arg-type]
    assert not ranked([candidate("once", url)], fetcher()).skipped
    assert server.asked["/once"] == 2


@pytest.mark.parametrize(("answer", "times"), [(status(500), 3), (status(404), 1), (file(b"no picture"), 1)])
def test_a_lasting_failure_is_asked_for_only_as_often_as_it_may_pass(
    server: PictureServer, answer: object, times: int
) -> None:
    url = server.put("/bad", answer)  # type: ignore[arg-type]
    assert len(ranked([candidate("bad", url)], fetcher(attempts=3)).skipped) == 1
    assert server.asked["/bad"] == times


def test_a_redirect_is_followed_and_its_own_body_is_not_read(server: PictureServer) -> None:
    server.put("/moved/picture.png", file(GOOD, "image/png"))
    first = server.put("/first", endless_redirect("moved/picture.png"))
    ranking = ranked([candidate("moved", first)], fetcher())
    assert not ranking.skipped
    assert server.asked["/moved/picture.png"] == 1


def test_a_reason_shows_neither_query_nor_password(server: PictureServer) -> None:
    url = server.url("/bad").replace("http://", "http://reader:word@") + "?token=abcdef"
    (skipped,) = ranked([candidate("bad", url)], fetcher()).skipped
    assert "status 404" in skipped.reason
    assert "abcdef" not in skipped.reason
    assert "word@" not in skipped.reason
