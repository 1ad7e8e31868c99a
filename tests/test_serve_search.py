"""Searching over HTTP: the real server over the sample, as JSON and as events."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.server.result_models import SearchAnswer
from tests import in_process
from tests.serve_process import ServeProcess, good, problem, serving_the_sample

PHRASE = "two red boats at night in the rain"
SEARCH = {"phrase": PHRASE, "tag": "boat", "source": "sample", "top": 5}
A_PICTURE = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[ServeProcess]:
    with serving_the_sample(tmp_path_factory.mktemp("served"), link_export) as server:
        yield server


@pytest.fixture(scope="module")
def found(server: ServeProcess) -> Any:
    """The answer to the search."""
    return server.post("/api/v1/search", SEARCH)


def ranked(answer: Any) -> list[tuple[str, float]]:
    return [(match["id"], match["score"]) for match in answer["matches"]]


def test_the_answer_is_the_object_of_the_command_with_an_id(found: Any) -> None:
    said = in_process.run(PHRASE, "--tag", "boat", "--source", "sample", "-n", "5", "--json")
    by_command = json.loads(said.stdout)
    assert ranked(found) == ranked(by_command)
    assert {name for name in by_command if name not in found} == set()
    same = [name for name in by_command if name != "matches"]
    assert {name: found[name] for name in same} == {name: by_command[name] for name in same}
    assert found["is_final"] is True
    assert found["request"] == SEARCH


def test_the_answer_has_the_form_that_is_described_and_nothing_else(found: Any) -> None:
    assert SearchAnswer.model_validate(found).id == found["id"]


def test_ten_matches_are_shown_unless_said_otherwise(server: ServeProcess) -> None:
    assert len(server.post("/api/v1/search", {key: SEARCH[key] for key in SEARCH if key != "top"})["matches"]) == 10


def test_events_tell_how_far_it_is_and_the_last_one_is_the_answer(server: ServeProcess, found: Any) -> None:
    events = list(server.events("/api/v1/search", SEARCH))
    names = [name for name, _ in events]
    assert names[-1] == "done"
    assert names.count("done") == 1
    assert {"progress", "results"} <= {*names}
    assert events[0][0] == "progress"
    assert events[0][1].keys() == {"stage", "step", "done", "total", "skipped", "subject"}
    for name, data in events:
        if name == "results":
            assert data["is_final"] is False
            assert data["id"] == events[-1][1]["id"]
    assert ranked(events[-1][1]) == ranked(found)


def test_results_that_firm_up_name_pictures_with_their_sizes(server: ServeProcess) -> None:
    phrase = {**SEARCH, "phrase": "a boat nobody has asked for yet"}
    shown = [data for name, data in server.events("/api/v1/search", phrase) if name == "results" and data["matches"]]
    assert shown
    for results in shown:
        assert all(match["width"] > 0 and match["height"] > 0 for match in results["matches"])


def test_a_search_is_there_by_its_id(server: ServeProcess, found: Any) -> None:
    assert server.get(f"/api/v1/searches/{found['id']}") == found


def test_an_id_that_is_gone_says_to_search_again(server: ServeProcess) -> None:
    for method, path in [("GET", ""), ("GET", "/pictures/1"), ("POST", "/refine"), ("POST", "/more-like")]:
        body = {"prefer": [1]} if path == "/refine" else {"rank": 1} if path == "/more-like" else None
        told = problem(server.ask(method, f"/api/v1/searches/nosuch{path}", body), 404)
        assert "search again" in told["detail"]
        assert told["type"] == "urn:phrasepix:search-gone"


def test_refining_asks_nobody_and_moves_what_is_preferred_up(server: ServeProcess, found: Any) -> None:
    path = f"/api/v1/searches/{found['id']}/refine"
    refined = server.post(path, {"prefer": [5]})
    assert refined["id"] != found["id"]
    places = [match["id"] for match in refined["matches"]]
    assert places.index(found["matches"][4]["id"]) < 4
    assert refined["request"]["refined"] == {"search": found["id"], "prefer": [5], "avoid": []}
    events = list(server.events(path, {"prefer": [5]}))
    assert events[-1][0] == "done"
    assert ranked(events[-1][1]) == ranked(refined)
    assert "asking" not in [data["stage"] for name, data in events if name == "progress"]


@pytest.mark.parametrize(
    ("feedback", "words"),
    [
        ({"prefer": [99]}, "there is no picture 99"),
        ({"prefer": [1], "avoid": [1]}, "both preferred and to be avoided"),
        ({}, "no picture is preferred"),
        ({"prefer": [0]}, "there is no picture 0"),
    ],
)
def test_feedback_that_means_nothing_is_refused(
    server: ServeProcess, found: Any, feedback: dict[str, Any], words: str
) -> None:
    told = problem(server.ask("POST", f"/api/v1/searches/{found['id']}/refine", feedback), 422)
    assert words in told["detail"]


def test_more_like_a_picture_leaves_that_picture_out(server: ServeProcess, found: Any) -> None:
    more = server.post(f"/api/v1/searches/{found['id']}/more-like", {"rank": 1})
    assert more["tags"] == ["boat"]
    assert found["matches"][0]["id"] not in [match["id"] for match in more["matches"]]
    assert more["matches"]


def picture_at(server: ServeProcess, url: str) -> Image.Image:
    answer = server.ask("GET", url)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    return Image.open(io.BytesIO(answer.content))


def test_pictures_come_small_and_to_zoom(server: ServeProcess, found: Any) -> None:
    for match in found["matches"]:
        small, large = (picture_at(server, match[which]) for which in ("picture_url", "zoom_url"))
        assert small.width <= 640
        assert small.height <= 480
        assert large.width * large.height >= small.width * small.height
        assert abs(small.width / small.height - match["width"] / match["height"]) < 0.02


def test_a_pictures_address_shows_the_same_picture_wherever_its_rank_moves(server: ServeProcess, found: Any) -> None:
    first, second = (match["picture_url"] for match in found["matches"][:2])
    moved = second.replace("/pictures/2?", "/pictures/1?")
    assert server.ask("GET", moved).content == server.ask("GET", second).content
    assert server.ask("GET", first).content != server.ask("GET", second).content


def test_a_picture_that_a_search_has_not_is_a_problem(server: ServeProcess, found: Any) -> None:
    problem(server.ask("GET", f"/api/v1/searches/{found['id']}/pictures/99"), 404)
    problem(server.ask("GET", f"/api/v1/searches/{found['id']}/pictures/1?size=huge"), 422)


def test_an_uploaded_picture_is_the_question(server: ServeProcess) -> None:
    uploaded = server.post("/api/v1/pictures", A_PICTURE.read_bytes())
    with Image.open(A_PICTURE) as picture:
        assert (uploaded["width"], uploaded["height"]) == picture.size
    asked = {"like": [{"picture": uploaded["picture"]}], "tag": "boat", "source": "sample", "top": 3}
    by_upload = server.post("/api/v1/search", asked)
    assert by_upload["query"]["wanted"] == [{"picture": "an uploaded picture", "weight": 1.0}]
    url = "data:image/jpeg;base64," + base64.b64encode(A_PICTURE.read_bytes()).decode()
    by_data_url = server.post("/api/v1/search", {**asked, "like": url})
    assert ranked(by_data_url) == ranked(by_upload)


def test_a_picture_is_told_by_its_content_whatever_it_is_called(server: ServeProcess) -> None:
    answer = server.ask("POST", "/api/v1/pictures", A_PICTURE.read_bytes(), headers={"Content-Type": "text/html"})
    assert good(answer)["picture"].startswith("upload:")
    told = problem(server.ask("POST", "/api/v1/pictures", b"<html>", headers={"Content-Type": "image/jpeg"}), 422)
    assert "not a picture" in told["detail"]


def test_an_upload_that_is_gone_says_to_upload_it_again(server: ServeProcess) -> None:
    told = problem(server.ask("POST", "/api/v1/search", {"like": "upload:nosuch", "tag": "boat"}), 404)
    assert "upload it again" in told["detail"]


def test_files_and_folders_below_the_root_are_found_by_relative_paths(server: ServeProcess) -> None:
    folder = server.root / "own"
    folder.mkdir(parents=True)
    for path in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    asked = {"phrase": "a boat", "source": "own", "model": "sample"}
    answer = server.post("/api/v1/search", asked)
    assert len(answer["matches"]) == 3
    assert {match["source"] for match in answer["matches"]} == {"folder"}
    like = server.post("/api/v1/search", {**asked, "phrase": None, "like": f"own/{A_PICTURE.name}"})
    assert len(like["matches"]) == 2, "the picture itself is left out"


@pytest.mark.parametrize(
    ("body", "status", "kind", "more"),
    [
        (b"{", 400, "wrong-form", {}),
        (b"[" * 100_000, 400, "wrong-form", {}),
        (b"[]", 400, "wrong-form", {}),
        ({"phrase": "a boat", "tag": ""}, 422, "wrong-parameter", {"option": "tag", "hint": "tiger"}),
        ({"phrase": "a boat", "source": "pixbay"}, 422, "unknown-source", {}),
        ({"phrase": " "}, 422, "wrong-query", {}),
        ({}, 422, "wrong-query", {}),
        ({"phrase": "a boat", "colour": "red"}, 422, "wrong-parameter", {}),
        ({"phrase": "a boat", "source": "sample", "model": "multilingal"}, 422, "unknown-model", {"option": "model"}),
        ({"phrase": "a boat", "tag": "boat", "source": "pixabay"}, 409, "key-missing", {}),
        ({"phrase": "a boat", "tag": "x", "source": "pixabay", "offline": True}, 404, "answer-not-kept", {}),
        ({"like": "nosuch.jpg", "tag": "boat", "source": "sample"}, 422, "wrong-query", {}),
        ({"phrase": "a boat", "source": "sample", "unused": True}, 422, "wrong-parameter", {"option": "unused"}),
        ({"like": "x" * 5000, "tag": "boat", "source": "sample"}, 403, "outside-root", {}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_wrong_is_a_problem_in_the_words_of_the_command(
    server: ServeProcess, body: Any, status: int, kind: str, more: dict[str, Any]
) -> None:
    told = problem(server.ask("POST", "/api/v1/search", body), status)
    assert told["type"] == f"urn:phrasepix:{kind}"
    assert {name: told[name] for name in more} == more
    assert "--" not in told["detail"]


def test_a_problem_comes_as_an_event_where_events_are_asked_for(server: ServeProcess) -> None:
    events = list(server.events("/api/v1/search", {"phrase": "a boat", "tag": "", "source": "sample"}))
    assert [name for name, _ in events] == ["error"]
    assert events[0][1]["status"] == 422
    assert '"tag": "tiger"' in events[0][1]["detail"]


def test_searches_that_fail_push_none_out(server: ServeProcess) -> None:
    kept = server.post("/api/v1/search", SEARCH)
    for _ in range(70):  # more than are kept
        problem(server.ask("POST", "/api/v1/search", {"phrase": "a boat", "tag": "boat", "source": "pixabay"}), 409)
    assert server.get(f"/api/v1/searches/{kept['id']}")["id"] == kept["id"]


def test_a_picture_that_comes_along_stands_in_the_request_by_its_reference(server: ServeProcess) -> None:
    url = "data:image/jpeg;base64," + base64.b64encode(A_PICTURE.read_bytes()).decode()
    answer = server.post("/api/v1/search", {"like": [{"picture": url}], "tag": "boat", "source": "sample", "top": 1})
    assert answer["request"]["like"][0]["picture"].startswith("upload:")
    assert ranked(server.post("/api/v1/search", answer["request"])) == ranked(answer)
    told = problem(server.ask("POST", "/api/v1/search", {**SEARCH, "phrase": "boat " * 20_000}), 413)
    assert told["type"] == "urn:phrasepix:too-long"


def test_recent_searches_are_listed_once_each_and_can_be_forgotten(server: ServeProcess, found: Any) -> None:
    for _ in range(2):
        server.post("/api/v1/search", SEARCH)
    recent = server.get("/api/v1/history")
    assert recent["enabled"] is True
    assert recent["searches"][0]["request"] == SEARCH
    assert [one["request"] for one in recent["searches"]].count(SEARCH) == 1
    assert server.ask("DELETE", "/api/v1/history").status_code == 204
    assert server.get("/api/v1/history")["searches"] == []


def test_what_can_be_asked_for_is_told(server: ServeProcess) -> None:
    sources = {one["name"]: one for one in server.get("/api/v1/sources")}
    assert sources["sample"]["ready"] is True
    assert sources["pixabay"]["ready"] is False
    assert sources["pixabay"]["key_from"].startswith("https://")
    assert {name for name, one in sources.items() if one["is_default"]} == {"openverse", "commons"}
    models = {one["name"]: one for one in server.get("/api/v1/models")}
    assert [name for name, one in models.items() if one["is_default"]] == ["ViT-B-32"]
    options = {one["name"]: one for one in server.get("/api/v1/options")}
    assert options["top"]["default"] == 10
    assert options["filters.orientation"]["choices"] == ["all", "horizontal", "vertical", "square"]
    assert "{" not in "".join(one["help"] for one in options.values())


def test_letters_that_utf8_cannot_hold_come_back_as_they_went(server: ServeProcess) -> None:
    answer = server.ask("POST", "/api/v1/search", b'{"phrase": "a boat \\ud800", "tag": "boat", "source": "sample"}')
    assert good(answer)["request"]["phrase"] == "a boat \ud800"
