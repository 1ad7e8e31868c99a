"""Scores that can be read: how far a match stands out from phrases nobody asked for."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker import ClipReranker, Embeddings, Example, Memory, Phrase, Query, Ranking
from reranker.baseline_prompts import NEUTRAL_PHRASES, neutral_embeddings
from reranker.calibration import ALLOWANCE, Baseline, Calibrator, PartShown, in_words
from reranker.encoder import unit_rows
from reranker.families import LIMITS, FitLimits, declared_family, family_of_model
from reranker.finish import Finish
from reranker.match import Match
from reranker.pictures import PictureLoader
from reranker.testing import ColourEncoder
from tests.picture_server import PictureServer, candidate, encoded, file, stripes


class Counting(ColourEncoder):
    """Writes down its texts. Its colours are as clear as the sample's drawings."""

    family = "sample"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.texts.extend(texts)
        return super().encode_texts(texts)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


def pool_of(server: PictureServer, *colours: list[str]) -> list[Candidate]:
    return [
        candidate(number, server.put(f"/{number}.png", file(encoded(stripes(stripe), "PNG"))))
        for number, stripe in enumerate(colours)
    ]


def search(
    pool: list[Candidate], query: str | Query, memory: Path | None = None, finish: Finish | None = None
) -> tuple[Ranking, Counting]:
    encoder = Counting()
    with (
        ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"})) as reranker,
        Memory(memory or Path("unused")) as kept,
    ):
        return reranker.rerank(
            query, pool, fold=False, finish=finish or Finish(), memory=kept if memory else None
        ), encoder


def random_units(n: int, d: int = 16, seed: int = 0) -> Embeddings:
    return unit_rows(np.random.default_rng(seed).standard_normal((n, d)))


@pytest.mark.parametrize("smaller", [True, False])
def test_a_match_stands_out_by_its_two_comparisons(smaller: bool) -> None:
    neutral, pool, text = random_units(40), random_units(30, seed=1), random_units(1, seed=2)[0]
    baseline = Baseline(neutral, [pool], smaller=smaller)
    all_cosines = pool.astype(np.float64) @ neutral.T.astype(np.float64)
    best = all_cosines.max(axis=0)
    alone, both = baseline.for_picture(text, pool), baseline.stands_out(text, pool)
    for number, (picture, own) in enumerate(zip(pool, all_cosines, strict=True)):
        cosine = float(picture.astype(np.float64) @ text.astype(np.float64))
        for_picture = (cosine - own.mean()) / own.std()
        in_pool = (cosine - best.mean()) / best.std()
        joined = min(for_picture, in_pool + ALLOWANCE) if smaller else (for_picture + in_pool) / 2
        assert alone[number] == pytest.approx(for_picture, abs=1e-4)
        assert both[number] == pytest.approx(joined, abs=1e-4)


def test_what_it_reads_depends_neither_on_the_order_of_the_pool_nor_on_its_size_in_memory() -> None:
    neutral, pool, text = random_units(40), random_units(9000, seed=1), random_units(1, seed=2)[0]
    forwards, backwards = (Baseline(neutral, rows).stands_out(text, pool[7:8]) for rows in ([pool], [pool[::-1]]))
    assert forwards == backwards


def test_neutral_phrases_that_are_all_one_to_a_model_tell_nothing() -> None:
    same = np.repeat(random_units(1), 5, axis=0)
    baseline = Baseline(same, [random_units(3, seed=1)])
    assert np.isnan(baseline.stands_out(same[0], random_units(1, seed=4))).all()
    assert Calibrator(baseline, [(same[0], 1.0)]).stands_out(list(same[:2])) == [None, None]


def test_several_phrases_are_read_by_their_weighted_mean() -> None:
    neutral, pool, texts = random_units(40), random_units(30, seed=1), random_units(2, seed=2)
    baseline = Baseline(neutral, [pool])
    one, other = (baseline.stands_out(text, pool) for text in texts)
    read = Calibrator(baseline, [(texts[0], 3.0), (texts[1], 1.0)]).stands_out(list(pool))
    assert read == pytest.approx((3 * one + other) / 4)


@pytest.mark.parametrize(("far", "fit"), [(2.9, "clear"), (2.89, "fair"), (1.6, "fair"), (1.59, "weak"), (None, "")])
def test_a_word_says_how_well_a_match_fits(far: float | None, fit: str) -> None:
    read = in_words(far, 1.6, 2.9)
    assert (read.stands_out, read.fit) == (far, fit)
    match = Match(1, 0.3, candidate(1, "https://example.org/1"), Image.new("RGB", (8, 8)), stands_out=far, fit=fit)
    assert Ranking((match,), (), 1).fits_well is (None if far is None else far >= 1.6)


def test_a_match_far_below_the_best_is_not_called_clear() -> None:
    neutral, pool, text = random_units(40), random_units(30, seed=1), random_units(1, seed=2)[0]
    baseline = Baseline(neutral, [pool])
    numbers = sorted(baseline.stands_out(text, pool).tolist(), reverse=True)
    low = numbers[-1] - 1
    for gap, clear in ((numbers[0] - numbers[2], 3), (float("inf"), len(pool))):
        limits = FitLimits(low, low, gap + 1e-9, low, low, smaller=False, measured_on="nothing")
        words = [one.fit for one in Calibrator(baseline, [(text, 1.0)], limits=limits).calibrated_scores(list(pool))]
        assert (words.count("clear"), words.count("fair")) == (clear, len(pool) - clear)


@pytest.mark.parametrize("family", [None, "", "siglip", "nobody's"])
def test_a_family_that_nobody_measured_gets_numbers_and_no_words(server: PictureServer, family: str | None) -> None:
    class Declaring(ColourEncoder):
        @property
        def family(self) -> str | None:
            return family

    pool = pool_of(server, ["purple"], ["black"])
    with ClipReranker(Declaring(), loader=PictureLoader(loopback_sources={"sample"})) as reranker:
        found = reranker.rerank("purple", pool, finish=Finish(parts=("purple",)))
    assert found.matches[0].stands_out is not None
    assert {match.fit for match in found.matches} == {""}
    assert {part.fit for match in found.matches for part in match.parts} == {""}
    assert found.fits_well is None


def test_no_word_is_said_where_the_search_says_it_would_mean_nothing(server: PictureServer) -> None:
    pool = pool_of(server, ["purple"], ["black"])
    found, _ = search(pool, "purple", finish=Finish(in_words=False))
    assert found.matches[0].stands_out is not None
    assert (found.matches[0].fit, found.fits_well) == ("", None)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("ViT-B-32/laion2b_s34b_b79k", "clip"),
        ("ViT-B-32-SigLIP2-256/webli", "siglip"),
        ("hf-hub:laion/CLIP-ViT-L-14", "clip"),
        ("hf-hub:timm/ViT-B-16-SigLIP", "siglip"),
        ("hf-hub:somebody/model", ""),
        ("local-dir:/models/clip", ""),
    ],
)
def test_a_models_name_tells_its_family_or_does_not(name: str, family: str) -> None:
    assert family_of_model(name) == family


def test_every_familys_limits_say_what_they_were_measured_on() -> None:
    assert declared_family(ColourEncoder()) == ""
    for limits in LIMITS.values():
        assert limits.measured_on
        assert 0 < limits.fair < limits.clear


def test_a_fitting_picture_stands_out_and_one_of_another_colour_does_not(server: PictureServer) -> None:
    pool = pool_of(server, ["purple"], ["black"], ["orange"], ["black", "orange"])
    found, _ = search(pool, "purple")
    assert found.matches[0].candidate.id == "0"
    assert found.matches[0].fit == "clear"
    assert {match.fit for match in found.matches[1:]} == {"weak"}
    assert found.fits_well is True
    unfit, _ = search(pool[1:], "purple")
    assert len(unfit.matches) == 3, "the order is shown all the same"
    assert unfit.fits_well is False


def test_a_picture_to_compare_with_is_read_against_nothing(server: PictureServer) -> None:
    pool = pool_of(server, ["purple"], ["black"])
    example = Example(stripes(["purple"]))
    for query in (Query((example,)), Query((Phrase("purple"), example))):
        found, _ = search(pool, query)
        assert [match.stands_out for match in found.matches] == [None, None]
        assert found.fits_well is None
    _, encoder = search(pool, Query((example,)))
    assert encoder.texts == [], "no text is encoded where none is asked"


def test_an_empty_pool_says_nothing_of_fit(server: PictureServer) -> None:
    found, _ = search([], "purple")
    assert (found.matches, found.fits_well) == ((), None)


def test_parts_are_told_of_each_match_in_their_order(server: PictureServer) -> None:
    pool = pool_of(server, ["purple", "black"], ["orange"])
    found, encoder = search(pool, "purple black", finish=Finish(parts=("purple", "black", "orange")))
    assert [[(part.text, part.fit) for part in match.parts] for match in found.matches] == [
        [("purple", "clear"), ("black", "clear"), ("orange", "weak")],
        [("purple", "weak"), ("black", "weak"), ("orange", "clear")],
    ]
    assert encoder.texts[1:4] == ["purple", "black", "orange"]
    assert PartShown("x", None).fit == ""


def test_neutral_phrases_are_encoded_once_in_a_models_life(server: PictureServer, tmp_path: Path) -> None:
    pool = pool_of(server, ["purple"], ["black"])
    first, encoder = search(pool, "purple", tmp_path)
    assert encoder.texts == ["purple", *NEUTRAL_PHRASES]
    second, encoder = search(pool, "purple", tmp_path)
    assert encoder.texts == ["purple"]
    assert [match.stands_out for match in second.matches] == [match.stands_out for match in first.matches]


def test_an_encoder_that_came_with_the_neutral_phrases_is_not_asked_to_encode_them(tmp_path: Path) -> None:
    class Knowing(Counting):
        def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
            return ColourEncoder().encode_texts(texts) if set(texts) == set(NEUTRAL_PHRASES) else None

    encoder = Knowing()
    with Memory(tmp_path) as memory:
        np.testing.assert_array_equal(neutral_embeddings(encoder, memory.texts), neutral_embeddings(Counting(), None))
    assert encoder.texts == []
    assert not (tmp_path / "texts.sqlite").exists(), "nothing is kept twice"


def test_damaged_neutral_embeddings_are_encoded_again(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        whole = neutral_embeddings(Counting(), memory.texts)
    with closing(sqlite3.connect(tmp_path / "texts.sqlite")) as db, db:
        db.execute("UPDATE embeddings SET vector = zeroblob(size) WHERE picture IN ('a dog', 'a cat')")
    encoder = Counting()
    with Memory(tmp_path) as memory:
        np.testing.assert_array_equal(neutral_embeddings(encoder, memory.texts), whole)
    assert sorted(encoder.texts) == ["a cat", "a dog"]
    (tmp_path / "texts.sqlite").write_bytes(b"no database" * 1000)
    with Memory(tmp_path) as memory:
        np.testing.assert_array_equal(neutral_embeddings(encoder, memory.texts), whole)
    assert (tmp_path / "texts.damaged").exists()


def test_a_neutral_phrase_without_a_finite_embedding_is_left_out() -> None:
    class Odd(ColourEncoder):
        def encode_texts(self, texts: Sequence[str]) -> Embeddings:
            rows = super().encode_texts(texts)
            rows[[text == "a dog" for text in texts]] = np.nan
            return rows

    assert len(neutral_embeddings(Odd(), None)) == len(NEUTRAL_PHRASES) - 1
    assert len(set(NEUTRAL_PHRASES)) == len(NEUTRAL_PHRASES)
