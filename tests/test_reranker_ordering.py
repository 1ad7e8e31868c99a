"""Orders other than that of the plain cosine."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from phrasepix_core.candidate import Candidate
from reranker.accumulator import RankingAccumulator
from reranker.baseline_prompts import NEUTRAL_PHRASES, caption_embeddings
from reranker.encoder import Embeddings, unit_rows
from reranker.errors import WrongQueryError
from reranker.everyday import EVERYDAY_CAPTIONS
from reranker.ordering import Ordering, SourceWords, nearness, spread_of, words_of
from reranker.query import EncodedQuery
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
    scores = np.array([0.28, 0.26, 0.02, 0.26, 0.05], dtype=np.float32)
    bonuses = words.bonuses(0.5, scores)
    assert bonuses[0] > bonuses[1] > 0 > bonuses[2], "red is rarer than night"
    assert bonuses[4] == 0
    assert abs(float(bonuses[:4].sum())) < 1e-6
    assert words.bonuses(1.0, scores) == pytest.approx(2 * bonuses)
    assert words.bonuses(0.0, scores).tolist() == [0] * 5


def test_a_word_counts_as_far_as_the_pictures_that_have_it_score_above_the_others() -> None:
    """The source's “snow” falls, the phrase's lies on the ground: the model knows, and the word does not count."""
    words = SourceWords(["a boat on snow by day"])
    words.add(described(("boat", "snow"), ("boat", "snow"), ("boat", "day"), ("boat", "day"), ("boat",), ("boat",)))
    disagreeing = words.bonuses(1.0, np.array([0.1, 0.15, 0.5, 0.4, 0.45, 0.2], dtype=np.float32))
    assert disagreeing[0] == disagreeing[1] == disagreeing[4] == disagreeing[5] < 0 < disagreeing[2] == disagreeing[3]
    agreeing = words.bonuses(1.0, np.array([0.45, 0.4, 0.5, 0.4, 0.1, 0.15], dtype=np.float32))
    assert min(agreeing[:4]) > 0 > max(agreeing[4:])


def test_one_picture_alone_proves_less_for_a_word_than_several() -> None:
    alone, together = SourceWords(["a heron"]), SourceWords(["a heron"])
    alone.add(described(("heron",), ("pond",), ("pond",), ("pond",)))
    together.add(described(("heron",), ("heron",), ("pond",), ("pond",)))
    scores = np.array([0.5, 0.5, 0.1, 0.1], dtype=np.float32)
    gap_alone, gap_together = (float(one[0] - one[2]) for one in (w.bonuses(1.0, scores) for w in (alone, together)))
    assert 0 < gap_alone < gap_together


def test_where_the_scores_agree_with_no_word_nothing_is_added() -> None:
    words = SourceWords(["a heron"])
    words.add(described(("heron",), ("pond",)))
    assert words.bonuses(1.0, np.array([0.1, 0.5], dtype=np.float32)).tolist() == [0, 0]
    assert words.bonuses(1.0, np.array([0.3, 0.3], dtype=np.float32)).tolist() == [0, 0]


def test_the_order_does_not_depend_on_that_in_which_candidates_come() -> None:
    rows, captions = random_units(6, 3), random_units(30, 4)
    pool = described(("boat",), (), ("boat", "red"), ("night",), ("red",), ("boat", "night"))
    query = EncodedQuery(random_units(1, 5), np.ones(1), rows[:0], np.empty(0))
    found = set()
    for order in itertools.islice(itertools.permutations(range(6)), 0, 720, 45):
        accumulator = RankingAccumulator(query, 3, Ordering("normalised", 0.7), captions, ["a red boat at night"])
        for place in order:
            accumulator.add([pool[place]], [rows[place]], [(place,)])
        assert [one.candidate for one in accumulator.best] == [one.candidate for one in accumulator.in_order()[:3]]
        found.add(tuple((one.candidate.id, one.total, one.nearness, one.bonus) for one in accumulator.in_order()))
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
