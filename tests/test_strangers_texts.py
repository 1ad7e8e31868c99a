"""What a source of somebody else writes, in every output: no address of a private network, nothing that steers."""

import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from phrasepix import Candidate, Results, find_images
from phrasepix.results import FoundMatch, Origin
from phrasepix.saving.credits_file import open_credits_file
from phrasepix.views.terminal import results_lines
from phrasepix_core.candidate import Clip, Rendition
from reranker.testing import ColourEncoder
from tests.picture_server import PictureServer, candidate, encoded, file, status, stripes
from tests.test_several_sources import OwnSource

STEERING = "\x1b]0;owned\x07 \x9b31m \u202eevil\u2066 \x7f \u2028 \ud83d end"
PRIVATE = [
    "http://192.168.178.1/login", "http://10.0.0.7:8080/a.jpg", "http://[fd00::1]/", "http://2130706433/x",
    "http://printer.local/", "http://localhost/admin", "javascript:alert(1)", "file:///etc/passwd", "ftp://example.org/",
]  # fmt: skip


def results_of(*candidates: Candidate, is_on_loopback: bool = False) -> Results:
    matches = tuple(
        FoundMatch(rank, 0.3, one, Image.new("RGB", (4, 4))) for rank, one in enumerate(candidates, start=1)
    )
    origins = (Origin("own", "Own", "Pictures of one's own", is_on_loopback=is_on_loopback),)
    return Results("a boat", ("boat",), origins, "model", matches)


def offered(url: str, **texts: object) -> Candidate:
    one = candidate(1, url, source="own")
    return replace(one, page_url=url, creator_url=url, licence_url=url, clips=(Clip(url, 4, 4),), **texts)  # type: ignore[arg-type]


def printed(results: Results) -> str:
    with io.StringIO() as stream:
        Console(file=stream, width=100, force_terminal=True).print(results)
        return stream.getvalue()


@pytest.mark.parametrize("url", PRIVATE)
def test_an_address_of_a_private_network_is_passed_on_nowhere(url: str) -> None:
    one = offered(url)
    results = results_of(replace(one, id="2"))
    results = replace(results, matches=(replace(results[0], siblings=(one,)),))
    said = [results.to_json(), results_lines(results), printed(results)]
    assert [url in one for one in said] == [False] * 3


def test_addresses_of_this_machine_are_passed_on_from_a_source_that_is_here() -> None:
    here = "http://127.0.0.1:8123/pictures/1.jpg"
    results = results_of(offered(here), is_on_loopback=True)
    assert json.loads(results.to_json())["matches"][0]["image_url"] == here
    assert results_lines(results).split("\t")[3:5] == [here, here]
    elsewhere = results_of(offered("http://192.168.0.1/1.jpg"), is_on_loopback=True)
    assert json.loads(elsewhere.to_json())["matches"][0]["image_url"] == ""


def test_an_address_of_the_internet_is_passed_on_whole() -> None:
    url = "https://pictures.example/photos/1/?size=large&of=x#top"
    match = json.loads(results_of(offered(url)).to_json())["matches"][0]
    assert [match[name] for name in ("page_url", "image_url", "creator_url", "licence_url")] == [url] * 4
    assert match["clips"][0]["url"] == url


def test_what_could_steer_a_terminal_is_in_no_output_and_json_still_means_it() -> None:
    texts = dict.fromkeys(("creator", "title", "licence", "credit", "found_by", "id", "source"), STEERING)
    results = results_of(offered("https://pictures.example/1", tags=(STEERING, "boat"), **texts))
    as_json = results.to_json()
    for said in (as_json, results_lines(results)):
        assert all(one.isprintable() or one in "\n\t" for one in said)
        assert not {"\u202e", "\u2066", "\ud83d"} & set(said)
    assert results_lines(results).count("\n") == 1
    assert json.loads(as_json)["matches"][0]["creator"] == STEERING
    table = printed(results)
    assert not {"\x9b", "\x07", "\u202e", "\u2066", "\u2028", "\ud83d", "\x7f"} & set(table)
    assert "\x1b]0;" not in table


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


def test_feedback_keeps_a_picture_whose_id_a_broken_one_of_another_catalogue_has(server: PictureServer) -> None:
    good = server.put("/good.png", file(encoded(stripes(["red"]), "PNG"), "image/png"))
    blue = server.put("/blue.png", file(encoded(stripes(["blue"]), "PNG"), "image/png"))
    pool = [
        replace(candidate(7, server.put("/gone.png", status(404)), source="own"), catalogue="own at one.example"),
        replace(candidate(7, good, source="own"), catalogue="own at other.example"),
        candidate(8, blue, source="own"),
    ]
    found = find_images("red", tag="x", source=OwnSource("own", pool), model=ColourEncoder())
    assert [match.candidate.id for match in found] == ["7", "8"]
    again = found.refined(avoid=[2])
    assert [match.candidate.identity for match in again] == [("own at other.example", "7"), ("own", "8")]


def test_a_name_is_taken_in_whichever_case_and_composition(tmp_path: Path) -> None:
    one = candidate(1, "https://pictures.example/1.jpg")
    (tmp_path / unicodedata.normalize("NFD", "Ärger im Hafen.jpg")).touch()
    with open_credits_file(tmp_path) as credits_file:
        assert credits_file.is_taken(unicodedata.normalize("NFC", "Ärger im Hafen.jpg"), one)
        assert credits_file.is_taken(unicodedata.normalize("NFC", "ÄRGER IM HAFEN.JPG"), one)
        assert not credits_file.is_taken("Arger im Hafen.jpg", one)


def test_a_rendition_of_a_folder_keeps_its_address() -> None:
    url = "file:///pictures/a.jpg"
    one = replace(candidate("a", url, source="folder"), page_url=url, renditions=(Rendition(url, 4, 4),))
    match = json.loads(results_of(one).to_json())["matches"][0]
    assert (match["page_url"], match["image_url"]) == (url, url)
