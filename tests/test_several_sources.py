"""Several sources in one search: asked side by side, ranked on one scale, each free to fail alone."""

import logging
import threading
from collections.abc import Iterator

import pytest

from phrasepix import find_images, stream_images
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from reranker.testing import ColourEncoder
from retriever.candidate import Candidate
from retriever.errors import KeyMissingError, RateLimitError, SourceUnreachableError, WrongParameterError
from retriever.filters import Filters
from tests.picture_server import PictureServer, candidate, encoded, file, stripes


class OwnSource:
    """A source of one's own on this machine; `before` is called when it is asked."""

    on_loopback = True

    def __init__(self, name: str, pool: list[Candidate], before: object = None) -> None:
        self.name = name
        self._pool = pool
        self._before = before

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        if isinstance(self._before, Exception):
            yield from self._pool[:limit]
            raise self._before
        if isinstance(self._before, threading.Barrier):
            self._before.wait(30)
        yield from self._pool[:limit]


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


def pool_of(server: PictureServer, name: str, reds: list[int]) -> list[Candidate]:
    """Pictures of a source with so many red stripes of ten."""
    return [
        candidate(
            number,
            server.put(
                f"/{name}/{number}.png",
                file(encoded(stripes(["red"] * red + ["blue"] * (10 - red)), "PNG"), "image/png"),
            ),
            source=name,
        )
        for number, red in enumerate(reds)
    ]


def identities(results: object) -> list[tuple[str, str]]:
    return [(match.candidate.source, match.candidate.id) for match in results]  # type: ignore[attr-defined]


def test_the_pictures_of_all_sources_are_ranked_on_one_scale(server: PictureServer) -> None:
    sources = [
        OwnSource("one", pool_of(server, "one", [2, 8, 4])),
        OwnSource("two", pool_of(server, "two", [9, 1, 5])),
    ]
    results = find_images("red", tag="x", source=sources, model=ColourEncoder())
    assert identities(results) == [("two", "0"), ("one", "1"), ("two", "2"), ("one", "2"), ("one", "0"), ("two", "1")]
    assert [origin.name for origin in results.origins] == ["one", "two"]
    assert results.mention == "Pictures from one · Pictures from two"
    assert results.pool_size == 6
    assert results.failures == ()


def test_sources_are_asked_side_by_side(server: PictureServer) -> None:
    together = threading.Barrier(3)  # is only passed when all three are asked at once
    sources = [OwnSource(name, pool_of(server, name, [5]), together) for name in ("one", "two", "three")]
    assert len(find_images("red", tag="x", source=sources, model=ColourEncoder(), fold=False)) == 3


@pytest.mark.parametrize("turn", range(4))
def test_ties_between_sources_do_not_depend_on_who_answers_first(server: PictureServer, turn: int) -> None:
    slow = threading.Barrier(1) if turn % 2 else None
    sources = [
        OwnSource("one", pool_of(server, "one", [5, 5, 5]), slow),
        OwnSource("two", pool_of(server, "two", [5, 5, 5])),
    ]
    results = find_images("red", tag="x", source=sources, model=ColourEncoder(), fold=False)
    assert identities(results) == [(name, str(number)) for number in range(3) for name in ("one", "two")]


def test_one_that_fails_is_named_and_the_others_answer(server: PictureServer, caplog: pytest.LogCaptureFixture) -> None:
    sources = [
        OwnSource("broken", [], SourceUnreachableError("no connection to broken")),
        OwnSource("whole", pool_of(server, "whole", [3, 7])),
        OwnSource("spent", pool_of(server, "spent", [9]), RateLimitError("spent is spent")),
    ]
    with caplog.at_level(logging.WARNING):
        results = find_images("red", tag="x", source=sources, model=ColourEncoder())
    assert identities(results) == [("spent", "0"), ("whole", "1"), ("whole", "0")]
    assert {(one.source, one.reason) for one in results.failures} == {
        ("broken", "no connection to broken"),
        ("spent", "spent is spent"),
    }
    assert "no connection to broken" in caplog.text


def test_where_all_fail_each_is_told_of_once_the_last_by_the_error(caplog: pytest.LogCaptureFixture) -> None:
    sources = [OwnSource(name, [], SourceUnreachableError(f"no connection to {name}")) for name in ("one", "two")]
    with caplog.at_level(logging.WARNING), pytest.raises(SourceUnreachableError) as raised:
        find_images("red", tag="x", source=sources, model=ColourEncoder())
    told = [record.getMessage() for record in caplog.records]
    assert sorted([*told, str(raised.value)]) == ["no connection to one", "no connection to two"]


def test_where_none_can_be_opened_each_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(KeyMissingError, match="PEXELS_API_KEY"):
        find_images("red", tag="x", source=["pixabay", "pexels"], model=ColourEncoder())
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("Pixabay wants an API key")


def test_a_source_that_cannot_be_opened_is_named_and_the_others_answer() -> None:
    results = find_images("a red boat", tag="boat", source=["pixabay", "sample"], model=ColourEncoder(), limit=20)
    assert results.pool_size == 20
    (failure,) = results.failures
    assert failure.source == "pixabay"
    assert "PIXABAY_API_KEY" in failure.reason


def test_the_same_picture_of_two_named_sources_is_one_match(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite(PICTURES_DIRECTORY) as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        *_, results = stream_images("a red boat", tag="boat", source=["pixabay", "sample"], model="sample", top=200)
    assert 2 * len(results) == results.pool_size
    for match in results:
        (sibling,) = match.siblings
        assert {match.candidate.source, sibling.source} == {"pixabay", "sample"}
        assert match.candidate.id == sibling.id


def test_a_source_named_twice_is_asked_once() -> None:
    once = find_images("a red boat", tag="boat", source="sample", model=ColourEncoder(), top=500)
    twice = find_images("a red boat", tag="boat", source=["sample", "sample"], model=ColourEncoder(), top=500)
    assert twice.pool_size == once.pool_size
    assert len(twice.origins) == 1


def test_a_key_for_several_sources_is_refused() -> None:
    with pytest.raises(WrongParameterError, match="environment variables"):
        find_images("a boat", tag="boat", source=["pixabay", "sample"], key="secret")
