"""Orders other than that of the plain cosine."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings, unit_rows
from reranker.errors import WrongQueryError
from reranker.everyday import EVERYDAY_CAPTIONS
from reranker.neutral import NEUTRAL_PHRASES, caption_embeddings
from reranker.ordering import Ordering, SourceWords, nearness, spread_of, words_of
from reranker.query import EncodedQuery
from reranker.standing import Standing
from reranker.testing import ColourEncoder
from tests.picture_server import candidate


def random_units(n: int, seed: int, d: int = 16) -> Embeddings:
    return unit_rows(np.random.default_rng(seed).standard_normal((n, d)))


def test_nearness_is_half_the_mean_of_the_nearest_twenty_captions() -> None:
    pictures, captions = random_units(5, 1), random_units(60, 2)
    cosines = np.sort(pictures @ captions.T, axis=1)[:, -20:]
    np.testing.assert_allclose(nearness(pictures, captions), cosines.mean(axis=1) / 2, atol=1e-6)
    np.testing.assert_allclose(
        nearness(pictures, captions[:7]), (pictures @ captions[:7].T).mean(axis=1) / 2, atol=1e-6
    )
    assert nearness(pictures, captions[:0]).tolist() == [0] * 5


def test_words_are_told_apart_by_their_stems() -> None:
    assert words_of("Two BOATS, parked-by café’s") & words_of("boat parking") == {"boat", "park"}
    assert words_of("The gas bus") == {"the", "gas", "bus"}


def described(*tags: tuple[str, ...]) -> list[Candidate]:
    return [replace(candidate(number, "https://example.org/1"), tags=of, title="") for number, of in enumerate(tags)]


def test_words_that_all_pictures_have_count_for_little_and_silence_for_nothing() -> None:
    words = SourceWords(["a red boat at night"])
    words.add(described(("boat", "red"), ("boat", "night"), ("boat",), ("boat", "night"), ()))
    scores = np.array([0.2, 0.25, 0.3, 0.22, 0.1], dtype=np.float32)
    bonuses = words.bonuses(0.5, scores)
    assert bonuses[0] > bonuses[1] > 0 > bonuses[2], "red is rarer than night"
    assert bonuses[4] == 0
    assert abs(float(bonuses[:4].sum())) < 1e-6
    assert words.bonuses(1.0, scores) == pytest.approx(2 * bonuses)
    assert words.bonuses(0.0, scores).tolist() == [0] * 5


def test_the_order_does_not_depend_on_that_in_which_candidates_come() -> None:
    rows, captions = random_units(6, 3), random_units(30, 4)
    pool = described(("boat",), (), ("boat", "red"), ("night",), ("red",), ("boat", "night"))
    query = EncodedQuery(random_units(1, 5), np.ones(1), rows[:0], np.empty(0))
    found = set()
    for order in itertools.islice(itertools.permutations(range(6)), 0, 720, 45):
        standing = Standing(query, 3, Ordering("normalised", 0.7), captions, ["a red boat at night"])
        for place in order:
            standing.add([((place,), pool[place])], [rows[place]])
        assert [one.candidate for one in standing.best] == [one.candidate for one in standing.in_order()[:3]]
        found.add(tuple((one.candidate.id, one.total, one.nearness, one.bonus) for one in standing.in_order()))
    assert len(found) == 1
    totals = [total for _, total, _, _ in found.pop()]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize(
    ("rank", "words"), [("best", 0.0), ("cosine", -0.1), ("cosine", 1.1), ("cosine", float("nan"))]
)
def test_an_order_that_there_is_not_is_refused(rank: str, words: float) -> None:
    with pytest.raises(WrongQueryError, match="allowed"):
        Ordering(rank, words)


def test_the_captions_are_some_hundred_and_each_another() -> None:
    assert len(set(EVERYDAY_CAPTIONS)) == len(EVERYDAY_CAPTIONS) > 250
    assert not set(EVERYDAY_CAPTIONS) & set(NEUTRAL_PHRASES)
    assert caption_embeddings(ColourEncoder(), None).shape == (len(EVERYDAY_CAPTIONS), ColourEncoder.dimensions)


def test_a_spread_is_never_less_than_noise() -> None:
    assert spread_of([0.2, 0.2]) == 0.005
    assert spread_of([0.1, 0.3]) == pytest.approx(0.1)
