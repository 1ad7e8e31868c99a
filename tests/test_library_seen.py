"""What stock sources offered, remembered in a library with what their terms allow, and found there again."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from phrasepix import Config, Finder, SearchRequest, find_images
from phrasepix.errors import NoLibraryError
from phrasepix.library.forgetting import forget, forget_expired, seen_by_source
from phrasepix.library.location import Location
from phrasepix.library.overview import overview_of
from phrasepix.library.seen import remember
from phrasepix.library.table import Library
from phrasepix.sources.status import source_statuses
from phrasepix_core.candidate import Candidate
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.profile import FOR_GOOD
from retriever.testing import made_candidate
from tests.library_parts import CountingEncoder, sync
from tests.picture_server import PictureServer, encoded, file, stripes
from tests.picture_tree import picture, write
from tests.seen_parts import NOW, STOCK, found_at, offered, rows_in, searched, seen
from tests.source_servers.base import SourceServer
from tests.source_servers.commons import CommonsServer
from tests.source_servers.holding import holding
from tests.source_servers.pexels import PexelsServer
from tests.source_servers.pixabay import PixabayServer
from tests.source_servers.unsplash import UnsplashServer

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


def test_each_source_that_comes_along_declares_what_the_how_to_says() -> None:
    declared = {one.name: one.profile.remembered_for for one in source_statuses() if one.profile is not None}
    assert declared == {
        "openverse": FOR_GOOD,
        "commons": FOR_GOOD,
        "pixabay": timedelta(days=1),
        "pexels": timedelta(0),
        "unsplash": timedelta(0),
        "sample": timedelta(0),
    }


def test_a_source_that_declares_nothing_is_not_remembered(pictures: PictureServer) -> None:
    class Undeclared:
        name = "undeclared"
        on_loopback = True

        def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
            url = pictures.put("/one.jpg", file(encoded(stripes(["red"]))))
            one = made_candidate(1)
            yield replace(one, source=self.name, renditions=(replace(one.renditions[0], url=url),))

    results, told = searched(Undeclared())
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
    everything = Filters(media_type="all", safe_search=False)
    assert found_at(NOW, Filters(safe_search=False)) == ["1", "3"]
    assert found_at(NOW, Filters(media_type="all")) == ["2", "3"]
    assert found_at(NOW, Filters(media_type="illustration")) == ["2"]
    assert found_at(NOW, replace(everything, creator="ann lee")) == ["3"]
    assert found_at(NOW, replace(everything, licence=("commercial",))) == ["3"]
    assert found_at(NOW, replace(everything, any_tags=("harbour",))) == ["1"]
    assert found_at(NOW, replace(everything, where="source = 'stock' AND width > 1")) == ["1", "2", "3"]
    assert found_at(NOW, everything, tag="pier") == ["2"]
    assert found_at(NOW, everything, tag="boat") == ["3"], "the tag that found it counts"


def test_a_row_is_known_by_whose_id_it_is() -> None:
    remember([seen(offered(1), offered(1, catalogue="stock@elsewhere"), offered(2))])
    remember([seen(offered(1), offered(1, catalogue="stock@elsewhere"))])
    assert [row["key"] for row in rows_in()] == ["seen:stock%40elsewhere/1", "seen:stock/1", "seen:stock/2"]


def test_what_cannot_be_kept_as_it_is_is_left_out_and_the_rest_is_kept() -> None:
    remembered = remember(
        [
            seen(
                offered(1),
                offered(2, title="A boat\ud800"),
                offered(3, page_url="ftp://stock.example/3"),
                offered(4, tags=["boat"]),
                offered(5, page_url="https://[stock"),
                offered(6, uploaded_on=NOW),
                replace(offered(7), source="folder"),
            )
        ]
    )
    assert [str(one) for one in remembered.left_out] == [
        "6 pictures of A Stock are not remembered: what was said of them cannot be kept as it is"
    ]
    assert (remembered.rows, found_at(NOW)) == (1, ["1"])


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
    _, told = searched(Keyed())
    assert told == ["2 pictures of A Stock are not remembered: an address holds a key or a password"]
    assert [row["path"] for row in rows_in()] == ["https://x.example/3"]


# Forgetting, and what there is.


def test_forgetting_leaves_nothing_on_the_disk() -> None:
    other = replace(STOCK, name="other", title="Other")
    remember([seen(offered(1, title="A very rare title"), offered(2))])
    remember([seen(*(replace(offered(number), source="other") for number in (3, 4)), profile=other)])
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
    written = json.loads((tmp_path / "book" / "credits.json").read_text())
    assert "Somebody 3" in json.dumps(written)
    assert "openverse" in json.dumps(written)


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
