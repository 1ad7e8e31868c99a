"""What is done with an order once it stands: spread, or ranked again by a second model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker import ClipReranker, Embeddings, Example, Memory, Query, Ranking
from reranker.diversity import considered_for, diversified
from reranker.encoder import unit_rows
from reranker.errors import WrongQueryError
from reranker.finish import Finish, Refinement
from reranker.pictures import PictureLoader
from reranker.testing import ColourEncoder
from tests.picture_server import PictureServer, candidate, encoded, file, put_pool, stripes


class Second(ColourEncoder):
    """Prefers what the first one does not: it takes every colour for its opposite in the list."""

    name = "second"

    def __init__(self) -> None:
        self.pictures = 0

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.pictures += len(pictures)
        rows = super().encode_pictures(pictures)
        return np.ascontiguousarray(np.hstack([rows[:, -2::-1], rows[:, -1:]]))


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


@pytest.fixture
def loader() -> Iterator[PictureLoader]:
    with PictureLoader(loopback_sources={"sample"}) as loader:
        yield loader


def ids(ranking: Ranking) -> list[str]:
    return [match.candidate.id for match in ranking.matches]


def shots(server: PictureServer) -> list[Candidate]:
    """Three kinds of red picture, three of each kind, the kinds one after the other by how red they are."""
    stripes_of = [[*["red"] * red, *[other] * 2] for red, other in ((9, "blue"), (8, "green"), (7, "yellow"))]
    return [
        candidate(f"{kind}{number}", server.put(f"/{kind}{number}.png", file(encoded(stripes(colours), "PNG"))))
        for kind, colours in zip("abc", stripes_of, strict=True)
        for number in range(3)
    ]


def test_zero_is_exactly_the_plain_order_and_one_begins_with_the_best_all_the_same() -> None:
    fitness = np.linspace(1, 0, 20)
    rows = unit_rows(np.random.default_rng(0).standard_normal((20, 8)))
    assert diversified(fitness, rows, 0.0) == list(range(20))
    spread = diversified(fitness, rows, 1.0)
    assert spread[0] == 0
    assert sorted(spread) == list(range(20)), "nobody is lost"
    assert spread[1] == int(np.argmin(rows.astype(np.float64) @ rows[0])), "then what is least like it"


def test_the_more_diverse_the_less_alike_under_any_scale_of_scores() -> None:
    rng = np.random.default_rng(1)
    rows = unit_rows(rng.standard_normal((50, 8)) + 0.8)
    fitness = -np.sort(-rng.standard_normal(50))
    alike = []
    for diverse in (0.0, 0.5, 1.0):
        order = diversified(fitness, rows, diverse)
        assert diversified(fitness * 0.01 + 0.2, rows, diverse) == order
        best = rows[order[:10]].astype(np.float64)
        alike.append(float((best @ best.T)[np.triu_indices(10, k=1)].mean()))
    assert alike == sorted(alike, reverse=True)
    assert alike[-1] < alike[0] - 0.1


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_pool_of_few_or_of_equal_pictures_keeps_its_order(count: int) -> None:
    same = np.repeat(unit_rows(np.ones((1, 4))), count, axis=0)
    assert diversified(np.zeros(count), same, 0.5) == list(range(count))


@pytest.mark.parametrize("diverse", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_out_of_range_is_refused(diverse: float) -> None:
    with pytest.raises(WrongQueryError, match=r"diverse \S+ is out of range; allowed: 0"):
        Finish(diverse=diverse)


def test_the_best_are_chosen_from_up_to_five_times_as_many() -> None:
    assert [considered_for(10, diverse) for diverse in (0.0, 0.5, 1.0)] == [10, 30, 50]
    assert considered_for(1000, 1.0) == 1000
    assert considered_for(2000, 0.5) == 2000


def test_the_spread_best_are_of_different_kinds_and_chance_in_arrival_changes_nothing(
    server: PictureServer, loader: PictureLoader
) -> None:
    pool = shots(server)
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        plain = reranker.rerank("red", pool, top=3, fold=False)
        spread = reranker.rerank("red", pool, top=3, fold=False, finish=Finish(diverse=0.7))
        late = reranker.rerank(
            "red",
            pool[::-1],
            top=3,
            fold=False,
            finish=Finish(diverse=0.7),
            places=[(len(pool) - number,) for number in range(len(pool))],
        )
        *_, streamed = reranker.stream("red", pool, top=3, fold=False, finish=Finish(diverse=0.7))
    assert ids(plain) == ["a0", "a1", "a2"]
    assert sorted(one[0] for one in ids(spread)) == ["a", "b", "c"]
    assert ids(spread)[0] == "a0"
    assert ids(late) == ids(streamed) == ids(spread)


def test_a_spread_order_folds_the_same_pictures_as_the_plain_one(server: PictureServer, loader: PictureLoader) -> None:
    pool = shots(server)
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        spread = reranker.rerank("red", pool, top=3, finish=Finish(diverse=0.7))
        plain = reranker.rerank("red", pool, top=3)
    folded = {match.candidate.id: sorted(one.id for one in match.siblings) for match in plain.matches}
    assert {match.candidate.id: sorted(one.id for one in match.siblings) for match in spread.matches} == folded
    assert sum(map(len, folded.values())) == 6


def test_the_second_model_orders_the_best_and_the_others_stay_behind(
    server: PictureServer, loader: PictureLoader
) -> None:
    pool, second = put_pool(server, 10), Second()
    with ClipReranker(ColourEncoder(), loader=loader) as reranker, ClipReranker(second, loader=loader) as heavier:
        first = reranker.rerank("red", pool, top=10)
        refined = reranker.rerank("red", pool, top=10, finish=Finish(refinement=Refinement(lambda: heavier, 4)))
        alone = heavier.rerank("red", [match.candidate for match in first.matches[:4]], top=4)
    assert ids(refined) == ids(alone) + ids(first)[4:]
    assert ids(refined) != ids(first)
    before = {match.candidate.id: match.score for match in first.matches}
    assert [match.first_score for match in refined.matches[:4]] == [before[one] for one in ids(refined)[:4]]
    assert [match.score for match in refined.matches[:4]] == [match.score for match in alone.matches]
    assert [(match.first_score, match.score) for match in refined.matches[4:]] == [
        (None, before[one]) for one in ids(first)[4:]
    ]
    assert second.pictures == 4
    assert [match.rank for match in refined.matches] == list(range(1, 11))


def test_the_second_model_fetches_nothing_again_and_remembers_under_its_own_name(
    server: PictureServer, loader: PictureLoader, tmp_path: Path
) -> None:
    pool = put_pool(server, 6)
    for encoded_by_second in (6, 0):
        second = Second()
        with (
            Memory(tmp_path) as memory,
            ClipReranker(ColourEncoder(), loader=loader, memory=memory) as reranker,
            ClipReranker(second, loader=loader) as heavier,
        ):
            reranker.rerank("red", pool, finish=Finish(refinement=Refinement(lambda: heavier)))
        assert second.pictures == encoded_by_second
    assert set(server.asked.values()) == {1}
    with Memory(tmp_path) as memory:
        assert {one.encoder_name: one.count for one in memory.embeddings.kept()} == {"colours": 6, "second": 6}


def test_siblings_found_by_the_first_model_stay_with_what_the_second_one_ranks(
    server: PictureServer, loader: PictureLoader
) -> None:
    pool, second = shots(server), Second()
    with ClipReranker(ColourEncoder(), loader=loader) as reranker, ClipReranker(second, loader=loader) as heavier:
        refined = reranker.rerank("red", pool, finish=Finish(refinement=Refinement(lambda: heavier)))
    assert second.pictures == 3, "of each picture one"
    assert sorted(len(match.siblings) for match in refined.matches) == [2, 2, 2]


def test_an_empty_pool_loads_no_second_model(loader: PictureLoader) -> None:
    def never() -> ClipReranker:
        raise AssertionError("it was loaded")

    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        assert reranker.rerank("red", [], finish=Finish(refinement=Refinement(never))).matches == ()


def test_what_the_second_model_cannot_look_at_stays_behind_what_it_can(
    server: PictureServer, loader: PictureLoader
) -> None:
    class Blind(Second):
        def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
            rows = super().encode_pictures(pictures)
            rows[rows[:, 3] > 0.9] = np.nan  # what is all red or nearly so
            return rows

    with ClipReranker(ColourEncoder(), loader=loader) as reranker, ClipReranker(Blind(), loader=loader) as heavier:
        pool = put_pool(server, 5)
        refined = reranker.rerank("red", pool, finish=Finish(refinement=Refinement(lambda: heavier)))
    assert len(refined.matches) == 5
    assert refined.skipped == ()
    has_both = [match.first_score is not None for match in refined.matches]
    assert has_both == sorted(has_both, reverse=True)


def test_a_refinement_of_none_and_one_by_a_foreign_embedding_are_refused(
    server: PictureServer, loader: PictureLoader
) -> None:
    with ClipReranker(ColourEncoder(), loader=loader) as reranker, ClipReranker(Second(), loader=loader) as heavier:
        with pytest.raises(WrongQueryError, match="refine_top 0 is out of range"):
            Refinement(lambda: heavier, 0)
        example = Example(ColourEncoder().encode_texts(["red"])[0])
        with pytest.raises(WrongQueryError, match="give its picture"):
            reranker.rerank(
                Query((example,)), put_pool(server, 2), finish=Finish(refinement=Refinement(lambda: heavier))
            )


def test_more_than_any_number_of_pictures_is_all_of_them() -> None:
    assert considered_for(10**400, 0.5) == 10**400
