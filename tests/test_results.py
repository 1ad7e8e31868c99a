"""Results: plain data that can be pickled and sent, and the live ones that people hold."""

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest

from phrasepix import Finder, SearchRequest
from phrasepix.errors import WrongPickError
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.results import FoundMatch, Results
from reranker.testing import ColourEncoder
from tests.picture_tree import picture, write

RECORDED = {
    "results": "asked failures fits_well language matches model notices phrase pool_size query refined_by skipped "
    "sources tags",
    "query": "unwanted wanted",
    "match": "agreeing_points ai_generated bonus clips colours commercial_use creator creator_url credit "
    "credit_line credit_owed duration_s first_score fit found_by frame_at g_rated height id image_url "
    "licence licence_url media_type modification nearness no_ai_training page_url parts path penalty rank "
    "score siblings source stands_out tags taken_on title uploaded_on used_before width",
}
"""The names in the JSON of results: others read them, so none goes or changes its meaning without a note."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveResults]:
    place = tmp_path_factory.mktemp("results")
    for seed in range(4):
        write(place / "pictures" / f"{seed}.png", picture(seed))
    write(place / "pictures" / "broken.png", b"no picture")
    with Finder() as finder:
        finder = finder.configured(cache_directory=place / "cache")
        yield finder.search(
            SearchRequest("something red", minus="blue", source=place / "pictures", model=ColourEncoder())
        )


def plain(results: LiveResults) -> Results:
    """The results as a service would keep them."""
    known = {one.name: getattr(results, one.name) for one in fields(Results)}
    return Results(**known | {"matches": tuple(FoundMatch.of(match) for match in results), "request": None})


def test_the_json_has_the_names_that_were_recorded(found: LiveResults) -> None:
    said = json.loads(found.to_json())
    assert " ".join(sorted(said)) == RECORDED["results"]
    assert " ".join(sorted(said["query"])) == RECORDED["query"]
    for match in said["matches"]:
        assert " ".join(sorted(match)) == RECORDED["match"]


def test_plain_and_live_results_say_the_same(found: LiveResults) -> None:
    assert plain(found).to_json() == found.to_json()
    assert repr(plain(found)) == repr(found)
    assert plain(found).fits_well == found.fits_well
    assert plain(found).mention == found.mention


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "live"])
def test_pickled_results_say_the_same(found: LiveResults, protocol: int, is_plain: bool) -> None:
    results = plain(found) if is_plain else found
    again = pickle.loads(pickle.dumps(results, protocol))
    assert type(again) is type(results)
    assert again.to_json() == results.to_json()
    assert list(again) == list(results)
    assert [match.picture.tobytes() for match in again] == [match.picture.tobytes() for match in results]
    assert again.pool.candidates == results.pool.candidates
    assert again.skipped == results.skipped != ()


def test_nobody_changes_results(found: LiveResults) -> None:
    for results in (found, plain(found)):
        for one in fields(results):
            with pytest.raises(FrozenInstanceError):
                setattr(results, one.name, None)
        with pytest.raises((FrozenInstanceError, AttributeError)):
            results[0].rank = 7  # type: ignore[misc]
        with pytest.raises(TypeError):
            results[0] = results[1]  # type: ignore[index]
        for field in (results.matches, results.skipped, results.notices, results.origins, results.pool.candidates):
            assert isinstance(field, tuple)


@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "live"])
def test_results_are_a_sequence_of_their_matches(found: LiveResults, is_plain: bool) -> None:
    results: Sequence[Any] = plain(found) if is_plain else found
    assert isinstance(results, Sequence)
    assert len(results) == 4
    assert [match.rank for match in results] == [1, 2, 3, 4]
    assert [match.rank for match in reversed(results)] == [4, 3, 2, 1]
    assert results[0] is next(iter(results))
    assert results[-1].rank == 4
    assert [match.rank for match in results[1:3]] == [2, 3]
    assert results[7:] == ()
    assert results[2] in results
    assert results.index(results[2]) == 2
    assert results.count(results[2]) == 1
    first, *others = results
    assert (first.rank, len(others)) == (1, 3)
    with pytest.raises(IndexError):
        results[4]
    assert bool(results)


def test_live_matches_are_live_by_place_by_slice_and_in_turn(found: LiveResults) -> None:
    for match in (found[0], found[1:][0], next(iter(found))):
        assert isinstance(match, LiveMatch)
        assert match.more_like_this().request is not None


def test_results_that_come_from_another_process_say_so_when_they_are_asked_again(found: LiveResults) -> None:
    again = pickle.loads(pickle.dumps(found))
    with pytest.raises(WrongPickError, match="these results cannot be asked again: their search is of another process"):
        again.refined(prefer="1")
    with pytest.raises(WrongPickError, match=r"another process; search with like=match"):
        again[0].more_like_this()
    with Finder() as finder, pytest.raises(WrongPickError, match="another process"):
        finder.refine(again, prefer="1")


def test_a_match_from_another_process_can_be_searched_with(found: LiveResults, tmp_path: Path) -> None:
    match = pickle.loads(pickle.dumps(found))[1]
    assert found.finder is not None
    assert found.request is not None
    with Finder() as finder:
        alike = finder.search(SearchRequest(like=match, source=found.request.sources, model=ColourEncoder()))
    assert match.candidate.id not in {one.candidate.id for one in alike}
    assert len(alike) == 3


def test_results_from_another_process_still_show_themselves_and_name_no_file_of_this_machine(
    found: LiveResults, tmp_path: Path
) -> None:
    again = pickle.loads(pickle.dumps(found))
    assert (
        again.save_gallery(tmp_path / "gallery.html").read_text() == found.save_gallery(tmp_path / "b.html").read_text()
    )
    assert again._repr_mimebundle_()["text/plain"] == repr(found)
    saved = again.save(tmp_path / "saved", "1-2")  # whoever made the pickle may have named any file as a picture
    assert saved.pictures == ()
    assert {one.reason for one in saved.failed} == {"its file URL is none that pictures of this source come from"}


def test_what_an_offline_search_has_found_sends_nothing_in_another_process_either(found: LiveResults) -> None:
    reopener = replace(found.reopener, offline=True)
    assert pickle.loads(pickle.dumps(reopener)).offline
    assert not pickle.loads(pickle.dumps(found.reopener)).offline
