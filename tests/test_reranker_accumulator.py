"""The order of a pool as far as it was looked at."""

from dataclasses import replace

import numpy as np
import pytest

from reranker.accumulator import RankingAccumulator
from reranker.encoder import unit_rows
from reranker.ordering import Ordering
from reranker.query import EncodedQuery
from tests.first_often import first_often
from tests.picture_server import candidate

POOL = [candidate(number, f"http://127.0.0.1/{number}.png") for number in range(40)]
QUERY = EncodedQuery(
    unit_rows(np.array([[1.0, 0.0, 0.0]])), np.ones(1), np.empty((0, 3), dtype=np.float32), np.empty(0)
)
# Every cosine occurs several times, so that ties decide.
EMBEDDINGS = unit_rows(np.array([[number % 5, 1.0, 0.0] for number in range(40)], dtype=np.float64))


def standing_after(order: list[int], top: int = 7, at_once: int = 3) -> RankingAccumulator:
    accumulator = RankingAccumulator(QUERY, top)
    for first in range(0, len(order), at_once):
        places = order[first : first + at_once]
        accumulator.add(
            [POOL[place] for place in places], [EMBEDDINGS[place] for place in places], [(place,) for place in places]
        )
    return accumulator


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("at_once", [1, 4, 40])
def test_in_which_order_candidates_are_added_makes_no_difference(seed: int, at_once: int) -> None:
    expected = standing_after(list(range(40)))
    shuffled = np.random.default_rng(seed).permutation(40).tolist()
    accumulator = standing_after(shuffled, at_once=at_once)
    assert list(accumulator.in_order()) == list(expected.in_order())
    assert accumulator.best == expected.best


def test_the_best_are_the_first_in_order_and_ties_keep_the_order_of_the_pool() -> None:
    accumulator = standing_after(list(range(39, -1, -1)))
    assert accumulator.best == tuple(accumulator.in_order())[:7]
    assert [one.candidate.id for one in accumulator.in_order()] == [
        str(number) for rest in (4, 3, 2, 1, 0) for number in range(rest, 40, 5)
    ]


def test_skipped_candidates_are_counted_and_listed_in_the_order_of_the_pool() -> None:
    accumulator = standing_after([3, 1])
    accumulator.skip((2,), POOL[2], "gone")
    accumulator.skip((0,), POOL[0], "damaged")
    assert accumulator.done == 4
    assert [(one.candidate.id, one.reason) for one in accumulator.skipped] == [("0", "damaged"), ("2", "gone")]


def test_nothing_added_is_an_empty_order() -> None:
    accumulator = standing_after([])
    assert (accumulator.best, list(accumulator.in_order()), accumulator.done) == ((), [], 0)


def test_what_is_not_wanted_costs_what_resembles_it_more_than_the_pool_does() -> None:
    rows = unit_rows(np.array([[1.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.9, 0.0, 0.1]]))
    disliked = EncodedQuery(rows[:1], np.ones(1), unit_rows(np.array([[0.0, 1.0, 0.0]])), np.array([2.0]))
    accumulator = RankingAccumulator(disliked, 3)
    accumulator.add([POOL[2]], [rows[2]], [(2,)])
    accumulator.add([POOL[1], POOL[0]], [rows[1], rows[0]], [(1,), (0,)])
    resembles, scores = np.array([0.0, rows[1, 1], 0.0]), rows @ rows[0]
    cost = 2 * 1.5 * (resembles[1] - resembles.mean()) / resembles.std() * scores.std()
    assert {one.candidate.id: one.penalty for one in accumulator.in_order()} == {
        "0": 0.0,
        "1": pytest.approx(cost, abs=1e-5),
        "2": 0.0,
    }
    assert [one.candidate.id for one in accumulator.best] == ["0", "2", "1"]


@pytest.mark.parametrize("seed", range(3))
def test_penalties_do_not_depend_on_the_order_in_which_candidates_are_added(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, unwanted = unit_rows(random.normal(size=(60, 8))), unit_rows(random.normal(size=(2, 8)))
    query = EncodedQuery(rows[:2], np.array([1.0, 2.0]), unwanted, np.array([1.0, 0.5]))
    orders = []
    for order in (range(60), random.permutation(60).tolist()):
        accumulator = RankingAccumulator(query, 10)
        for number in order:
            accumulator.add([candidate(number, f"http://127.0.0.1/{number}.png")], [rows[number]], [(number,)])
        assert list(accumulator.best) == accumulator.in_order()[:10]
        orders.append(list(accumulator.in_order()))
    assert orders[0] == orders[1]


@pytest.mark.parametrize("words", first_often(1, [0.5, 0.0]))
def test_a_large_pool_in_batches_has_the_order_of_one_at_once_and_nearly_its_best_meanwhile(words: float) -> None:
    random = np.random.default_rng(3)
    query = EncodedQuery(
        unit_rows(random.normal(size=(2, 8))), np.array([1.0, 0.5]), unit_rows(random.normal(size=(1, 8))), np.ones(1)
    )
    rows = unit_rows(random.normal(size=(5000, 8)) + np.linspace(0, 1, 5000)[:, None])  # what comes later differs
    pool = [
        replace(candidate(number, "http://127.0.0.1/1.png"), title="a boat" if number % 7 else "fog")
        for number in range(len(rows))
    ]
    one_by_one, at_once = (
        RankingAccumulator(query, 50, Ordering(words=words), phrases=["boat in fog"]) for _ in range(2)
    )
    for first in range(0, len(rows), 100):
        numbers = range(first, first + 100)
        one_by_one.add(
            [pool[number] for number in numbers], list(rows[first : first + 100]), [(number,) for number in numbers]
        )
        assert len(one_by_one.best) == 50
    at_once.add(pool, list(rows))
    meanwhile = {one.candidate.id for one in one_by_one.best}
    exact = [one.candidate.id for one in at_once.in_order()]
    assert len(meanwhile & set(exact[:50])) >= 45
    assert [one.candidate.id for one in one_by_one.in_order()] == exact
    assert [one.total for one in one_by_one.in_order()[:50]] == [one.total for one in at_once.best]
