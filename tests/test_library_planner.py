"""Finding in a large table by Lance, as at a URI: exact over few rows, by the index over many, and complete."""

from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from benchmarks.clip_shaped import Shape, Vectors
from benchmarks.library import built, measured, truth_of
from benchmarks.library_rows import SHAPES, Rows
from phrasepix.library.location import Location
from phrasepix.library.maintenance import SCALAR_INDEXES, health_of
from phrasepix.library.planner import EXACT_ROWS, has_index, nearest, plan_of
from phrasepix.library.predicates import condition_of
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library

ROWS, DIMENSIONS = 12_000, 48


class Large:
    """A library of drawn rows, and the questions that it is asked."""

    def __init__(self, directory: Path) -> None:
        random = np.random.default_rng(7)
        axes = np.linalg.qr(random.normal(size=(DIMENSIONS, DIMENSIONS)))[0]
        mean = random.normal(size=DIMENSIONS)
        shape = Shape(mean / np.linalg.norm(mean), axes, 0.5 / np.sqrt(np.arange(1, DIMENSIONS + 1)))
        self.rows = Rows.kept(directory, shape, ROWS, 3, clusters=100)
        self.questions: Vectors = shape.drawn(30, 4, clusters=30)[0]
        self.place = Location("large", (directory / "library").as_uri())
        built(self.place, self.rows)
        self.library = Library.open(self.place)
        self.column = self.library.column_of_model(None)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Large:
    return Large(tmp_path_factory.mktemp("large"))


def test_a_large_table_has_all_its_indexes(large: Large) -> None:
    health = health_of(large.library)
    assert health.unindexed.keys() == {*SCALAR_INDEXES, large.column}
    assert set(health.unindexed.values()) == {0}
    assert has_index(large.library.dataset, large.column)


@pytest.mark.slow
def test_every_shape_of_filter_keeps_the_nearest(large: Large) -> None:
    truth = truth_of(large.rows, large.questions, 10)
    found = measured(large.place, large.rows, large.questions, truth, 10)
    assert {one.shape: one.recall >= 0.99 for one in found} == dict.fromkeys(SHAPES, True)


def test_vectors_drawn_block_by_block_are_kept_and_drawn_once(large: Large) -> None:
    kept = Rows.kept(
        large.rows.directory,
        Shape(np.zeros(DIMENSIONS), np.eye(DIMENSIONS), np.ones(DIMENSIONS)),
        ROWS,
        3,
        clusters=100,
    )
    ((some, vectors),) = kept.blocks()
    assert (some, len(vectors)) == (slice(0, ROWS), ROWS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors, next(large.rows.blocks())[1])


def test_few_rows_are_all_compared_and_many_are_not(large: Large) -> None:
    dataset = large.library.dataset
    assert not plan_of(dataset, large.column, None, 10).is_exact
    rare = plan_of(dataset, large.column, "camera_key = 'camera 7'", 10)
    assert rare.is_exact
    assert rare.matching <= EXACT_ROWS
    assert plan_of(dataset, large.column, None, ROWS).is_exact  # who wants all of them


def test_there_are_as_many_as_fit_and_never_more(large: Large) -> None:
    for shape in SHAPES.values():
        where = condition_of(shape.filters)
        found = nearest(large.library.dataset, large.column, large.questions[0], 200, where, [KEY])
        assert found.num_rows == min(200, int(large.rows.mask(shape).sum()))


def test_rows_that_the_index_does_not_know_yet_are_found(large: Large) -> None:
    dataset = large.library.dataset
    question = large.questions[0]
    farthest = -question
    row = dataset.to_table(limit=1)
    for name, value in ((KEY, "file:///new.jpg"), (large.column, farthest.tolist())):
        field = row.schema.field(name)
        row = row.set_column(row.schema.get_field_index(name), field, pa.array([value], field.type))
    lance.write_dataset(row, large.library.location.table, mode="append")
    try:
        opened = Library.open(large.library.location)
        assert nearest(opened.dataset, large.column, farthest, 1, None, [KEY])[KEY].to_pylist() == ["file:///new.jpg"]
    finally:
        lance.dataset(large.library.location.table, version=dataset.version).restore()
