"""The shortlist of a library: what is found by it is what the table has, whatever happened to either."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from benchmarks.clip_shaped import Shape, Vectors
from benchmarks.library import built, measured, truth_of
from benchmarks.library_rows import SHAPES, Rows
from phrasepix.library import planner
from phrasepix.library.description import EncoderColumn
from phrasepix.library.forgetting import forget
from phrasepix.library.location import Location
from phrasepix.library.maintenance import compact, health_of, tidy
from phrasepix.library.planner import INDEXED_FROM, has_index
from phrasepix.library.predicates import condition_of
from phrasepix.library.schema import KEY, schema_of
from phrasepix.library.shortlist import FILES, is_usable, pointer_of, read_shortlist
from phrasepix.library.shortlist_build import build_shortlist, uncovered_rows
from phrasepix.library.table import Library
from phrasepix.library.vector_search import coverage_of, nearest_rows
from tests.first_often import first_often
from tests.test_core_install import WITHOUT

pytest.importorskip("faiss", reason="shortlists need faiss")
if sys.platform != "linux":
    pytest.skip("shortlists are made on Linux alone", allow_module_level=True)

ROOT = Path(__file__).parents[1]
ROWS, DIMENSIONS = INDEXED_FROM, 24
COLUMN = "vector_m"


def shape_of(dimensions: int) -> Shape:
    """Vectors in a cone, whose axes are of unlike length."""
    random = np.random.default_rng(7)
    axes = np.linalg.qr(random.normal(size=(dimensions, dimensions)))[0]
    mean = random.normal(size=dimensions)
    return Shape(mean / np.linalg.norm(mean), axes, 0.5 / np.sqrt(np.arange(1, dimensions + 1)))


def drawn(count: int, seed: int, dimensions: int = DIMENSIONS) -> Vectors:
    return shape_of(dimensions).drawn(count, seed, clusters=50)[0]


QUESTIONS = drawn(12, 99)


def write(library: Library, keys: list[str], vectors: Vectors, *, without: NDArray[np.bool_] | None = None) -> None:
    """Write rows that have a key, a rating and a vector alone, in place of those of the same keys."""
    schema = schema_of(library.description)
    missing = pa.array(np.zeros(len(keys), bool) if without is None else without)
    made = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1], mask=missing)
    ratings = pa.array([int(key[-5]) % 5 + 1 for key in keys], pa.int32())
    columns = {KEY: pa.array(keys), COLUMN: made, "rating": ratings}
    rows = [
        columns[one.name].cast(one.type) if one.name in columns else pa.nulls(len(keys), one.type) for one in schema
    ]
    merge = library.dataset.merge_insert(KEY).when_matched_update_all().when_not_matched_insert_all()
    merge.execute(pa.table(rows, schema=schema))
    library.refresh()


def keys_of(first: int, count: int) -> list[str]:
    return [f"file:///{number:07}.png" for number in range(first, first + count)]


def library_in(base: Path, rows: int = ROWS) -> Library:
    library = Library.open_or_create(Location("mine", str(base)))
    library.column_for(EncoderColumn(tower="t", dimensions=DIMENSIONS, model="m"))
    write(library, keys_of(0, rows), drawn(rows, 1))
    return library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = library_in(tmp_path / "library")
    assert build_shortlist(library, COLUMN)
    return library


def share_found(library: Library, limit: int = 10, where: str | None = None) -> float:
    """Which share of the nearest rows of the table is found; those that are found have their right distances."""
    kept = [*dict.fromkeys([KEY, "rating", COLUMN])]
    rows = library.dataset.to_table(columns=kept, filter=" AND ".join(filter(None, [where, f"{COLUMN} IS NOT NULL"])))
    keys = rows[KEY].to_pylist()
    vectors = rows[COLUMN].combine_chunks().flatten().to_numpy().reshape(-1, DIMENSIONS)
    found_of_all = 0
    for question in QUESTIONS:
        distances = 1 - vectors @ question / np.linalg.norm(vectors, axis=1) / np.linalg.norm(question)
        order = np.argsort(distances)[:limit]
        by_key = dict(zip(keys, distances, strict=True))
        found = nearest_rows(library, COLUMN, question, limit, where, [KEY])
        assert found.column_names == [KEY, "_distance"]
        there = found[KEY].to_pylist()
        assert len({*there}) == len(there) == min(limit, len(keys))
        np.testing.assert_allclose(found["_distance"].to_numpy(), [by_key[key] for key in there], atol=1e-5)
        assert found["_distance"].to_pylist() == sorted(found["_distance"].to_pylist())
        found_of_all += len({*there} & {keys[number] for number in order})
    return found_of_all / (len(QUESTIONS) * min(limit, len(keys))) if keys else 1.0


@pytest.mark.slow
def test_every_shape_of_filter_keeps_the_nearest(tmp_path: Path) -> None:
    rows = Rows.kept(tmp_path, shape_of(48), 12_000, 3, clusters=100)
    questions = shape_of(48).drawn(30, 4, clusters=30)[0]
    place = Location("large", str(tmp_path / "library"))
    built(place, rows)
    library = Library.open(place)
    column = library.column_of_model(None)
    health = health_of(library)
    assert (set(health.unindexed.values()), health.beyond) == ({0}, {column: 0})
    assert not has_index(library.dataset, column)
    found = measured(place, rows, questions, truth_of(rows, questions, 10), 10)
    assert {one.shape: one.recall >= 0.99 for one in found} == dict.fromkeys(SHAPES, True)
    assert {one.how.partition(",")[0] for one in found} == {"shortlist"}
    for shape in SHAPES.values():  # as many as fit, and never more
        where = condition_of(shape.filters)
        some = nearest_rows(library, column, questions[0], 200, where, [KEY])
        assert some.num_rows == min(200, int(rows.mask(shape).sum()))


def test_the_answers_are_those_of_comparing_all(library: Library) -> None:
    assert coverage_of(library, COLUMN)
    for where in (None, "rating = 2", "rating <> 2", f"{KEY} < 'file:///0000050.png'", "rating = 9"):
        assert share_found(library, where=where) >= 0.99
    assert share_found(library, limit=300) >= 0.99


def test_eight_that_ask_at_once_get_what_each_gets_alone(library: Library) -> None:
    asked = [(question, where) for question in QUESTIONS for where in (None, "rating = 2", "rating <> 2", "rating > 3")]

    def ask(one: tuple[Vectors, str | None]) -> object:
        return nearest_rows(library, COLUMN, one[0], 10, one[1], [KEY]).to_pydict()

    with ThreadPoolExecutor(8) as pool:  # first, when nothing of the shortlist is open yet
        at_once = list(pool.map(ask, asked))
    assert at_once == [ask(one) for one in asked]


def test_a_filter_that_goes_with_the_farthest_rows_is_looked_through_until_enough_fit(library: Library) -> None:
    shortlist = read_shortlist(library.location, COLUMN)
    assert shortlist is not None
    order = shortlist.nearest(QUESTIONS[0], ROWS, None)
    fitting = np.zeros(ROWS, dtype=bool)
    fitting[order[-3000:]] = True
    best = order[-3000:].tolist()
    for wanted in (1, 2):  # of two, so many are too few still that all that fit are compared
        plan = shortlist.plan(wanted, 3000)
        assert plan.looked_through is not None
        assert np.count_nonzero(fitting[order[: plan.looked_through]]) < plan.compared
        found = shortlist.nearest(QUESTIONS[0], wanted, fitting).tolist()
        assert fitting[found].all()
        assert found[0] in best[:10]
    assert found == best[: len(found)]


def test_who_wants_many_has_all_compared(library: Library) -> None:
    found = nearest_rows(library, COLUMN, QUESTIONS[0], ROWS, None, [KEY])
    assert found.num_rows == ROWS


@pytest.mark.parametrize("seed", first_often(1, range(3)))
def test_whatever_is_written_the_nearest_are_found_and_nothing_that_is_gone(library: Library, seed: int) -> None:
    random = np.random.default_rng(seed)
    there = ROWS
    for step in range(6):
        some = [keys_of(int(number), 1)[0] for number in random.choice(there, 400, replace=False)]
        match random.integers(5):
            case 0:
                library.delete(some)
            case 1:  # the same pictures look otherwise now
                write(library, some, drawn(len(some), 100 + 10 * seed + step))
            case 2:
                write(library, keys_of(there, 300), drawn(300, 200 + 10 * seed + step))
                there += 300
            case 3:
                compact(library.dataset, deleted_from=0.0)
                library.refresh()
            case _:
                assert build_shortlist(library, COLUMN)
        for where in (None, "rating = 2"):
            assert share_found(library, where=where) >= 0.97


def test_rows_that_look_like_the_question_are_found_at_once_and_not_after_they_are_deleted(library: Library) -> None:
    write(library, ["file:///9999999.png"], QUESTIONS[:1])
    for _ in range(2):  # once beyond the shortlist, once in it
        assert nearest_rows(library, COLUMN, QUESTIONS[0], 1, None, [KEY])[KEY].to_pylist() == ["file:///9999999.png"]
        assert build_shortlist(library, COLUMN)
    write(library, ["file:///9999999.png"], -QUESTIONS[:1])
    assert nearest_rows(library, COLUMN, QUESTIONS[0], 1, None, [KEY])[KEY].to_pylist() != ["file:///9999999.png"]
    assert nearest_rows(library, COLUMN, -QUESTIONS[0], 1, None, [KEY])[KEY].to_pylist() == ["file:///9999999.png"]
    library.delete(["file:///9999999.png"])
    assert nearest_rows(library, COLUMN, -QUESTIONS[0], 1, None, [KEY])[KEY].to_pylist() != ["file:///9999999.png"]


def test_rows_without_a_vector_are_never_found(tmp_path: Path) -> None:
    library = library_in(tmp_path / "library")
    without = np.zeros(2000, dtype=bool)
    without[::2] = True
    write(library, keys_of(0, 2000), drawn(2000, 5), without=without)
    assert build_shortlist(library, COLUMN)
    assert uncovered_rows(library, COLUMN) == 0
    assert share_found(library) >= 0.99
    assert share_found(library, where=f"{KEY} < 'file:///0002000.png'") >= 0.99


def test_a_table_that_went_back_to_an_earlier_version_has_its_rows_again(tmp_path: Path) -> None:
    library = library_in(tmp_path / "library")
    before = library.dataset.version
    nearest = planner.nearest(library.dataset, COLUMN, QUESTIONS[0], 5, None, [KEY])[KEY].to_pylist()
    library.delete(nearest)
    assert build_shortlist(library, COLUMN)
    assert share_found(library) >= 0.99
    lance.dataset(library.location.table, version=before).restore()
    library.refresh()
    assert nearest_rows(library, COLUMN, QUESTIONS[0], 5, None, [KEY])[KEY].to_pylist() == nearest


@pytest.mark.slow
def test_maintenance_makes_it_when_enough_rows_are_beyond_it_and_keeps_what_it_knows(tmp_path: Path) -> None:
    library = library_in(tmp_path / "library")
    assert health_of(library).beyond[COLUMN] == ROWS
    assert f"made the shortlist of {COLUMN}" in tidy(library)
    first = read_shortlist(library.location, COLUMN)
    assert first is not None
    write(library, keys_of(ROWS, 400), drawn(400, 2))
    assert (health_of(library).beyond[COLUMN], tidy(library)) == (400, [])
    write(library, keys_of(ROWS + 400, 400), drawn(400, 3))
    assert health_of(library).beyond[COLUMN] == 800
    tidy(library)
    second = read_shortlist(library.location, COLUMN)
    assert second is not None
    np.testing.assert_array_equal(second.axes, first.axes)
    np.testing.assert_array_equal(second.fine_codes[:ROWS], first.fine_codes)
    assert health_of(library).beyond[COLUMN] == 0
    assert share_found(library) >= 0.99
    assert [path.name for path in pointer_of(library.location, COLUMN).parent.iterdir() if path.is_dir()] == [
        second.about.directory
    ]
    write(library, keys_of(ROWS + 800, 2 * ROWS), drawn(2 * ROWS, 4))
    tidy(library)
    third = read_shortlist(library.location, COLUMN)
    assert third is not None
    assert third.about.learned_from == 3 * ROWS + 800  # of so many more, the axes are others
    assert share_found(library) >= 0.99


def test_each_model_has_a_shortlist_of_its_own(library: Library) -> None:
    column = library.column_for(EncoderColumn(tower="other", dimensions=16, model="other"))
    assert uncovered_rows(library, COLUMN) == 0  # a column more is no other table
    assert read_shortlist(library.location, column) is None
    assert coverage_of(library, column) is None
    assert nearest_rows(library, column, np.ones(16, np.float32), 3, None, [KEY]).num_rows == 0
    tidy(library)
    assert {path.stem for path in pointer_of(library.location, column).parent.glob("*.json")} == {COLUMN}


def damages() -> Iterator[tuple[str, bytes | None]]:
    for name in FILES:
        yield name, None
        yield name, b""
        yield name, b"no such file"
    yield "", b"{}"
    yield "", b"\xff"
    yield "", b'{"format": 1000}'


@pytest.fixture(scope="module")
def damaged_often(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = library_in(tmp_path_factory.mktemp("damaged") / "library")
    tidy(library)
    return library


@pytest.mark.parametrize(("name", "content"), first_often(3, damages()))
def test_a_damaged_one_is_not_believed_and_made_again(damaged_often: Library, name: str, content: bytes | None) -> None:
    library = damaged_often
    shortlist = read_shortlist(library.location, COLUMN)
    assert shortlist is not None
    expected = planner.nearest(library.dataset, COLUMN, QUESTIONS[0], 5, None, [KEY])
    path = shortlist.directory / name if name else pointer_of(library.location, COLUMN)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    os.utime(pointer_of(library.location, COLUMN), (1, 1))  # another process, which has not read it yet
    assert read_shortlist(library.location, COLUMN) is None
    assert nearest_rows(library, COLUMN, QUESTIONS[0], 5, None, [KEY]).equals(expected)
    assert health_of(library).beyond[COLUMN] == ROWS
    tidy(library)
    assert read_shortlist(library.location, COLUMN) is not None
    assert share_found(library) >= 0.99


@pytest.mark.slow
def test_without_faiss_lances_index_is_made_and_asked(tmp_path: Path) -> None:
    library = library_in(tmp_path / "library")
    tidy(library)
    code = WITHOUT.format(names=["faiss"]) + (
        "from phrasepix.library.location import Location\n"
        "from phrasepix.library.maintenance import tidy\n"
        "from phrasepix.library.table import Library\n"
        "from phrasepix.library.vector_search import nearest_rows\n"
        "import numpy as np\n"
        "library = Library.open(Location('mine', sys.argv[1]))\n"
        "def ask():\n"
        "    question = np.array(eval(sys.argv[2]), np.float32)\n"
        "    print(nearest_rows(library, sys.argv[3], question, 5, None, ['key'])['key'].to_pylist())\n"
        "ask()\n"
        "assert any(sys.argv[3] in line for line in tidy(library))\n"
        "ask()\n"
    )
    command = [sys.executable, "-c", code, library.location.base, str(QUESTIONS[0].tolist()), COLUMN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = planner.nearest(library.dataset, COLUMN, QUESTIONS[0], 5, None, [KEY])[KEY].to_pylist()
    assert done.stdout.splitlines() == [str(expected)] * 2
    library.refresh()
    assert has_index(library.dataset, COLUMN)
    assert share_found(library) >= 0.99
    write(library, keys_of(ROWS, 800), drawn(800, 2))
    tidy(library)  # where there is faiss, it is not asked any more
    assert not has_index(library.dataset, COLUMN)


@pytest.mark.slow
def test_processes_may_ask_while_others_make_it(library: Library) -> None:
    code = (
        "import sys\n"
        "from phrasepix.library.location import Location\n"
        "from phrasepix.library.shortlist_build import build_shortlist\n"
        "from phrasepix.library.guards import writing\nfrom phrasepix.library.table import Library\n"
        "library = Library.open(Location('mine', sys.argv[1]))\n"
        "for _ in range(15):\n"
        "    with writing(library.location):\n"
        "        assert build_shortlist(library, sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code, library.location.base, COLUMN]
    makers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    while any(maker.poll() is None for maker in makers):
        assert share_found(library) >= 0.99
    for maker in makers:
        _, err = maker.communicate(timeout=60)
        assert maker.returncode == 0, err


@pytest.mark.slow
def test_whoever_is_killed_leaves_the_last_one(library: Library) -> None:
    code = (
        "import sys\n"
        "from phrasepix.library.location import Location\n"
        "from phrasepix.library.shortlist_build import build_shortlist\n"
        "from phrasepix.library.table import Library\n"
        "library = Library.open(Location('mine', sys.argv[1]))\n"
        "while True:\n"
        "    print(build_shortlist(library, sys.argv[2]), flush=True)\n"
    )
    command = [sys.executable, "-c", code, library.location.base, COLUMN]
    for _ in range(5):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as maker:
            assert maker.stdout is not None
            assert maker.stdout.readline() == b"True\n"  # it is at the next one by now
            maker.send_signal(signal.SIGKILL)
        assert read_shortlist(library.location, COLUMN) is not None
        assert share_found(library) >= 0.99
    assert build_shortlist(library, COLUMN)
    assert sum(path.is_dir() for path in pointer_of(library.location, COLUMN).parent.iterdir()) == 1


def test_nothing_is_left_in_it_of_what_was_forgotten(library: Library) -> None:
    def seen(where: str) -> None:
        library.dataset.update({"source": "'openverse'"}, where=where)
        library.refresh()

    seen("rating = 2")
    assert forget(library) == ROWS // 5
    shortlist = read_shortlist(library.location, COLUMN)
    assert shortlist is not None
    assert shortlist.about.rows == len(shortlist.fine_codes) == ROWS - ROWS // 5
    assert [path for path in shortlist.directory.parent.iterdir() if path.is_dir()] == [shortlist.directory]
    assert share_found(library) >= 0.99
    seen("rating > 0")
    forget(library)
    assert [*shortlist.directory.parent.iterdir()] == []
    assert nearest_rows(library, COLUMN, QUESTIONS[0], 5, None, [KEY]).num_rows == 0


def test_a_library_at_a_uri_has_none(tmp_path: Path) -> None:
    assert is_usable(Location("mine", str(tmp_path)))
    assert not is_usable(Location("mine", tmp_path.as_uri()))


@pytest.mark.slow
def test_a_compaction_does_not_leave_rows_beyond_it(library: Library) -> None:
    for number in range(40):
        write(library, keys_of(ROWS + 10 * number, 10), drawn(10, 300 + number))
    assert health_of(library).wants_compaction
    tidy(library)
    health = health_of(library)
    assert (health.fragments, health.beyond[COLUMN]) == (1, 0)
    assert share_found(library) >= 0.99
