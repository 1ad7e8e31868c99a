"""Comparing over HTTP: the real server over the sample and a folder, as JSON and as events."""

import base64
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.server.result_models import CompareAnswer
from phrasepix_core.extras import is_installed
from reranker.adapters.adapter import Adapter, digest_of, write_adapter
from reranker.adapters.layer import Layer
from tests.serve_process import ServeProcess, good, problem

pytest.importorskip("fastapi", reason="the server wants fastapi")

SEARCH = {"phrase": "two red boats at night in the rain", "tag": "boat", "source": "sample", "top": 4}
A_PICTURE = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[ServeProcess]:
    """With pictures below the root, one of them turned, and an adapter that changes nothing."""
    place = tmp_path_factory.mktemp("served")
    link_export(place / "cache")
    own = place / "root" / "own"
    own.mkdir(parents=True)
    for picture in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:6]:
        shutil.copy(picture, own)
    with Image.open(A_PICTURE) as drawn:
        drawn.rotate(15, Image.Resampling.BICUBIC).save(own / "turned.png")
    same = np.eye(245, dtype=np.float32)
    layer = Layer(pictures=same, texts=same)
    adapter = Adapter(
        name="hues", base="colour", pretrained=None, base_tower="", dimensions=245, digest=digest_of(layer),
        labels={"a": 6}, figures={},
    )  # fmt: skip
    write_adapter(place / "data" / "adapters" / "hues", adapter, layer)
    environment = {"PHRASEPIX_CACHE_DIR": str(place / "cache"), "PHRASEPIX_DATA_DIR": str(place / "data")}
    with ServeProcess(place / "root", environment) as server:
        yield server


def own(server: ServeProcess, by: Any = ("colour", "phash"), **more: Any) -> dict[str, Any]:
    named = list(by) if isinstance(by, tuple) else by
    return {"like": {"picture": f"own/{A_PICTURE.name}"}, "source": "own", "top": 3, "by": named} | more


def test_each_encoder_has_a_row_whose_search_is_kept(server: ServeProcess) -> None:
    answer = server.post("/api/v1/compare", own(server))
    CompareAnswer.model_validate(answer)
    assert [row["encoder"] for row in answer["rows"]] == ["colour", "phash"]
    assert answer["sources"] == ["folder"]
    for row in answer["rows"]:
        assert row["problem"] is None
        assert len(row["search"]["matches"]) == len(row["in_rows"]) == 3
        assert {*row["only_here"]} == {place for place, rows in enumerate(row["in_rows"], 1) if rows == 1}
        kept = server.get(f"/api/v1/searches/{row['search']['id']}")
        assert kept["matches"] == row["search"]["matches"]
    question = server.ask("GET", answer["question_url"])
    assert question.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(question.content)) as shown, Image.open(A_PICTURE) as asked:
        assert shown.size == asked.size


@pytest.mark.skipif(not is_installed("cv2"), reason="OpenCV (the extra descriptors) is not installed")
def test_key_points_that_agree_come_as_shares_and_as_a_drawing(server: ServeProcess) -> None:
    (row,) = server.post("/api/v1/compare", own(server, "orb"))["rows"]
    (pair, *_) = row["pairs"]
    match = row["search"]["matches"][pair["rank"] - 1]
    assert match["title"] == "turned"
    assert len(pair["agreeing"]) == match["agreeing_points"] == pair["drawing"]["agreed"]
    assert all(0 <= share <= 1 for point in pair["agreeing"] for share in point)
    assert pair["drawing"]["lines"].count("M") == pair["drawing"]["drawn"]


def test_events_tell_each_row_and_the_last_one_is_the_answer(server: ServeProcess) -> None:
    events = list(server.events("/api/v1/compare", own(server)))
    rows = [data for name, data in events if name == "row"]
    assert [row["encoder"] for row in rows] == ["colour", "phash"]
    name, answer = events[-1]
    assert name == "done"
    CompareAnswer.model_validate(answer)


def test_an_uploaded_picture_and_one_that_comes_along_are_questions(server: ServeProcess) -> None:
    reference = good(server.ask("POST", "/api/v1/pictures", A_PICTURE.read_bytes()))["picture"]
    along = f"data:image/jpeg;base64,{base64.b64encode(A_PICTURE.read_bytes()).decode()}"
    answers = [
        server.post("/api/v1/compare", own(server, "phash", like={"picture": picture}))
        for picture in (reference, along)
    ]
    found = [[match["id"] for match in answer["rows"][0]["search"]["matches"]] for answer in answers]
    assert found[0] == found[1]
    assert all(server.ask("GET", answer["question_url"]).ok for answer in answers)


@pytest.mark.slow
def test_a_match_is_compared_where_its_search_looked(server: ServeProcess) -> None:
    found = server.post("/api/v1/search", SEARCH)
    answer = server.post(f"/api/v1/searches/{found['id']}/compare", {"rank": 2, "by": "colour,clip", "top": 3})
    colour, clip = answer["rows"]
    assert clip["model"] == "sample"
    for row in (colour, clip):
        assert row["search"]["tags"] == ["boat"]
        assert len(row["search"]["matches"]) == 3
        assert found["matches"][1]["id"] not in {match["id"] for match in row["search"]["matches"]}
    assert server.ask("GET", answer["question_url"]).ok


@pytest.mark.slow
def test_without_names_those_that_are_ready_are_compared(server: ServeProcess) -> None:
    answer = server.post("/api/v1/compare", own(server, None, model="sample"))
    names = [row["encoder"] for row in answer["rows"]]
    assert {"colour", "hog", "phash", "clip", "hues"} <= {*names}
    assert [row["problem"] for row in answer["rows"]] == [None] * len(names)


@pytest.mark.slow
def test_an_encoder_that_fails_is_a_row_in_the_words_of_json(server: ServeProcess) -> None:
    weights, colour = server.post("/api/v1/compare", own(server, "resnet50,colour", offline=True))["rows"]
    assert weights["search"] is None
    assert "the weights of resnet50 are not on this machine" in weights["problem"]
    assert colour["search"]["matches"]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"by": "colur"}, 422, 'did you mean "by": "colour"?'),
        ({"by": [7]}, 422, "by 7 is no text"),
        ({"by": []}, 422, '"by" names no encoder'),
        ({"like": None}, 422, "nothing is asked for"),
        ({"like": [{"picture": "own/turned.png"}, {"picture": f"own/{A_PICTURE.name}"}]}, 422, "one picture"),
        ({"diverse": 0.5}, 422, "a comparison has no option 'diverse'"),
        ({"sorce": "own"}, 422, "did you mean source?"),
        ({"source": "../elsewhere"}, 403, "root"),
        ({"like": {"picture": "../secret.jpg"}}, 403, "root"),
        ({"by": "local-dir:/etc"}, 403, "root"),
        ({"by": "colour,local-dir:own/../..,phash"}, 403, "root"),
        ({"by": "dinov2-s,resnet50", "offline": True}, 503, "none of the encoders could be asked"),
    ],
)
def test_what_is_wrong_is_a_problem(server: ServeProcess, changes: dict[str, Any], status: int, said: str) -> None:
    told = problem(server.ask("POST", "/api/v1/compare", own(server, "colour") | changes), status)
    assert said in told["detail"]


def test_a_search_by_an_encoder_from_outside_the_root_is_refused(server: ServeProcess) -> None:
    asked = own(server, "local-dir:/etc")
    assert "root" in problem(server.ask("POST", "/api/v1/search", asked), 403)["detail"]


def test_a_search_without_a_picture_has_no_question(server: ServeProcess) -> None:
    found = server.post("/api/v1/search", SEARCH)
    told = problem(server.ask("GET", f"/api/v1/searches/{found['id']}/question"), 404)
    assert "asked with no picture" in told["detail"]
    gone = problem(server.ask("POST", "/api/v1/searches/gone/compare", {"rank": 1}), 404)
    assert "search again" in gone["detail"]


def test_adapters_are_listed_among_the_models(server: ServeProcess) -> None:
    models = {one["name"]: one for one in server.get("/api/v1/models")}
    assert models["hues"] | {"title": "hues", "is_default": False, "reads_texts": False} == models["hues"]
    assert models["ViT-B-32"]["reads_texts"] is True
    assert models["sample"]["reads_texts"] is True


def test_what_is_described_is_taken(server: ServeProcess) -> None:
    from jsonschema import Draft202012Validator  # takes seconds

    described = server.get("/api/v1/openapi.json")
    schema = {"$ref": "#/components/schemas/CompareRequest", "components": described["components"]}
    validator = Draft202012Validator(schema)
    validator.validate(own(server))
    validator.validate(json.loads(json.dumps(own(server, "colour", filters={"orientation": "vertical"}))))
    assert not validator.is_valid(own(server) | {"diverse": 1})
    assert not validator.is_valid({"by": "colour", "source": "own"})
