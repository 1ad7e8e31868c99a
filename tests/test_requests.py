"""A search's request: what it takes, what it refuses, and its JSON."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from phrasepix import find_images, stream_images
from phrasepix.errors import PhrasepixError, WrongQueryError
from phrasepix.request import SearchRequest
from reranker.query import Example, Phrase, Query
from retriever.filters import Filters


@pytest.fixture
def heron(tmp_path: Path) -> str:
    path = tmp_path / "heron.png"
    Image.new("RGB", (120, 80), "slategray").save(path)
    return str(path)


def requests(heron: str) -> dict[str, SearchRequest]:
    url = "https://pictures.example/heron.jpg"
    return {
        "plain": SearchRequest("a heron in reeds", tag="heron"),
        "tags and sources": SearchRequest("a heron", tag=["heron", "reeds"], source=["sample", Path("/pictures")]),
        "a file": SearchRequest("a heron", like=heron),
        "a weighed file": SearchRequest(tag="heron", like=(heron, 0.25)),
        "several": SearchRequest("a heron", like=[heron, (url, 2)], minus=["people", ("fog", 0.5), Phrase("rain", 2)]),
        "a phrase to avoid": SearchRequest("a heron", minus=Phrase("fog", 0.5)),
        "a query": SearchRequest(Query((Phrase("a heron"), Example(url, 0.5, "heron.jpg")), (Phrase("people", 2.0),))),
        "filters": SearchRequest(
            "a heron",
            filters=Filters(colours=("blue", "white"), licence=("commercial",), since=date(2021, 3, 4), min_width=800),
        ),
        "a project": SearchRequest("a heron", project="book", unused=True, words=0.5, fold=False, limit=40),
    }


def test_a_request_is_the_same_after_its_json(heron: str) -> None:
    for name, request in requests(heron).items():
        written = request.to_json()
        again = SearchRequest.from_json(written)
        assert again == request, name
        assert again.to_json() == written, name
        assert [part.title for part in again.query.parts] == [part.title for part in request.query.parts], name


def test_one_and_several_are_kept_alike(heron: str) -> None:
    assert SearchRequest("a heron", like=heron, minus="fog") == SearchRequest("a heron", like=[heron], minus=["fog"])
    weighed = SearchRequest("a heron", like=(heron, 0.5))
    assert weighed.like == ((Path(heron), 0.5),)
    assert replace(weighed, top=3).like == weighed.like


@pytest.mark.parametrize(
    "described",
    [
        {"wanted": 5},
        {"wanted": ["a heron"]},
        {"wanted": [{"phrase": "a heron", "weight": "much"}]},
        {"wanted": [{"phrase": "a heron", "weight": 0}]},
        {"wanded": [{"phrase": "a heron", "weight": 1}]},
    ],
    ids=str,
)
def test_a_query_that_is_none_is_named(described: object) -> None:
    with pytest.raises(PhrasepixError):
        SearchRequest.from_json(json.dumps({"phrase": described}))


@pytest.mark.parametrize(
    "options",
    [
        {"words": "much"},
        {"words": None},
        {"diverse": "much"},
        {"words_for_tags": 5},
        {"minus": {"value": "people", "weight": "much"}},
        {"like": {"value": 5, "weight": 1}},
        {"filters": {"language": 5}},
        {"filters": {"category": ["animals"]}},
        {"filters": {"colours": [["red"]]}},
        {"filters": {"creator": 5}},
        {"filters": "square"},
        {"version": True},
    ],
    ids=str,
)
def test_values_of_a_wrong_kind_are_errors_of_our_own(options: dict[str, Any]) -> None:
    with pytest.raises(PhrasepixError):
        SearchRequest.from_json(json.dumps({"phrase": "a heron"} | options))


@pytest.mark.parametrize("text", ["", "[", "null", "[" * 200_000], ids=["empty", "open", "null", "deep"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(PhrasepixError, match="the request is no JSON"):
        SearchRequest.from_json(text)


def test_what_is_not_wanted_may_be_a_file(heron: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(heron).parent
    monkeypatch.chdir(folder)
    Path(heron).rename(folder / "no ending")
    Image.new("RGB", (120, 80), "slategray").save(folder / "grey heron.png")
    for given in (str(folder / "no ending"), "./no ending", "grey heron.png"):
        (part,) = SearchRequest("a lake", minus=given).query.unwanted
        assert isinstance(part, Example), given


def test_a_picture_s_file_that_is_not_there_is_no_phrase(tmp_path: Path) -> None:
    for given in ("heorn.jpg", str(tmp_path / "heron"), "~/no such/heron", "../heorn.webp"):
        with pytest.raises(WrongQueryError, match=r"there is no file .*compare how it is spelled"):
            SearchRequest("a lake", minus=given)


def test_words_stay_words_whatever_lies_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people").write_text("not a picture")
    (tmp_path / "fog").mkdir()
    for given in ("people", "fog", "black/white", "U.S. flags", "dr. who", "x" * 5000, "~", "/", "a\0b"):
        (part,) = SearchRequest("a lake", minus=given).query.unwanted
        assert isinstance(part, Phrase), given


@pytest.mark.parametrize("function", [find_images, stream_images])
def test_an_argument_that_is_not_known_is_named_with_the_function(function: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) .*'tags' \(did you mean tag\?\)$"):
        function("a heron", tags="heron")
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) too many positional"):
        function("a heron", "heron")


def test_filters_show_what_was_asked_for() -> None:
    assert repr(Filters()) == "Filters()"
    wished = Filters(orientation="square", since=date(2020, 1, 2), colours=("red",))
    assert eval(repr(wished), {"Filters": Filters, "datetime": __import__("datetime")}) == wished
