"""Texts of several searches that wait for one encoder: encoded together, each once, and nobody pays for another's."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phrasepix_core.turns import Turns
from reranker import ClipReranker
from reranker.encoder import Embeddings
from reranker.errors import ModelError, WrongQueryError
from reranker.pictures import PictureLoader
from reranker.query import Query
from reranker.testing import ColourEncoder
from reranker.text_cache import EncodedText, TextEmbeddingCache
from retriever.filters import NO_FILTERS
from retriever.folder.retriever import FolderRetriever


class Counting(ColourEncoder):
    """Notes each batch; it waits before the first until it is let go, and refuses one text."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.began, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.batches.append(list(texts))
        self.began.set()
        assert self.go_on.wait(30)
        if "refused" in texts:
            raise ModelError("one text is refused")
        rows = super().encode_texts(texts)
        rows[[text == "nothing" for text in texts]] = np.nan
        return rows

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        raise AssertionError(pictures)


def waiting(texts: Sequence[str]) -> tuple[Counting, dict[str, Any]]:
    """What each thread that asks for one of the texts gets, while another text is being encoded."""
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    encoder.go_on.clear()

    def ask(text: str) -> object:
        try:
            return cache.phrase(text)
        except (ModelError, WrongQueryError) as error:
            return error

    with ThreadPoolExecutor(len(texts) + 1) as pool:
        first = pool.submit(ask, "first")
        assert encoder.began.wait(30)
        asked = {text: pool.submit(ask, text) for text in texts}
        while len(cache._awaited) < len(set(texts)):
            threading.Event().wait(0.01)
        encoder.go_on.set()
        assert isinstance(first.result(30), np.ndarray)
        return encoder, {text: future.result(30) for text, future in asked.items()}


def test_what_waits_is_encoded_in_one_batch() -> None:
    texts = ["red", "blue", "green", "a red and blue boat"]
    encoder, found = waiting(texts)
    assert [sorted(batch) for batch in encoder.batches] == [["first"], sorted(texts)]
    for text in texts:
        np.testing.assert_allclose(found[text], ColourEncoder().encode_texts([text])[0], atol=1e-6)


def test_more_than_a_batch_is_encoded_in_batches() -> None:
    texts = [f"red {number}" for number in range(70)]
    encoder, found = waiting(texts)
    assert len(found) == 70
    assert max(len(batch) for batch in encoder.batches) <= 16
    assert sorted(text for batch in encoder.batches for text in batch) == sorted(["first", *texts])


def test_the_encoder_goes_on_while_another_search_has_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phrasepix_core.turns._PATIENCE_S", 30.0)
    turns, encoder = Turns(), Counting()
    cache = TextEmbeddingCache(encoder)
    encoder.go_on.clear()

    def ask(text: str) -> None:
        with turns.turn():
            cache.phrase(text)

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, "red")]
        assert encoder.began.wait(30)
        asked.append(pool.submit(ask, "blue"))
        while "blue" not in cache._awaited:
            threading.Event().wait(0.01)
        with turns.turn():
            encoder.go_on.set()
            until = time.monotonic() + 20
            while ["blue"] not in encoder.batches and time.monotonic() < until:
                time.sleep(0.01)
            assert encoder.batches == [["red"], ["blue"]]
        for one in asked:
            one.result(30)


def test_a_text_that_is_refused_is_refused_to_whoever_asked() -> None:
    _, found = waiting(["red", "refused", "blue"])
    assert isinstance(found["refused"], ModelError)
    assert isinstance(found["red"], np.ndarray)
    assert isinstance(found["blue"], np.ndarray)


def test_a_text_without_an_embedding_harms_no_other() -> None:
    _, found = waiting(["nothing", "blue"])
    assert isinstance(found["nothing"], WrongQueryError)
    assert isinstance(found["blue"], np.ndarray)


def test_a_text_is_encoded_once_until_others_took_its_place() -> None:
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    for _ in range(2):
        cache.phrase("red")
    assert encoder.batches == [["red"]]
    for number in range(300):
        cache.phrase(f"blue {number}")
    cache.phrase("red")
    assert encoder.batches[-1] == ["red"]
    assert len(cache._kept) < 300


@pytest.mark.parametrize("count", [0, 1, 40, 700])
def test_parts_come_in_their_order_however_many(count: int) -> None:
    cache = TextEmbeddingCache(Counting())
    cache.phrase("red 0")
    texts = tuple(f"red {number}" for number in range(count))
    assert [text for text, _ in cache.parts(texts)] == list(texts)


def test_what_is_kept_is_found_while_the_encoder_is_in_use() -> None:
    cache = TextEmbeddingCache(Counting())
    kept = cache.phrase("red")
    with cache.in_use:
        assert cache.phrase("red") is kept


def test_a_text_that_is_expected_is_encoded_with_the_next() -> None:
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    cache.expect(["blue"])
    cache.phrase("red")
    cache.phrase("blue")
    assert encoder.batches == [["red", "blue"]]


def test_whose_text_is_there_waits_for_no_other_use_of_the_encoder() -> None:
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    encoder.go_on.clear()
    are_found = threading.Event()

    def encode_pictures() -> bool:
        with cache.in_use:
            return are_found.wait(30)

    cache.expect(["red", "blue"])
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(cache.phrase, "first")]
        assert encoder.began.wait(30)
        pictures = pool.submit(encode_pictures)  # takes its turn before those who ask now
        threading.Event().wait(0.05)
        asked += [pool.submit(cache.phrase, text) for text in ("red", "blue")]
        threading.Event().wait(0.05)
        encoder.go_on.set()
        assert [len(future.result(20)) for future in asked] == [encoder.dimensions] * 3
        are_found.set()
        assert pictures.result(30)


def test_texts_beyond_a_batch_are_in_the_next() -> None:
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    expected = [f"blue {number}" for number in range(20)]
    cache.expect(expected)
    for text in ("red", "green", "a red boat"):
        cache.phrase(text)
    assert [len(batch) for batch in encoder.batches] == [12, 10, 1]
    assert sorted(text for batch in encoder.batches for text in batch) == sorted(
        ["red", "green", "a red boat", *expected]
    )


@pytest.mark.parametrize("age", range(250, 262))
def test_texts_asked_for_together_are_found_however_old_some_are(age: int) -> None:
    cache = TextEmbeddingCache(Counting())
    texts = [f"red {number}" for number in range(300)]
    for text in texts:
        cache.phrase(text)
    cache.expect([f"blue {number}" for number in range(40)])
    asked = texts[-age], "green"
    assert [text for text, _ in cache.parts(asked)] == [*asked]


def test_a_text_that_comes_from_elsewhere_is_not_encoded() -> None:
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    row = ColourEncoder().encode_texts(["blue"])[0]
    there = threading.Event()

    def encoded() -> EncodedText:
        assert there.wait(30)
        return EncodedText(row, "of it all")

    with ThreadPoolExecutor(2) as pool:
        taken = pool.submit(cache.take, "red", encoded)
        while not cache._is_encoding:
            threading.Event().wait(0.01)
        asked = pool.submit(cache.phrase, "red")
        there.set()
        taken.result(30)
        np.testing.assert_array_equal(asked.result(30), row)
    assert cache.unread("red") == "of it all"
    assert encoder.batches == []
    cache.take("red", lambda: pytest.fail("it is there"))


def _broken() -> EncodedText:
    raise ValueError("half of it came")


@pytest.mark.parametrize(
    "encoded",
    [lambda: None, _broken, lambda: EncodedText(np.ones(3, dtype=np.float32), "")],
    ids=["nothing", "broken", "of another length"],
)
def test_a_text_that_does_not_come_is_encoded(encoded: Callable[[], EncodedText | None]) -> None:
    encoder = Counting()
    cache = TextEmbeddingCache(encoder)
    cache.take("red", encoded)
    np.testing.assert_array_equal(cache.phrase("red"), ColourEncoder().encode_texts(["red"])[0])
    assert encoder.batches == [["red"]]


class SideBySide(Counting):
    """Pictures wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps_both = False
        self.pictures_began, self.pictures_go_on = threading.Event(), threading.Event()

    def keep_both_towers(self, both: bool) -> None:
        self.keeps_both = both

    @property
    def encodes_side_by_side(self) -> bool:
        return self.keeps_both

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.pictures_began.set()
        assert self.pictures_go_on.wait(30)
        return ColourEncoder.encode_pictures(self, pictures)


def test_with_both_towers_a_phrase_waits_for_no_pictures(tmp_path: Path) -> None:
    encoder = SideBySide()
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    pool = list(FolderRetriever(tmp_path).retrieve("", filters=NO_FILTERS))
    loader = PictureLoader(local_sources={pool[0].source})
    with (
        ClipReranker(texts=TextEmbeddingCache(encoder, both_towers=True), loader=loader) as reranker,
        ThreadPoolExecutor(2) as threads,
    ):
        first = threads.submit(reranker.rerank, "red", pool)
        assert encoder.pictures_began.wait(30)
        reranker.begin_to_prepare(Query.of_phrase("blue")).result(30)
        assert ["blue"] in encoder.batches
        encoder.pictures_go_on.set()
        assert first.result(30).pool_size == 1


def test_with_one_tower_at_a_time_texts_and_pictures_take_turns() -> None:
    cache = TextEmbeddingCache(SideBySide())
    assert cache.texts_in_use is cache.in_use
    assert cache.texts_aside is cache.aside
