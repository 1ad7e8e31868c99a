"""Scores and their order."""

import numpy as np
import pytest

from reranker.encoder import unit_rows
from reranker.scoring import cosine_scores, top_indices, wanted_scores


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_the_exact_cosines(seed: int) -> None:
    random = np.random.default_rng(seed)
    count, dimensions = int(random.integers(1, 600)), int(random.choice([3, 64, 512, 768]))
    rows = unit_rows(random.normal(size=(count, dimensions)))
    query = unit_rows(random.normal(size=(1, dimensions)))[0]
    exact = np.array([float(np.dot(row.astype(np.float64), query.astype(np.float64))) for row in rows])
    scores = cosine_scores(query, rows)
    assert scores.dtype == np.float32
    assert scores.shape == (count,)
    np.testing.assert_allclose(scores, exact, rtol=0, atol=1e-7)


def test_a_vectors_score_with_itself_is_one_and_with_its_opposite_minus_one_and_never_beyond() -> None:
    rows = unit_rows(np.random.default_rng(0).normal(size=(300, 333)))
    for row in rows[:50]:
        both = cosine_scores(row, np.stack([row, -row]))
        np.testing.assert_allclose(both, [1, -1], atol=1e-6)
        assert np.abs(both).max() <= 1


@pytest.mark.parametrize("dimensions", [9, 33, 512, 768])
@pytest.mark.parametrize("count", [2, 5, 31, 33, 500])
def test_equal_rows_score_equally_wherever_they_stand(count: int, dimensions: int) -> None:
    random = np.random.default_rng(count * dimensions)
    row, query = unit_rows(random.normal(size=(2, dimensions)))
    rows = np.tile(row, (count, 1))
    assert len(set(cosine_scores(query, rows).tolist())) == 1
    assert top_indices(cosine_scores(query, rows), count).tolist() == list(range(count))


def test_a_rows_score_does_not_depend_on_the_rows_beside_it() -> None:
    random = np.random.default_rng(3)
    rows = unit_rows(random.normal(size=(200, 512)))
    query = unit_rows(random.normal(size=(1, 512)))[0]
    together = cosine_scores(query, rows)
    kept = random.permutation(200)[:117]
    np.testing.assert_array_equal(cosine_scores(query, rows[kept]), together[kept])


@pytest.mark.parametrize("seed", range(200))
def test_the_top_is_what_a_stable_sort_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 120))
    levels = int(random.integers(1, 12))
    scores = (random.integers(-levels, levels, size=count) / 16).astype(np.float32)
    top = int(random.integers(1, 140))
    expected = sorted(range(count), key=lambda index: (-scores[index], index))[:top]
    assert top_indices(scores, top).tolist() == expected


def test_zeros_of_either_sign_are_a_tie() -> None:
    assert top_indices(np.array([-0.0, 0.0, -0.0, 0.0], dtype=np.float32), 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("top", [0, -1])
def test_a_top_below_one_gives_nothing(top: int) -> None:
    assert top_indices(np.array([0.5, 0.1], dtype=np.float32), top).tolist() == []


def test_unit_rows_have_length_one_and_what_has_no_direction_is_nan() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0], [np.inf, 1.0], [np.nan, 1.0], [1e-20, 0.0]]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[0], [0.6, 0.8])
    assert np.isnan(rows[1:4]).all()
    np.testing.assert_allclose(rows[4], [1.0, 0.0])


def test_parts_weigh_by_their_spread_and_the_score_is_a_cosine() -> None:
    random = np.random.default_rng(7)
    pictures, parts = unit_rows(random.normal(size=(50, 6))), unit_rows(random.normal(size=(2, 6)))
    near = unit_rows(pictures + 5)  # all much alike to the second part, as pictures are to a picture
    cosines = np.stack([cosine_scores(part, near) for part in parts], axis=1)
    scores = wanted_scores(cosines, np.array([1.0, 2.0]), parts.astype(np.float64) @ parts.T.astype(np.float64))
    z = (cosines - cosines.mean(axis=0)) / cosines.std(axis=0)
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(z @ [1.0, 2.0]))
    whole = unit_rows((np.array([1.0, 2.0]) / cosines.std(axis=0) @ parts)[None])[0]
    np.testing.assert_allclose(scores, near @ whole, atol=1e-5)


def test_differences_that_are_noise_do_not_decide() -> None:
    cosines = np.array([[0.3, 0.80001], [0.2, 0.80002], [0.1, 0.80003]], dtype=np.float32)
    assert top_indices(wanted_scores(cosines, np.ones(2), np.eye(2)), 3).tolist() == [0, 1, 2]
