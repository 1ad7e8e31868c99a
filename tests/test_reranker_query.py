"""What is looked for: phrases, pictures, weights, and what is not wanted."""

from collections.abc import Iterator

import numpy as np
import pytest

from reranker.clip_reranker import ClipReranker
from reranker.errors import WrongQueryError
from reranker.pictures import PictureLoader
from reranker.query import Example, Phrase, Query
from reranker.testing import ColourEncoder
from tests.picture_server import PictureServer, candidate, encoded, file, stripes


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


def ranked(server: PictureServer, query: str | Query, *pictures: list[str]) -> list[tuple[str, float, float]]:
    pool = [
        candidate("-".join(colours), server.put(f"/{number}.png", file(encoded(stripes(colours), "PNG"))))
        for number, colours in enumerate(pictures)
    ]
    with ClipReranker(ColourEncoder(), loader=PictureLoader(loopback_sources={"sample"})) as reranker:
        return [(one.candidate.id, one.score, one.penalty) for one in reranker.rerank(query, pool).matches]


def test_a_picture_is_a_question_like_a_phrase(server: PictureServer) -> None:
    query = Query((Example(stripes(["blue"])),))
    found = ranked(server, query, ["red"], ["red", "blue"], ["blue"])
    assert [name for name, *_ in found] == ["blue", "red-blue", "red"]
    assert found[0][1] == pytest.approx(1.0, abs=1e-6)


def test_weights_say_how_much_each_part_counts(server: PictureServer) -> None:
    pool = (["red"], ["blue"])
    much, little = Phrase("red", 2.0), Example(stripes(["blue"]), 0.5)
    assert [name for name, *_ in ranked(server, Query((much, little)), *pool)] == ["red", "blue"]
    much, little = Phrase("red", 0.5), Example(stripes(["blue"]), 2.0)
    assert [name for name, *_ in ranked(server, Query((much, little)), *pool)] == ["blue", "red"]


def test_an_embedding_stands_for_its_picture(server: PictureServer) -> None:
    embedding = ColourEncoder().encode_pictures([stripes(["blue"])])[0]
    pool = (["red"], ["red", "blue"], ["blue"])
    assert ranked(server, Query((Example(embedding),)), *pool) == ranked(
        server, Query((Example(stripes(["blue"])),)), *pool
    )


def test_what_is_not_wanted_falls_and_says_by_how_much(server: PictureServer) -> None:
    pool = (["red", "blue"], ["red", "green"], ["red", "yellow"])
    plain = ranked(server, "red", *pool)
    assert [name for name, *_ in plain] == ["red-blue", "red-green", "red-yellow"]
    without = ranked(server, Query((Phrase("red"),), (Phrase("blue"),)), *pool)
    assert [name for name, *_ in without] == ["red-green", "red-yellow", "red-blue"]
    assert [penalty > 0 for *_, penalty in without] == [False, False, True]
    assert sorted(score for _, score, _ in without) == sorted(score for _, score, _ in plain)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_positive_number_is_refused(weight: float) -> None:
    with pytest.raises(WrongQueryError, match="weight"):
        Phrase("red", weight)
    with pytest.raises(WrongQueryError, match="weight"):
        Example(stripes(["red"]), weight)


def test_a_query_that_wants_nothing_is_refused() -> None:
    with pytest.raises(WrongQueryError, match="nothing is asked for"):
        Query((), (Phrase("people"),))


def test_parts_that_cancel_each_other_are_refused(server: PictureServer) -> None:
    one = np.zeros(9, dtype=np.float32)
    one[0] = 1
    with pytest.raises(WrongQueryError, match="cancel each other"):
        ranked(server, Query((Example(one), Example(-one))), ["red"])
