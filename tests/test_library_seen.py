"""What stock sources offered, remembered in a library with what their terms allow, and found there again."""

import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lance
import pytest

from phrasepix import Config, Finder, SearchRequest, find_images
from phrasepix.errors import LibraryError, NoLibraryError, WrongParameterError
from phrasepix.events import Notice
from phrasepix.library.forgetting import forget, forget_expired, seen_by_source
from phrasepix.library.location import Location
from phrasepix.library.overview import overview_of
from phrasepix.library.retriever import LibraryRetriever
from phrasepix.library.seen import remember
from phrasepix.library.seen_search import SeenSearch
from phrasepix.library.source import LibrarySource
from phrasepix.library.table import Library, writing
from phrasepix.live_results import LiveResults
from phrasepix_core.candidate import Candidate
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.profile import FOR_GOOD, SourceProfile
from retriever.testing import made_candidate
from tests.library_parts import CountingEncoder, column_of, sync
from tests.picture_server import PictureServer, encoded, file, stripes
from tests.picture_tree import picture, write
from tests.small_disk import small_disk
from tests.source_servers import (
    CommonsServer,
    OpenverseServer,
    PexelsServer,
    PixabayServer,
    SourceServer,
    UnsplashServer,
)
from tests.source_servers.base import Picture

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)
SEEN = Location.of


@pytest.fixture
def pictures() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


@contextmanager
def holding(
    kind: type[SourceServer], pictures: PictureServer, monkeypatch: pytest.MonkeyPatch, **facts: Any
) -> Iterator[SourceServer]:
    """A source's API with three pictures of one colour each, as the environment has it asked."""
    with kind() as server:
        server.hold(
            *(
                Picture(
                    number=number,
                    file_url=pictures.put(f"/{server.name}/{number}.jpg", file(encoded(stripes([colour])))),
                    **{"creator": f"Somebody {number}"} | facts,
                )
                for number, colour in enumerate(("red", "green", "blue"), start=1)
            )
        )
        monkeypatch.setenv(server.profile.address_variable, server.api_url)
        if server.key:
            monkeypatch.setenv(server.profile.key_variable, server.key)
        yield server


@pytest.fixture
def openverse(pictures: PictureServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    with holding(OpenverseServer, pictures, monkeypatch) as server:
        yield server


def searched(
    source: str | Sequence[str], *, phrase: str = "blue", remember_in: str | None = "seen", **options: Any
) -> tuple[LiveResults, list[str]]:
    """What a search of a finder of its own finds, and what is to be known of it, once all is written."""
    told: list[str] = []
    with Finder() as finder:
        request = SearchRequest(
            phrase, source=source, remember_in=remember_in, **{"tag": "boat", "model": ColourEncoder()} | options
        )
        results = finder.search(request, on_event=lambda event: told.append(str(event)) if _is_notice(event) else None)
    return results, told


def _is_notice(event: object) -> bool:
    return isinstance(event, Notice)


def rows_in(name: str = "seen") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = Library.open(Location.of(name)).dataset.to_table().sort_by("key").to_pylist()
    return rows


def offered(number: int, **facts: Any) -> Candidate:
    return replace(made_candidate(number), source="stock", **facts)


STOCK = SourceProfile(
    name="stock",
    title="A Stock",
    home_url="https://stock.example/",
    api_url="https://stock.example/api",
    mention="Pictures by A Stock",
    credit="{creator} at A Stock",
    page_size=10,
    deepest=100,
    remembered_for=FOR_GOOD,
)


def seen(*candidates: Candidate, at: datetime = NOW, profile: SourceProfile = STOCK) -> SeenSearch:
    """What a search has seen of one source; each picture is as red as its number says."""
    encoder = ColourEncoder()

    def embeddings_of(some: Sequence[Candidate]) -> dict[tuple[str, str], Any]:
        made = [stripes(["red"] * int(one.id) + ["blue"] * 4) for one in some]
        return dict(zip((one.identity for one in some), encoder.encode_pictures(made), strict=True))

    return SeenSearch(
        library="seen",
        encoder=column_of(encoder),
        offered=[(profile, candidates)],
        embeddings_of=embeddings_of,
        seen_at=at,
    )


def found_at(moment: datetime, filters: Filters | None = None, tag: str = "") -> list[str]:
    """The ids of what the library finds at a moment."""
    source = LibrarySource("seen")
    retriever = LibraryRetriever(Library.open(Location.of("seen")), profile=source.profile, now=lambda: moment)
    return [one.id for one in retriever.retrieve(tag, filters=filters or Filters(media_type="all"))]


# Remembered and found again.


def test_what_was_seen_is_found_again_with_its_credit_and_nothing_is_fetched_or_encoded(
    openverse: SourceServer, pictures: PictureServer
) -> None:
    first, told = searched("openverse")
    assert told == []
    asked, fetched = len(openverse.asked), pictures.asked_in_all
    encoder = CountingEncoder()
    again, _ = searched("library:seen", remember_in=None, tag=None, model=encoder)
    assert len(first) == 3
    assert [one.candidate for one in again] == [replace(one.candidate, found_by="") for one in first]
    assert [one.score for one in again] == pytest.approx([one.score for one in first])
    assert [one.credit("html") for one in again] == [one.credit("html") for one in first]
    assert (encoder.encoded, len(openverse.asked)) == (0, asked)
    assert pictures.asked_in_all == fetched, "the pictures shown are those kept"


def test_the_page_says_which_source_it_is_from(openverse: SourceServer) -> None:
    searched("openverse")
    again, _ = searched("library:seen", remember_in=None, tag=None)
    assert [origin.name for origin in again.origins] == ["folder", "openverse"]
    page = again._repr_mimebundle_()["text/html"]
    assert "Pictures found by Openverse" in page
    assert 'href="https://openverse.org/"' in page


def test_a_picture_that_is_not_kept_is_fetched_from_where_the_source_has_it(
    openverse: SourceServer, pictures: PictureServer
) -> None:
    searched("openverse")
    shutil.rmtree(cache_directory())
    fetched = pictures.asked_in_all
    encoder = CountingEncoder()
    again, _ = searched("library:seen", remember_in=None, tag=None, model=encoder)
    assert len(again) == 3
    assert encoder.encoded == 0
    assert pictures.asked_in_all > fetched


def test_an_address_of_this_machine_is_asked_only_if_the_source_is_asked_there(
    openverse: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched("openverse")
    shutil.rmtree(cache_directory())
    monkeypatch.delenv("OPENVERSE_API_URL")
    again, _ = searched("library:seen", remember_in=None, tag=None)
    assert len(again) == 0
    assert len(again.skipped) == 3
    assert all("not" in one.reason and one.source == "openverse" for one in again.skipped)


def test_offline_it_finds_what_it_has_pictures_of(
    openverse: SourceServer, pictures: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched("openverse")
    monkeypatch.setenv("OPENVERSE_API_URL", "http://127.0.0.1:9/v1/images/")
    asked = pictures.asked_in_all
    again, _ = searched("library:seen", remember_in=None, tag=None, offline=True)
    assert len(again) == 3
    assert pictures.asked_in_all == asked


def test_without_the_option_nothing_is_remembered(openverse: SourceServer) -> None:
    searched("openverse", remember_in=None)
    with pytest.raises(NoLibraryError):
        Library.open(Location.of("seen"))


def test_searches_go_into_one_pool_where_each_picture_is_once(
    openverse: SourceServer, pictures: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holding(CommonsServer, pictures, monkeypatch):
        searched("openverse")
        searched(["openverse", "commons"])
        searched("openverse", tag="harbour")
    again, _ = searched("library:seen", remember_in=None, tag=None, fold=False)
    assert sorted({one.candidate.source for one in again}) == ["commons", "openverse"]
    assert len(again) == len(rows_in()) == 6


def test_what_a_library_found_is_not_seen_anew(openverse: SourceServer) -> None:
    searched("openverse")
    before = rows_in()
    results, told = searched(["library:seen"], tag=None)
    assert (len(results), told) == (3, [])
    assert rows_in() == before


def test_the_vectors_of_another_model_stay_beside(openverse: SourceServer) -> None:
    class Another(ColourEncoder):
        name = "another"

    searched("openverse")
    searched("openverse", model=Another())
    for model in (ColourEncoder(), Another()):
        again, _ = searched("library:seen", remember_in=None, tag=None, model=model)
        assert len(again) == 3
    assert len(Library.open(Location.of("seen")).description.encoders) == 2


def test_it_may_be_a_library_of_ones_own_pictures(openverse: SourceServer, tmp_path: Path) -> None:
    own = write(tmp_path / "pictures" / "own.png", picture(7))
    location = Location.of("mine")
    sync(Path(location.base), own.parent, cache_directory())
    searched("openverse", remember_in="mine")
    again, _ = searched("library:mine", remember_in=None, tag=None, fold=False)
    assert sorted(one.candidate.source for one in again) == ["folder", "openverse", "openverse", "openverse"]
    assert sync(Path(location.base), own.parent, cache_directory()).deleted == 0
    assert len(rows_in("mine")) == 4
    assert forget(Library.open(location)) == 3
    assert [Path(row["path"]).name for row in rows_in("mine")] == ["own.png"]


def test_a_stream_remembers_what_it_ends_with(openverse: SourceServer) -> None:
    with Finder() as finder:
        request = SearchRequest("blue", tag="boat", source="openverse", model=ColourEncoder(), remember_in="seen")
        for results in finder.stream(request):
            if results.is_final:
                break
    assert len(rows_in()) == 3


def test_it_is_written_soon_though_the_finder_stays_open(openverse: SourceServer) -> None:
    with Finder() as finder:
        request = SearchRequest("blue", tag="boat", source="openverse", model=ColourEncoder(), remember_in="seen")
        finder.search(request)
        for thread in threading.enumerate():
            if thread.name == "remember-seen":
                thread.join(30)
        assert len(rows_in()) == 3


# Terms.


def test_a_source_whose_terms_do_not_say_that_it_may_be_is_not_remembered_and_that_is_said(
    openverse: SourceServer, pictures: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        holding(UnsplashServer, pictures, monkeypatch),
        holding(PexelsServer, pictures, monkeypatch),
    ):
        results, told = searched(["openverse", "unsplash", "pexels"])
    assert {row["source"] for row in rows_in()} == {"openverse"}
    assert told == [
        "3 pictures of Unsplash are not remembered: its API's guidelines do not say that answers may be kept, and "
        "forbid data mining",
        "3 pictures of Pexels are not remembered: its API's guidelines do not say that answers may be kept, and forbid "
        "to replicate Pexels",
    ]
    assert [str(one) for one in results.notices] == told


def test_a_source_that_declares_nothing_is_not_remembered(pictures: PictureServer) -> None:
    class Undeclared:
        name = "undeclared"
        on_loopback = True

        def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
            url = pictures.put("/one.jpg", file(encoded(stripes(["red"]))))
            one = made_candidate(1)
            yield replace(one, source=self.name, renditions=(replace(one.renditions[0], url=url),))

    results, told = searched(Undeclared())  # type: ignore[arg-type]
    assert len(results) == 1
    assert told == ["1 picture of undeclared is not remembered: it does not say what its terms allow"]
    with pytest.raises(NoLibraryError):
        Library.open(Location.of("seen"))


def test_pixabay_is_remembered_for_a_day(pictures: PictureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with holding(PixabayServer, pictures, monkeypatch):
        searched("pixabay")
        rows = rows_in()
        assert {row["kept_until"] - row["seen_at"] for row in rows} == {timedelta(hours=24)}
        assert "31415926" not in json.dumps(rows, default=str)
        at = rows[0]["seen_at"]
        assert len(found_at(at + timedelta(hours=23))) == 3
        assert found_at(at + timedelta(hours=24)) == []
        library = Library.open(Location.of("seen"))
        assert forget_expired(library, at + timedelta(hours=23)) == 0
        assert forget_expired(library, at + timedelta(hours=24)) == 3
    assert rows_in() == []
    assert library.description.sources == {}
    assert not library.description.expires


def test_the_next_search_forgets_what_is_over() -> None:
    for_a_day = replace(STOCK, name="day", remembered_for=timedelta(days=1))
    remember([seen(replace(offered(1), source="day"), profile=for_a_day), seen(offered(2))])
    assert found_at(NOW) == ["1", "2"]
    assert found_at(NOW + timedelta(days=2)) == ["2"]
    remember([seen(offered(3), at=NOW + timedelta(days=2))])
    assert [row["source"] for row in rows_in()] == ["stock", "stock"]


def test_a_clock_that_was_wrong_keeps_nothing_longer() -> None:
    for_a_day = replace(STOCK, remembered_for=timedelta(days=1))
    remember([seen(offered(1), at=NOW.replace(year=2099), profile=for_a_day)])
    assert found_at(NOW) == []
    assert forget_expired(Library.open(Location.of("seen")), NOW) == 1


def test_seen_twice_is_one_row_that_says_what_was_said_last() -> None:
    remember([seen(offered(1, title="A boat", creator="Ann", credit="Ann at A Stock", ai_generated=True))])
    remember([seen(offered(1, creator="Ann Lee", credit="Ann Lee at A Stock", tags=("pier",)))])
    (row,) = rows_in()
    assert (row["creator"], row["credit"], row["title"], row["tags"]) == ("Ann Lee", "Ann Lee at A Stock", "", ["pier"])
    assert row["ai_generated"] is None, "what the source does not say any more is not made up"
    assert "A boat" not in row["candidate"]


def test_filters_know_what_sources_say() -> None:
    remember(
        [
            seen(
                offered(1, tags=("Harbour",), g_rated=False),
                offered(2, media_type="illustration", title="An old pier"),
                offered(3, creator="Ann Lee", licence="CC BY 4.0", commercial_use=True, found_by="boat"),
            )
        ]
    )
    everything = {"media_type": "all", "safe_search": False}
    assert found_at(NOW, Filters(safe_search=False)) == ["1", "3"]
    assert found_at(NOW, Filters(media_type="all")) == ["2", "3"]
    assert found_at(NOW, Filters(media_type="illustration")) == ["2"]
    assert found_at(NOW, Filters(**everything, creator="ann lee")) == ["3"]
    assert found_at(NOW, Filters(**everything, licence=("commercial",))) == ["3"]
    assert found_at(NOW, Filters(**everything, any_tags=("harbour",))) == ["1"]
    assert found_at(NOW, Filters(**everything, where="source = 'stock' AND width > 1")) == ["1", "2", "3"]
    assert found_at(NOW, Filters(**everything), tag="pier") == ["2"]
    assert found_at(NOW, Filters(**everything), tag="boat") == ["3"], "the tag that found it counts"


def test_a_row_is_known_by_whose_id_it_is() -> None:
    remember([seen(offered(1), offered(1, catalogue="stock@elsewhere"), offered(2))])
    remember([seen(offered(1), offered(1, catalogue="stock@elsewhere"))])
    assert [row["key"] for row in rows_in()] == ["seen:stock%40elsewhere/1", "seen:stock/1", "seen:stock/2"]


def test_addresses_with_a_password_or_the_key_are_not_written_down(
    pictures: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyed:
        name = "keyed"
        on_loopback = True
        profile = replace(STOCK, name="keyed", key_url="https://x.example", key_variable="KEYED_KEY", key_setting="k")

        def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
            for number, colour in enumerate(("red", "green", "blue"), start=1):
                url = pictures.put(f"/{number}.jpg", file(encoded(stripes([colour]))))
                page = ("https://x.example/1?k=s3cret%2Fkey%2F1", "https://me:word@x.example/2", "https://x.example/3")
                one = made_candidate(number)
                renditions = (replace(one.renditions[0], url=url),)
                yield replace(one, source=self.name, renditions=renditions, page_url=page[number - 1])

    monkeypatch.setenv("KEYED_KEY", "s3cret/key/1")
    _, told = searched(Keyed())  # type: ignore[arg-type]
    assert told == ["2 pictures of A Stock are not remembered: an address of theirs holds a key or a password"]
    assert [row["path"] for row in rows_in()] == ["https://x.example/3"]


# Forgetting, and what there is.


def test_forgetting_leaves_nothing_on_the_disk() -> None:
    remember([seen(offered(1, title="A very rare title"), offered(2)), seen(replace(offered(3), source="other"))])
    remember([seen(replace(offered(4), source="other"), profile=replace(STOCK, name="other", title="Other"))])
    library = Library.open(Location.of("seen"))
    assert seen_by_source(library) == {"other": 2, "stock": 2}
    with pytest.raises(NoLibraryError, match="remembers nothing of flickr; its sources: other, stock"):
        forget(library, ["flickr"])
    assert forget(library, ["stock"]) == 2
    assert seen_by_source(library) == {"other": 2}
    assert found_at(NOW) == ["3", "4"]
    base = Path(library.location.base)
    assert not [one for one in base.rglob("*") if one.is_file() and b"A very rare title" in one.read_bytes()]
    assert forget(library) == 2
    assert overview_of(library.location)["seen"] == {}
    remember([seen(offered(1))])
    assert overview_of(library.location)["seen"] == {"stock": 1}


def test_a_saved_picture_goes_by_its_sources_way(
    openverse: SourceServer, pictures: PictureServer, tmp_path: Path
) -> None:
    searched("openverse")
    again, _ = searched("library:seen", remember_in=None, tag=None)
    asked = len(openverse.asked)
    saved = again.save(tmp_path / "book", pick=[1])
    assert len(saved.pictures) == 1, saved.failed
    assert len(openverse.asked) > asked, "the source was asked where the file is now"
    credits = json.loads((tmp_path / "book" / "credits.json").read_text())
    assert "Somebody 3" in json.dumps(credits)
    assert "openverse" in json.dumps(credits)


def test_a_picture_of_a_source_that_is_not_installed_is_shown_and_not_saved(
    pictures: PictureServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STOCK_API_URL", pictures.url("/"))
    one = offered(1, creator="Ann", credit="Ann at A Stock")
    url = pictures.put("/1.jpg", file(encoded(stripes(["red"]))))
    remember([seen(replace(one, renditions=(replace(one.renditions[0], url=url),)))])
    again, _ = searched("library:seen", remember_in=None, tag=None)
    assert [match.candidate.credit for match in again] == ["Ann at A Stock"]
    assert "Pictures by A Stock" in again.mention
    saved = again.save(tmp_path / "book")
    assert [failed.reason for failed in saved.failed] == [
        "the library remembers the picture, but its source 'stock' is not installed here, which knows what a download "
        "owes; install the package that adds it"
    ]


# What goes wrong harms no answer.


def harmed_by(openverse: SourceServer) -> str:
    results, told = searched("openverse")
    assert len(results) == 3
    assert len(told) == 1
    assert told[0].startswith("what was seen is not remembered: ")
    return told[0]


def test_a_table_of_another_kind_is_left_as_it_is(openverse: SourceServer) -> None:
    import pyarrow as pa

    searched("openverse")
    location = Location.of("seen")
    shutil.rmtree(location.table)
    lance.write_dataset(pa.table({"key": [1]}), location.table)
    assert "is none of a library" in harmed_by(openverse)
    assert lance.dataset(location.table).count_rows() == 1


def test_a_library_of_a_newer_phrasepix_is_left_as_it_is(openverse: SourceServer) -> None:
    searched("openverse")
    place = Path(Location.of("seen").description)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"format": 99}))
    assert "install a newer one" in harmed_by(openverse)


def test_a_directory_that_is_a_file(openverse: SourceServer, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    assert "cannot be written" in harmed_by(openverse)


def test_a_disk_with_too_little_room_is_noticed(openverse: SourceServer, tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 30_000):
        assert "MB left, too little to go on" in harmed_by(openverse)


def test_a_library_that_another_process_writes_is_not_waited_for_long() -> None:
    location = Location.of("seen")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(location):
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(30)
        with pytest.raises(LibraryError, match="another process has been writing"):
            remember([seen(offered(1))], patience_s=0.1)
    finally:
        done.set()
        holder.join()
    assert remember([seen(offered(1))], patience_s=0.1) == 1


def test_a_listener_that_fails_later_ends_nothing(
    openverse: SourceServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("no directory")

    def refuse(event: object) -> None:
        if isinstance(event, Notice):
            raise RuntimeError("nobody listens")

    with caplog.at_level(logging.WARNING), Finder() as finder:
        request = SearchRequest("blue", tag="boat", source="openverse", model=ColourEncoder(), remember_in="seen")
        assert len(finder.search(request, on_event=refuse)) == 3
    assert "what was seen is not remembered" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"candidate": "{"},
        {"candidate": '{"source": "stock"}'},
        {"candidate": '{"source":"folder","id":"1","page_url":"","renditions":[["file:///etc/passwd",1,1,true]]}'},
        {"source": "folder"},
        {"renditions": [["file:///etc/passwd", 1, 1, True]]},
        {"page_url": "javascript:alert(1)"},
        {"title": "\u001b[2J"},
        {"tags": "boat"},
        {"width": "1"},
        {"taken_on": "yesterday"},
    ],
)
def test_a_row_that_somebody_changed_is_left_out_and_named(change: dict[str, Any]) -> None:
    remember([seen(offered(1), offered(2))])
    library = Library.open(Location.of("seen"))
    row = next(row for row in rows_in() if row["key"].endswith("/1"))
    text = change.get("candidate") or json.dumps(json.loads(row["candidate"]) | change)
    library.dataset.update({"candidate": "'" + text.replace("'", "''") + "'"}, where=f"key = '{row['key']}'")
    skipped: list[str] = []
    library.refresh()
    retriever = LibraryRetriever(
        library,
        profile=LibrarySource("seen").profile,
        now=lambda: NOW,
        on_skip=lambda hit: skipped.append(f"{hit.id}: {hit.reason}"),
    )
    assert [one.id for one in retriever.retrieve()] == ["2"]
    assert skipped == ["seen:stock/1: its row is damaged; the next search that meets it mends it"]


@pytest.mark.parametrize("name", ["", "s3://bucket/seen", "../seen", "a b", 3])
def test_the_name_is_one_of_a_library_here(name: Any) -> None:
    with pytest.raises(WrongParameterError, match="is no name of a library"):
        SearchRequest("blue", remember_in=name)


def test_many_searches_are_many_small_commits_that_are_tidied() -> None:
    for number in range(1, 41):
        remember([seen(offered(number))])
    library = Library.open(Location.of("seen"))
    assert library.count() == 40
    assert len(library.dataset.get_fragments()) < 40


def test_writers_at_once_lose_nothing() -> None:
    def write_some(first: int) -> None:
        for number in range(first, first + 6):
            remember([seen(offered(number), offered(1))])

    threads = [threading.Thread(target=write_some, args=(start,)) for start in (2, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows_in()) == 19


def test_a_function_remembers_too(openverse: SourceServer) -> None:
    find_images("blue", tag="boat", source="openverse", model=ColourEncoder(), remember_in="seen")
    deadline = time.monotonic() + 60
    while any(thread.name == "remember-seen" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(rows_in()) == 3


def test_a_finder_elsewhere_writes_into_the_data_directory(openverse: SourceServer, tmp_path: Path) -> None:
    with Finder(Config(cache_directory=tmp_path / "elsewhere")) as finder:
        request = SearchRequest("blue", tag="boat", source="openverse", model=ColourEncoder(), remember_in="seen")
        finder.search(request)
    assert len(rows_in()) == 3
