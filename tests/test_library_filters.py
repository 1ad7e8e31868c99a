"""Filters of a library beyond those of every source: places, and the dictionary form of vector databases."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
import pytest

from phrasepix import SearchRequest, find_images
from phrasepix.errors import NoLibraryError, WrongParameterError
from phrasepix.library.columns import COLUMNS
from phrasepix.library.condition import checked_condition
from phrasepix.library.dictionary import condition_in
from phrasepix.library.location import Location
from phrasepix.library.predicates import condition_of
from phrasepix.library.schema import FACTS_SCHEMA, PLACE
from phrasepix.library.table import Library
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from tests.library_parts import sync
from tests.picture_tree import picture, write

ROWS = [
    {"path": "a", "taken_year": 2019, "rating": 5, "tags": ["boat", "it's"], "camera": "EOS", "width": 3000},
    {"path": "b", "taken_year": 2020, "rating": 3, "tags": [], "taken_on": date(2020, 1, 5), "commercial_use": True},
    {"path": "c", "taken_year": 2021, "rating": None, "tags": ["harbour"], "camera": "Z 6", "commercial_use": False},
    {"path": "d", "rating": 4, "tags": None, "taken_on": date(2021, 7, 1)},
]


def within_each_other(times: int) -> dict[str, Any]:
    return {"$or": [within_each_other(times - 1)]} if times else {"year": 2019}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    whole = [dict.fromkeys(FACTS_SCHEMA.names) | {"key": row["path"]} | row for row in ROWS]
    table = pa.Table.from_pylist(whole, schema=FACTS_SCHEMA)
    return lance.write_dataset(table, str(tmp_path_factory.mktemp("rows") / "x.lance"))


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({"year": 2019}, "a"),
        ({"year": {"$in": [2019, 2020]}}, "ab"),
        ({"year": {"$nin": [2019, 2020]}}, "cd"),
        ({"year": {"$ne": 2019}}, "bcd"),
        ({"rating": {"$gt": 3, "$lte": 4}}, "d"),
        ({"rating": {"$lt": 4}}, "b"),
        ({"rating": {"$eq": None}}, "c"),
        ({"rating": {"$ne": None}}, "abd"),
        ({"tags": "boat"}, "a"),
        ({"tags": {"$in": ["boat", "harbour"]}}, "ac"),
        ({"tags": {"$in": ["it's"]}}, "a"),
        ({"tags": {"$nin": ["boat"]}}, "bcd"),
        ({"commercial_use": True}, "b"),
        ({"commercial_use": {"$ne": True}}, "acd"),
        ({"taken_on": {"$gte": "2020-01-05", "$lt": date(2021, 1, 1)}}, "b"),
        ({"camera": {"$eq": "EOS"}}, "a"),
        ({"$or": [{"year": 2021}, {"rating": {"$gte": 5}}]}, "ac"),
        ({"$and": [{"rating": {"$gte": 3}}, {"$or": [{"year": 2020}, {"camera": {"$in": ["EOS"]}}]}]}, "ab"),
        ({"width": {"$gte": 3000.0}}, "a"),
        ({"rating": {"$gt": -1}}, "abd"),
    ],
)
def test_the_dictionary_form_finds_what_it_says(rows: Any, described: dict[str, Any], expected: str) -> None:
    filters = SearchRequest("x", filters=described).wishes
    found = rows.to_table(columns=["path"], filter=condition_of(filters))["path"].to_pylist()
    assert "".join(sorted(found)) == expected


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"yaer": 2019}, "yaer"),
        ({"year": {"$within": 3}}, r"\$within"),
        ({"year": {"$in": 2019}}, "takes a list"),
        ({"year": {"$in": []}}, "takes a list"),
        ({"year": {}}, "is empty"),
        ({"year": "2019"}, "taken_year is a whole number"),
        ({"width": {"$gte": 2999.5}}, "width is a whole number"),
        ({"year": 10**30}, "taken_year is a whole number"),
        ({"year": True}, "taken_year is a whole number"),
        ({"year": float("nan")}, "taken_year is a whole number"),
        ({"taken_on": "2019"}, "taken_on is a day"),
        ({"taken_on": datetime(2019, 1, 1)}, "taken_on is a day"),
        ({"taken_on": "soon"}, "is no day"),
        ({"tags": {"$gt": "a"}}, "cannot compare tags"),
        ({"commercial_use": {"$lt": True}}, "cannot compare commercial_use"),
        ({"$or": {}}, r"\$or takes a list"),
        ({"$or": []}, r"\$or takes a list"),
        ({"$and": [3]}, "is no condition"),
        ({"$and": [{"latitude": 3}]}, "latitude"),
        ({"$or": [{"a; --": 1}]}, "a; --"),
        ({"$not": [{"year": 1}]}, r"\$not"),
        ({"$or": [{"year": number} for number in range(300)]}, "more than 200"),
        (within_each_other(9), "within each other"),
        ([], "none"),
    ],
)
def test_what_is_wrong_with_a_dictionary_is_named(described: Any, message: str) -> None:
    with pytest.raises(WrongParameterError, match=message):
        SearchRequest("x", filters=described)


def test_a_dictionary_holds_filters_by_their_names_beside_conditions() -> None:
    given = {"orientation": "vertical", "since": "2020", "camera": "EOS", "where": "width > 3", "rating": {"$gte": 4}}
    filters = SearchRequest("x", filters=given).wishes
    assert (filters.orientation, filters.since, filters.camera) == ("vertical", date(2020, 1, 1), "EOS")
    assert filters.where == "(width > 3) AND (rating >= 4)"
    assert SearchRequest("x", filters={"camera": {"$ne": "EOS"}}).wishes.camera is None


def test_a_request_with_a_dictionary_goes_through_json() -> None:
    request = SearchRequest("x", filters={"year": {"$in": [2019, 2020]}, "min_rating": 4})
    again = SearchRequest.from_json(request.to_json())
    assert again.wishes == request.wishes == Filters(min_rating=4, where="(taken_year IN (2019, 2020))")
    in_json = json.dumps({"phrase": "x", "filters": {"$or": [{"year": 2019}, {"tags": {"$in": ["boat"]}}]}})
    assert "array_has_any" in (SearchRequest.from_json(in_json).wishes.where or "")


def test_whatever_a_dictionary_says_is_a_condition_that_people_may_write() -> None:
    hostile = ["') OR 1=1 --", "/* */", "a'b\"c;", "\\'"]
    for text in hostile:
        written = condition_in({"title": {"$in": [text]}, "tags": {"$nin": [text]}, "year": {"$ne": -3}})
        assert checked_condition(written) == written


def test_columns_that_people_name_are_those_of_the_table() -> None:
    assert set(COLUMNS) < set(FACTS_SCHEMA.names)
    assert not set(COLUMNS) & {*PLACE, "key", "facts"}


@pytest.fixture
def library() -> Library:
    """Pictures in Vienna, beside the date line in Fiji, and at no known place."""
    location = Location.of("mine")
    folder = cache_directory().parent / "pictures"
    places = {"vienna": (48.2, 16.37), "fiji": (-16.8, 179.99), "none": (0, 0)}
    for number, (name, (north, east)) in enumerate(places.items()):
        write(folder / f"{name}.png", picture(number))
        said = {"geoData": {"latitude": north, "longitude": east}}
        write(folder / f"{name}.png.json", json.dumps(said).encode())
    library = Library.open_or_create(location)
    library.keep_places(keeps=True)
    sync(Path(location.base), folder, cache_directory())
    return Library.open(location)


def test_what_is_near_a_place_is_found(library: Library) -> None:
    def near(text: str) -> list[str]:
        results = find_images("red", source="library:mine", model=ColourEncoder(), filters=Filters(near=text))
        return sorted(Path(one.candidate.page_url).stem for one in results)

    assert near("48.21,16.36,5") == ["vienna"]
    assert near("48.21 16.36 1km") == []  # it is 1.34 km away
    assert near("-16.8,-179.99,5") == ["fiji"]  # across the date line
    assert near("0,0,20038") == ["fiji", "vienna"]
    assert near("90,0,4650") == ["vienna"]
    assert find_images("red", source="library:mine", model=ColourEncoder(), filters={"year": 1900}).pool_size == 0


def test_a_library_that_keeps_no_places_says_so(library: Library) -> None:
    library.keep_places(keeps=False)
    with pytest.raises(NoLibraryError, match="does not keep where pictures were taken"):
        find_images("red", source="library:mine", model=ColourEncoder(), filters=Filters(near="48,16,5"))


@pytest.mark.parametrize(
    "text", ["", "48,16", "91,0,1", "0,181,1", "0,0,0", "0,0,nan", "0,0,inf", "nan,0,1", "x,y,z", "1,2,3,4"]
)
def test_what_is_no_place_is_named(text: str) -> None:
    with pytest.raises(WrongParameterError, match="is no place"):
        Filters(near=text)
