"""A library that stays open from one search to the next: it is opened once, and what others do to it is seen."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phrasepix import Finder, SearchRequest
from phrasepix.errors import NoLibraryError
from phrasepix.library.location import Location
from phrasepix.library.retriever import LibraryRetriever
from phrasepix.library.table import Library
from phrasepix.sources.open_sources import OpenSources
from reranker.pictures.local_files import path_of
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import NO_FILTERS
from retriever.folder.profile import FOLDER
from retriever.source import Opening, ServesSeveralSearches
from tests.library_parts import sync
from tests.picture_tree import picture, write

ROOT = Path(__file__).parents[1]
REQUEST = SearchRequest("red", source="library:mine", model=ColourEncoder(), fold=False, top=50)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    for number in range(6):
        write(place / f"{number}.png", picture(number))
    return place


@pytest.fixture
def base(folder: Path) -> Path:
    place = Path(Location.of("mine").base)
    sync(place, folder, cache_directory())
    return place


def names(finder: Finder) -> list[str]:
    return sorted(path_of(one.candidate.page_url).name for one in finder.search(REQUEST))


def in_another_process(base: Path, folder: Path) -> None:
    words = [sys.executable, "-m", "tests.library_process", *map(str, (base, folder, cache_directory()))]
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_what_another_process_adds_and_deletes_is_seen_by_the_next_search(base: Path, folder: Path) -> None:
    with Finder() as finder:
        assert names(finder) == [f"{number}.png" for number in range(6)]
        write(folder / "6.png", picture(6))
        (folder / "0.png").unlink()
        in_another_process(base, folder)
        assert names(finder) == [f"{number}.png" for number in range(1, 7)]


def test_a_library_that_nobody_wrote_to_is_opened_once(base: Path, folder: Path) -> None:
    library = Library.open(Location.of("mine"))
    assert library.latest() is library
    write(folder / "6.png", picture(6))
    sync(base, folder, cache_directory())
    later = library.latest()
    assert later is not library
    assert (library.count(), later.count()) == (6, 7)
    assert later.latest() is later
    later.change(folders=["/elsewhere"])
    assert "/elsewhere" in library.latest().description.folders


def test_a_library_made_anew_under_the_same_name_is_another(base: Path, folder: Path) -> None:
    with Finder() as finder:
        assert len(names(finder)) == 6
        shutil.rmtree(base)
        with pytest.raises(NoLibraryError, match="there is no library mine"):
            finder.search(REQUEST)
        for number in range(6):
            (folder / f"{number}.png").rename(folder / f"new {number}.png")
        sync(base, folder, cache_directory())
        assert names(finder) == [f"new {number}.png" for number in range(6)]


def test_a_search_that_began_before_a_commit_ends_with_what_it_began_with(base: Path, folder: Path) -> None:
    sources = OpenSources()
    with sources.open("library:mine", Opening()) as before:
        coming = before.retrieve("", limit=50, filters=NO_FILTERS)
        first = next(iter(coming))
        write(folder / "6.png", picture(6))
        sync(base, folder, cache_directory())
        with sources.open("library:mine", Opening()) as after:
            assert len(list(after.retrieve("", limit=50, filters=NO_FILTERS))) == 7
        assert len([first, *coming]) == 6
        sources.close()
        assert len(list(before.retrieve("", limit=50, filters=NO_FILTERS))) == 6


def test_each_search_is_told_what_it_skips_itself(base: Path) -> None:
    with LibraryRetriever(Library.open(Location.of("mine")), profile=FOLDER) as retriever:
        assert isinstance(retriever, ServesSeveralSearches)
        skipped: list[object] = []
        assert retriever.reporting_to(skipped.append, lambda message: None).on_skip == skipped.append


def test_the_library_of_another_data_directory_is_another(
    base: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Finder() as finder:
        assert len(names(finder)) == 6
        monkeypatch.setenv("PHRASEPIX_DATA_DIR", str(tmp_path / "elsewhere"))
        with pytest.raises(NoLibraryError):
            finder.search(REQUEST)
        shutil.copytree(base, Location.of("mine").base)
        (folder / "0.png").unlink()
        sync(Path(Location.of("mine").base), folder, cache_directory())
        assert len(names(finder)) == 5


def test_many_searches_at_once_share_an_open_library(base: Path, folder: Path) -> None:
    with Finder() as finder, ThreadPoolExecutor(4) as threads:
        first = names(finder)
        asked = [threads.submit(names, finder) for _ in range(8)]
        write(folder / "6.png", picture(6))
        sync(base, folder, cache_directory())
        found = {tuple(one.result()) for one in asked}
        assert found <= {tuple(first), (*first, "6.png")}
        assert names(finder) == [*first, "6.png"]
