"""The inference endpoints that programs already speak, asked by the official client, unchanged."""

import base64
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
from openai import OpenAI

from phrasepix import find_images
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests.serve_process import ServeProcess, problem, serving_the_sample

PICTURES = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[ServeProcess]:
    with serving_the_sample(tmp_path_factory.mktemp("inference"), link_export) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: ServeProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.origin}/v1", api_key=server.token, max_retries=0) as client:
        yield client


def data_url(path: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()


def test_the_official_client_gets_unit_vectors_in_the_order_of_its_inputs(client: OpenAI) -> None:
    texts = ["a red boat", "a house in the snow", ""]
    answer = client.embeddings.create(model="sample", input=texts)
    rows = np.array([one.embedding for one in answer.data])
    assert [one.index for one in answer.data] == [0, 1, 2]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-3)
    alone = client.embeddings.create(model="sample", input=texts[1]).data[0].embedding
    assert rows[1] == pytest.approx(alone, abs=1e-5)
    plain = client.embeddings.create(model="sample", input=texts, encoding_format="float")
    assert rows[0] == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_texts_and_pictures_are_in_one_space_that_of_a_search(client: OpenAI, tmp_path: Path) -> None:
    """Their cosine is the score of the picture in a search for the text."""
    phrase = "two red boats at night"
    for path in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:8]:
        shutil.copy(path, tmp_path)
    results = find_images(phrase, source=str(tmp_path), model="sample", top=5)
    urls = [data_url(Path(str(match.candidate.page_url).removeprefix("file://"))) for match in results]
    answer = client.embeddings.create(model="sample", input=[phrase, *urls])
    rows = np.array([one.embedding for one in answer.data])
    assert rows[1:] @ rows[0] == pytest.approx([match.score for match in results], abs=2e-3)


def test_wrong_inputs_are_the_errors_that_the_client_knows(client: OpenAI, server: ServeProcess) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="did you mean"):
        client.embeddings.create(model="multilingal", input="a boat")
    with pytest.raises(openai.UnprocessableEntityError, match="cannot be had"):
        client.embeddings.create(model="sample", input="a boat", dimensions=3)
    with pytest.raises(openai.UnprocessableEntityError):
        client.embeddings.create(model="sample", input=[])
    with pytest.raises(openai.UnprocessableEntityError, match="not a picture"):
        client.embeddings.create(model="sample", input="data:image/png;base64,AAAA")
    with (
        OpenAI(base_url=f"{server.origin}/v1", api_key="wrong", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError, match="phrasepix serve prints it"),
    ):
        other.embeddings.create(model="sample", input="a boat")


def test_documents_are_ranked_by_their_cosine_to_the_query(server: ServeProcess) -> None:
    documents = ["a house", "a red boat", {"text": "two red boats"}, {"image": data_url(PICTURES[0])}]
    wish = {"model": "sample", "query": "a red boat", "documents": documents}
    results = server.post("/v1/rerank", wish)["results"]
    assert sorted(one["index"] for one in results) == [0, 1, 2, 3]
    assert results[0]["index"] == 1
    assert results[0]["relevance_score"] == pytest.approx(1, abs=1e-3)
    scores = [one["relevance_score"] for one in results]
    assert scores == sorted(scores, reverse=True)
    best = server.post("/v1/rerank", {**wish, "top_n": 2, "return_documents": True})["results"]
    assert [one["index"] for one in best] == [one["index"] for one in results[:2]]
    assert best[0]["document"] == {"text": "a red boat"}


def test_a_picture_may_be_the_query(server: ServeProcess) -> None:
    documents = [{"image": data_url(path)} for path in PICTURES]
    results = server.post("/v1/rerank", {"model": "sample", "query": documents[1], "documents": documents})["results"]
    assert results[0]["index"] == 1


def test_what_cannot_be_ranked_is_refused(server: ServeProcess) -> None:
    for wish in (
        {"query": "a boat", "documents": []},
        {"documents": ["a boat"]},
        {"query": "a boat", "documents": ["a boat"] * 257},
        {"query": "a boat", "documents": ["a boat"], "top_n": 0},
    ):
        problem(server.ask("POST", "/v1/rerank", {"model": "sample", **wish}), 422)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (5, "input: give a text or an object or a list"),
        (None, "input: give a text or an object or a list"),
        (["a boat", 5], "input.1: give a text or an object"),
        ([[7, 8]], "input.0: give a text or an object"),
        ([], "input: List should have at least 1 item after validation, not 0"),
        (["a"] * 257, "input: List should have at most 256 items after validation, not 257"),
        ([{"foo": 1}], "input.0.text: Field required"),
        ({"text": 5}, "input.text: Input should be a valid string"),
        ({"image": None}, "input.image: Input should be a valid string"),
    ],
    ids=lambda given: str(given)[:30],
)
def test_of_a_field_that_takes_several_kinds_the_one_that_was_given_is_spoken_of(
    server: ServeProcess, given: object, said: str
) -> None:
    told = problem(server.ask("POST", "/v1/embeddings", {"model": "sample", "input": given}), 422)
    assert told["detail"] == said
    assert told["option"] == said.partition(":")[0]


@pytest.mark.parametrize("route", ["/v1/embeddings", "/v1/rerank", "/api/v1/save", "/api/v1/search", "/api/v1/compare"])
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"5", b"", b'{"a":' * 5000, b"\xff\xfe\x00"])
def test_a_body_that_is_no_json_object_is_the_same_problem_everywhere(
    server: ServeProcess, route: str, body: bytes
) -> None:
    told = problem(server.ask("POST", route, body, headers={"Content-Type": "application/json"}), 400)
    assert told["type"] == "urn:phrasepix:wrong-form"
    assert told["detail"].startswith("the body is no JSON")
