"""Which of a candidate's files is fetched, and what ends a fetch."""

import gc
import threading
from collections.abc import Iterator

import pytest

from phrasepix_core.candidate import Rendition
from reranker import ClipReranker
from reranker.errors import PictureError, PictureUnreachableError, PictureUnreadableError
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.loader import renditions_to_try
from reranker.testing import ColourEncoder
from tests.picture_server import (
    PictureServer,
    candidate,
    candidate_of,
    encoded,
    file,
    silence,
    status,
    stripes,
    trickle,
)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server
    gc.collect(1)


@pytest.fixture
def loader() -> Iterator[PictureLoader]:
    with PictureLoader(PictureFetcher(attempts=1), loopback_sources={"sample"}) as loader:
        yield loader


SIZES = {"small": (150, 100), "middle": (340, 226), "large": (640, 426), "largest": (1280, 853)}


def put(server: PictureServer, name: str, *, given: bool = True) -> Rendition:
    """A rendition whose picture really has its size."""
    url = server.put(f"/{name}.png", file(encoded(stripes(["red"], SIZES[name]), "PNG"), "image/png"))
    return Rendition(url, *SIZES[name], as_given=given)


@pytest.mark.parametrize(
    ("short_side", "name"),
    [
        (32, "small"),
        (100, "small"),
        (101, "middle"),
        (224, "middle"),
        (226, "middle"),
        (227, "large"),
        (853, "largest"),
    ],
)
def test_the_smallest_rendition_whose_short_side_reaches_the_input_is_fetched(
    server: PictureServer, loader: PictureLoader, short_side: int, name: str
) -> None:
    renditions = tuple(put(server, size) for size in SIZES)
    assert loader.load(candidate_of(1, renditions), short_side).picture.size == SIZES[name]
    assert dict(server.asked) == {f"/{name}.png": 1}


def test_where_none_reaches_the_input_the_largest_is_fetched(server: PictureServer, loader: PictureLoader) -> None:
    renditions = (put(server, "small"), put(server, "middle"))
    assert loader.load(candidate_of(1, renditions), 1000).picture.size == SIZES["middle"]
    assert dict(server.asked) == {"/middle.png": 1}


@pytest.mark.parametrize("answer", [status(404), status(500), file(b"<html>moved</html>")])
def test_a_derived_rendition_that_cannot_be_had_is_replaced_by_the_given_one(
    server: PictureServer, loader: PictureLoader, answer: object
) -> None:
    renditions = (put(server, "small", given=False), put(server, "middle", given=False), put(server, "large"))
    server.put("/middle.png", answer)  # type: ignore[arg-type]
    loaded = loader.load(candidate_of(1, renditions), 224)
    assert loaded.picture.size == SIZES["large"]
    assert dict(server.asked) == {"/middle.png": 1, "/large.png": 1}


def test_a_derived_rendition_that_can_be_had_is_enough(server: PictureServer, loader: PictureLoader) -> None:
    renditions = (put(server, "middle", given=False), put(server, "large"))
    assert loader.load(candidate_of(1, renditions), 224).picture.size == SIZES["middle"]
    assert server.asked_in_all == 1


def test_behind_the_largest_derived_rendition_stands_the_largest_given_one(
    server: PictureServer, loader: PictureLoader
) -> None:
    renditions = (put(server, "small"), put(server, "middle"), put(server, "large", given=False))
    server.put("/large.png", status(404))
    assert loader.load(candidate_of(1, renditions), 400).picture.size == SIZES["middle"]


def test_the_reason_is_that_of_the_file_tried_last(server: PictureServer, loader: PictureLoader) -> None:
    renditions = (put(server, "middle", given=False), put(server, "large"))
    server.put("/middle.png", status(404))
    server.put("/large.png", status(410))
    with pytest.raises(PictureUnreachableError, match=r"/large\.png answered with status 410"):
        loader.load(candidate_of(1, renditions), 224)


def test_a_candidate_of_derived_renditions_alone_has_one_to_try() -> None:
    renditions = (Rendition("a", 150, 100, as_given=False), Rendition("b", 340, 226, as_given=False))
    assert renditions_to_try(renditions, 224) == (renditions[1],)


def test_the_file_is_kept_as_it_came(server: PictureServer, loader: PictureLoader) -> None:
    data = encoded(stripes(["red", "green"]), "PNG")
    url = server.put("/picture.png", file(data))
    assert loader.load(candidate(1, url), 32).data == data


def test_connections_are_kept_open_between_pictures(server: PictureServer) -> None:
    body = file(encoded(stripes(["red"]), "PNG"))
    with PictureLoader(PictureFetcher(), loopback_sources={"sample"}) as loader:
        for number in range(10):
            loader.load(candidate(number, server.put(f"/{number}.png", body)), 32)
    assert server.asked_in_all == 10
    assert server.connections_in_all == 1


@pytest.mark.parametrize("size", [999, 1000])
def test_a_file_of_just_the_allowed_size_is_allowed(server: PictureServer, size: int) -> None:
    url = server.put("/file", file(bytes(size)))
    with PictureFetcher(largest_bytes=1000) as fetcher:
        assert len(fetcher.fetch(url, loopback=True)) == size
        with pytest.raises(PictureUnreadableError, match="larger than"):
            fetcher.fetch(server.put("/larger", file(bytes(1001))), loopback=True)


@pytest.mark.parametrize("answer", [silence, trickle(bytes(10_000), 0.2)])
def test_closing_ends_a_fetch_that_is_under_way(server: PictureServer, answer: object) -> None:
    url = server.put("/slow", answer)  # type: ignore[arg-type]
    fetcher = PictureFetcher(read_timeout_s=600, deadline_s=600, attempts=5, pause_s=600)
    outcome: list[Exception] = []

    def fetch() -> None:
        try:
            fetcher.fetch(url, loopback=True)
        except PictureError as error:
            outcome.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    assert server.received.wait(60)
    fetcher.close()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert [type(error) for error in outcome] == [PictureUnreachableError]
    assert server.asked_in_all == 1


def test_closing_ends_the_pause_before_another_try(server: PictureServer) -> None:
    url = server.put("/failing", status(503))
    fetcher = PictureFetcher(attempts=2, pause_s=600)
    outcome: list[str] = []

    def fetch() -> None:
        try:
            fetcher.fetch(url, loopback=True)
        except PictureError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=fetch)
    thread.start()
    assert server.received.wait(60)
    fetcher.close()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert len(outcome) == 1


def test_a_closed_fetcher_fetches_nothing(server: PictureServer) -> None:
    fetcher = PictureFetcher()
    fetcher.close()
    with pytest.raises(PictureUnreachableError, match="ended"):
        fetcher.fetch(server.put("/picture", file(b"x")), loopback=True)
    assert server.asked_in_all == 0


def test_the_best_are_shown_from_a_larger_file_and_scored_by_the_small_one(server: PictureServer) -> None:
    small = put(server, "small")
    large = server.put("/large.png", file(encoded(stripes(["blue"], (640, 426)), "PNG")))
    one = candidate_of(1, (small, Rendition(large, 640, 426)))
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        (match,) = reranker.rerank("red", [one]).matches
        (again,) = reranker.rerank("red", [one]).matches
    assert match.picture.size == (640, 426)
    assert match.score == again.score > 0.99
    assert server.asked_in_all == 2


def test_the_file_looked_at_is_shown_where_the_larger_one_cannot_be_had(server: PictureServer) -> None:
    small = put(server, "small")
    one = candidate_of(1, (small, Rendition(server.url("/missing.png"), 640, 426)))
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        ranking = reranker.rerank("red", [one])
    assert ranking.matches[0].picture.size == SIZES["small"]
    assert not ranking.skipped


@pytest.mark.parametrize("claimed", [(64, 48), (640, 480)])
def test_the_only_file_there_is_is_fetched_once_however_large_it_was_said_to_be(
    server: PictureServer, claimed: tuple[int, int]
) -> None:
    url = server.put("/only.png", file(encoded(stripes(["red"]), "PNG")))
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        for phrase in ("red", "blue"):
            reranker.rerank(phrase, [candidate(1, url, size=claimed)])
    assert server.asked_in_all == 1


def test_a_larger_file_that_is_smaller_than_said_is_fetched_once(server: PictureServer) -> None:
    small, large = put(server, "small"), put(server, "middle")
    one = candidate_of(1, (small, Rendition(large.url, 1280, 853)))
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        for phrase in ("red", "blue", "green"):
            assert reranker.rerank(phrase, [one]).matches[0].picture.size == SIZES["middle"]
    assert dict(server.asked) == {"/small.png": 1, "/middle.png": 1}
