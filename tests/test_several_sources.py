"""Several sources in one search: asked side by side, ranked on one scale, each free to fail alone."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from phrasepix import Config, Finder, find_images, stream_images
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from phrasepix.sources.status import source_statuses
from phrasepix_core.candidate import Candidate
from reranker.memory import Memory
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.errors import (
    KeyMissingError,
    RateLimitError,
    SourceFaultError,
    SourceUnreachableError,
    WrongParameterError,
)
from retriever.filters import Filters
from retriever.pixabay import PIXABAY
from retriever.profile import SourceProfile
from retriever.source import Opening
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


def test_a_mistake_in_a_sources_own_code_is_told_and_the_others_answer(server: PictureServer) -> None:
    broken = OwnSource("broken", pool_of(server, "broken", [5]), KeyError("urls"))
    results = find_images(
        "red", tag="x", source=[broken, OwnSource("whole", pool_of(server, "whole", [3]))], model=ColourEncoder()
    )
    assert identities(results) == [("broken", "0"), ("whole", "0")]
    (failure,) = results.failures
    assert failure.source == "broken"
    assert "mistake in its own code (KeyError: 'urls')" in failure.reason
    with pytest.raises(SourceFaultError, match="broken failed by a mistake") as raised:
        find_images("red", tag="x", source=broken, model=ColourEncoder())
    assert isinstance(raised.value.__cause__, KeyError)


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


@pytest.mark.slow
def test_a_source_named_twice_is_asked_once() -> None:
    once = find_images("a red boat", tag="boat", source="sample", model=ColourEncoder(), top=500)
    twice = find_images("a red boat", tag="boat", source=["sample", "sample"], model=ColourEncoder(), top=500)
    assert twice.pool_size == once.pool_size
    assert len(twice.origins) == 1


def test_a_key_for_several_sources_is_refused() -> None:
    with pytest.raises(WrongParameterError, match="environment variables"):
        find_images("a boat", tag="boat", source=["pixabay", "sample"], key="secret")


def test_a_source_and_an_encoder_that_cannot_be_hashed_serve_like_any_other(server: PictureServer) -> None:
    @dataclass
    class Listed:
        pool: list[Candidate]
        name: str = "listed"
        on_loopback: bool = True

        def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
            yield from self.pool[:limit]

    @dataclass
    class Colours(ColourEncoder):
        of_mine: str = "x"

    results = find_images("red", tag="x", source=Listed(pool_of(server, "listed", [2, 9])), model=Colours(), top=1)
    assert identities(results) == [("listed", "1")]


@pytest.mark.parametrize("profile", ["for writers", None])
def test_what_a_retriever_of_ones_own_calls_profile_may_be_anything(server: PictureServer, profile: object) -> None:
    source = OwnSource("own", pool_of(server, "own", [2]))
    source.profile = profile  # type: ignore[attr-defined]
    results = find_images("red", tag="x", source=source, model=ColourEncoder())
    assert results.mention == "Pictures from own"


@pytest.mark.parametrize("source", [7, object(), ["sample", 7], {"sample"}], ids=["number", "object", "list", "set"])
def test_what_is_no_source_is_refused_by_what_it_is(source: object) -> None:
    with pytest.raises(WrongParameterError, match="a name, the path of a folder, or a Retriever"):
        find_images("red", tag="x", source=source)  # type: ignore[arg-type]


def test_a_source_that_calls_itself_as_folders_do_is_refused_beside_one(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a boat.png").write_bytes(encoded(stripes(["blue"]), "PNG"))
    (tmp_path / "private.png").write_bytes(encoded(stripes(["red"]), "PNG"))
    theirs = OwnSource("folder", [candidate(1, (tmp_path / "private.png").as_uri(), source="folder")])
    with pytest.raises(WrongParameterError, match="give yours another name"):
        find_images("red", tag="boat", source=[mine, theirs], model=ColourEncoder())


def test_a_key_given_for_a_search_does_not_show_in_its_configuration() -> None:
    finder = Finder(Config(key="s3cret"))
    assert "s3cret" not in repr(finder) + repr(finder.config) + repr(finder.configured(base_url="http://x.example"))


def test_no_picture_is_kept_of_a_source_that_lets_none_be_kept_for_a_day(server: PictureServer) -> None:
    strict, other = (
        OwnSource("strict", pool_of(server, "strict", [2, 9])),
        OwnSource("other", pool_of(server, "other", [5])),
    )
    strict.profile = replace(PIXABAY, name="strict", pictures_kept_for=timedelta(hours=1))  # type: ignore[attr-defined]
    assert len(find_images("red", tag="x", source=[strict, other], model=ColourEncoder(), fold=False)) == 3
    with Memory(cache_directory()) as memory:
        assert memory.pictures.count() == 1
        assert memory.pictures.get(("other", "0")) is not None
        assert [one.count for one in memory.embeddings.kept()] == [3]


class EndlessSource(OwnSource):
    """Offers the same few pictures under ever new ids."""

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        for number in count():
            yield replace(self._pool[number % len(self._pool)], id=str(number))


def test_who_leaves_early_leaves_no_thread_behind(server: PictureServer) -> None:
    before = set(threading.enumerate())
    sources = [EndlessSource(name, pool_of(server, name, [2, 9])) for name in ("one", "two")]
    stream = stream_images("red", tag="x", source=sources, model=ColourEncoder(), fold=False)
    while next(stream).pool_size == 0:
        pass
    stream.close()  # type: ignore[attr-defined]
    left = [thread for thread in threading.enumerate() if thread not in before and "ahead" in thread.name]
    for thread in left:
        thread.join(30)
    assert not [thread.name for thread in left if thread.is_alive()]


class Faulty:
    """A plug-in that does something wrong: in its `open`, or in what that gives."""

    def __init__(self, wrong: str) -> None:
        self._wrong = wrong

    @property
    def profile(self) -> SourceProfile:
        return replace(PIXABAY, name="faulty")

    @contextmanager
    def open(self, opening: Opening) -> Iterator["FaultyRetriever"]:
        if self._wrong == "open":
            raise KeyError("no such thing")
        yield FaultyRetriever(self._wrong)
        if self._wrong == "close":
            raise KeyError("no such thing")


class FaultyRetriever:
    """Wrong in one of its answers."""

    def __init__(self, wrong: str) -> None:
        self._wrong = wrong

    def _fail(self, what: str) -> None:
        if self._wrong == what:
            raise KeyError("no such thing")

    @property
    def name(self) -> str:
        self._fail("name")
        return "faulty"

    @property
    def profile(self) -> None:
        self._fail("profile")

    @property
    def on_disk(self) -> bool:
        self._fail("on_disk")
        return False

    @property
    def on_loopback(self) -> bool:
        self._fail("on_loopback")
        return True

    def unhonoured(self, filters: Filters) -> frozenset[str]:
        self._fail("unhonoured")
        return frozenset()

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        self._fail("retrieve")
        if self._wrong == "candidate":
            yield "no such thing"  # type: ignore[misc]


FAULTS = ("import", "open", "name", "profile", "on_disk", "on_loopback", "unhonoured", "retrieve", "candidate")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A package that adds the source “faulty”, found as any that is installed."""
    about = tmp_path / "faulty-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[phrasepix.sources]\nfaulty = faulty_source:SOURCE\n")
    if request.param == "import":
        code = "raise RuntimeError('no such thing')\n"
    else:
        code = f"from tests.test_several_sources import Faulty\nSOURCE = Faulty({request.param!r})\n"
    (tmp_path / "faulty_source.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faulty_source", raising=False)


@pytest.mark.parametrize("faulty", FAULTS, indirect=True)
@pytest.mark.usefixtures("faulty")
def test_a_plug_in_that_fails_ends_only_itself(server: PictureServer) -> None:
    whole = OwnSource("whole", pool_of(server, "whole", [3]))
    results = find_images("red", tag="x", source=["faulty", whole], model=ColourEncoder())
    assert identities(results) == [("whole", "0")]
    (failure,) = results.failures
    assert failure.source == "faulty"
    assert "no such thing" in failure.reason or "AttributeError" in failure.reason
    with pytest.raises(SourceFaultError):
        find_images("red", tag="x", source="faulty", model=ColourEncoder())
    assert "faulty" in [one.name for one in source_statuses()]


@pytest.mark.parametrize("faulty", ["close"], indirect=True)
@pytest.mark.usefixtures("faulty")
def test_a_plug_in_that_fails_when_it_is_closed_takes_no_results_away(
    server: PictureServer, caplog: pytest.LogCaptureFixture
) -> None:
    whole = OwnSource("whole", pool_of(server, "whole", [3]))
    results = find_images("red", tag="x", source=["faulty", whole], model=ColourEncoder())
    assert identities(results) == [("whole", "0")]
    assert "mistake in its own code (KeyError: 'no such thing')" in caplog.text
