"""The API's description: current, complete, and shown by a page that loads nothing from elsewhere."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from docs.openapi_snapshot import SNAPSHOT, snapshot
from phrasepix.request import SearchRequest, request_options
from phrasepix.server.openapi import docs_page
from tests.serve_process import ServeProcess

DESCRIBED = json.loads(snapshot())


def test_the_snapshot_is_that_of_the_code() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == snapshot(), "run: python -m docs"


def test_every_option_of_a_search_is_described() -> None:
    request = DESCRIBED["components"]["schemas"]["SearchRequest"]["properties"]
    names = {*request, *(f"filters.{name}" for name in request["filters"]["properties"])}
    assert {one.name for one in request_options() if one.option.in_json} <= names


@pytest.mark.slow
def test_the_description_takes_what_requests_write() -> None:
    from jsonschema import Draft202012Validator  # takes seconds

    schema = {"$ref": "#/components/schemas/SearchRequest", "components": DESCRIBED["components"]}
    written = json.loads(
        SearchRequest("a boat", tag="boat", minus=["people"], like="https://a.example/b.jpg").to_json()
    )
    Draft202012Validator(schema).validate(written)
    assert not Draft202012Validator(schema).is_valid({"tag": "boat"})


def test_every_reference_leads_somewhere_and_every_route_says_what_it_does() -> None:
    schemas = DESCRIBED["components"]["schemas"]
    named = {name.rpartition("/")[2] for name in re.findall(r'"\$ref": "([^"]+)"', json.dumps(DESCRIBED))}
    assert named <= schemas.keys()
    for path, operations in DESCRIBED["paths"].items():
        for verb, operation in operations.items():
            assert operation.get("description"), f"{verb} {path}"
            assert "application/problem+json" in operation["responses"]["default"]["content"]


class Loaded(HTMLParser):
    """Collects what a page loads, and its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in {"link", "img", "script", "iframe", "source"}:
            self.addresses.append(given.get("href") or given.get("src") or "")
        if tag in {"script", "style"} or "style" in given or any(name.startswith("on") for name in given):
            self.within.append(tag)


def test_the_page_of_documentation_loads_nothing_but_its_own_style() -> None:
    page = docs_page(DESCRIBED)
    loaded = Loaded()
    loaded.feed(page)
    assert loaded.addresses == ["/api/docs.css"]
    assert loaded.within == []
    for path in DESCRIBED["paths"]:
        assert path in page


@pytest.fixture
def server(tmp_path: Path, surroundings: None) -> Iterator[ServeProcess]:
    """Over the sample's model; all sources but the sample are out of reach."""
    nobody = "http://127.0.0.1:9/"
    environment = {f"{name}_API_URL": nobody for name in ("PIXABAY", "OPENVERSE", "COMMONS", "PEXELS", "UNSPLASH")}
    with ServeProcess(tmp_path / "root", environment | {"HF_HUB_OFFLINE": "1"}) as server:
        yield server


@pytest.mark.slow
def test_requests_made_of_the_description_are_answered_as_it_says(server: ServeProcess) -> None:
    """A few of each kind; `python -m benchmarks.serve_fuzz` sends thousands."""
    from tests.made_requests import Fuzz  # imports for seconds

    search = {"phrase": "a boat", "tag": "boat", "source": "sample", "top": 2}
    fuzz = Fuzz(server, 3, {"search_id": server.post("/api/v1/search", search)["id"]})
    fuzz.run()
    assert fuzz.faults == []
    assert fuzz.sent > 60
    assert {200, 422} <= {*fuzz.statuses}
