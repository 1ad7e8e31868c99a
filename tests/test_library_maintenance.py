"""Maintenance of a library: what is due is done once, and nothing that need not be; what was killed is cleared away."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from phrasepix.library.description import EncoderColumn
from phrasepix.library.guards import writing
from phrasepix.library.location import Location
from phrasepix.library.maintenance import SCALAR_INDEXES, health_of, tidy
from phrasepix.library.planner import INDEXED_FROM, has_index, nearest
from phrasepix.library.schema import KEY, schema_of
from phrasepix.library.table import Library

ROOT = Path(__file__).parents[1]
WHOLE, SMALL = 140_000, 40


def library_in(base: Path, dimensions: int = 8) -> Library:
    library = Library.open_or_create(Location("mine", str(base)))
    library.column_for(EncoderColumn(tower="t", dimensions=dimensions, model="m"))
    return library


def append(library: Library, first: int, count: int) -> None:
    """Append rows that have a key and a vector alone, in a commit of their own."""
    schema = schema_of(library.description)
    keys = [f"file:///{number:07}.png" for number in range(first, first + count)]
    width = library.description.encoders["vector_m"].dimensions
    vectors = np.random.default_rng(first).normal(size=(count, width)).astype(np.float32)
    columns = {KEY: pa.array(keys), "vector_m": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width)}
    rows = [columns[one.name].cast(one.type) if one.name in columns else pa.nulls(count, one.type) for one in schema]
    with writing(library.location):  # as all do who write to a library of this machine
        lance.write_dataset(pa.table(rows, schema=schema), library.location.table, mode="append")
    library.refresh()


def files_of(library: Library) -> set[str]:
    return {path.name for path in Path(library.location.table, "data").glob("*.lance")}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return library_in(tmp_path / "library")


@pytest.mark.slow
def test_many_small_commits_become_one_and_what_is_whole_is_not_written_again(library: Library) -> None:
    append(library, 0, WHOLE)
    whole = files_of(library)
    for number in range(SMALL):
        append(library, WHOLE + 10 * number, 10)
    assert health_of(library).wants_compaction
    tidy(library)
    health = health_of(library)
    assert (health.rows, health.fragments, health.small) == (WHOLE + 10 * SMALL, 2, 1)
    assert whole <= {Path(one.path).name for of in library.dataset.get_fragments() for one in of.data_files()}
    assert not health.wants_compaction
    assert not health.wants_indexing
    before = library.dataset.version
    assert tidy(library) == []
    assert library.dataset.version == before


def test_vectors_that_the_index_does_not_take_are_compared_one_by_one(tmp_path: Path) -> None:
    library = library_in(tmp_path / "odd", dimensions=9)
    append(library, 0, INDEXED_FROM)
    tidy(library)
    assert not health_of(library).wants_indexing
    assert not has_index(library.dataset, "vector_m")
    assert has_index(library.dataset, KEY)
    found = nearest(library.dataset, "vector_m", np.eye(9, dtype=np.float32)[0], 5, None, [KEY])
    assert found.num_rows == 5


def test_an_older_librarys_missing_indexes_are_made_when_it_is_next_tidied(library: Library) -> None:
    append(library, 0, INDEXED_FROM)
    tidy(library)
    made = {index.field_names[0]: index.name for index in library.dataset.describe_indices()}
    assert made.keys() - {"vector_m"} == SCALAR_INDEXES.keys()  # which a shortlist may stand in for
    for column in ("width", "commercial_use", "latitude"):  # one that an older phrasepix made has none of these
        library.dataset.drop_index(made[column])
    library.refresh()
    assert nearest(library.dataset, "vector_m", np.eye(8, dtype=np.float32)[0], 5, "width > 7", [KEY]).num_rows == 0
    assert tidy(library) == ["indexed width, commercial_use, latitude"]
    assert {index.field_names[0] for index in library.dataset.describe_indices()} == made.keys()


def test_places_that_are_forgotten_are_in_no_index(library: Library) -> None:
    append(library, 0, INDEXED_FROM)
    library.keep_places(keeps=True)
    library.dataset.update({"latitude": "48.8584", "longitude": "2.2945"})
    tidy(library)
    assert library.count("latitude BETWEEN 48.0 AND 49.0") == INDEXED_FROM
    files = Path(library.location.table, "_indices")
    before = {path.name for path in files.iterdir()}
    library.keep_places(keeps=False)
    assert library.count("latitude BETWEEN 48.0 AND 49.0") == 0
    assert "latitude" not in {name for index in library.dataset.describe_indices() for name in index.field_names}
    assert len(before - {path.name for path in files.iterdir()}) == 1
    tidy(library)
    assert health_of(library).unindexed["latitude"] == 0


def test_deleted_rows_leave_the_disk_once_they_are_many(library: Library) -> None:
    append(library, 0, 2000)
    keys = library.dataset.to_table(columns=[KEY])[KEY].to_pylist()
    library.delete(keys[:100])
    assert not health_of(library).wants_compaction
    assert tidy(library) == []
    library.delete(keys[:900])
    assert (health_of(library).deleted, health_of(library).wants_compaction) == (900, True)
    tidy(library)
    assert (health_of(library).deleted, health_of(library).rows) == (0, 1100)
    library.delete(keys[900:901])
    assert tidy(library) == []
    assert tidy(library, completely=True) != []
    assert health_of(library).deleted == 0


def test_old_versions_go_and_the_last_minutes_stay(library: Library) -> None:
    for number in range(SMALL):
        append(library, number, 1)
    old = library.dataset.version
    tidy(library)
    lance.dataset(library.location.table, version=old)  # a search that began before still reads it
    library.dataset.cleanup_old_versions(timedelta(0))
    library.refresh()
    assert len(library.dataset.versions()) == 1


def test_doctor_clears_away_what_a_killed_process_left(library: Library) -> None:
    append(library, 0, 100)
    orphan = Path(library.location.table, "data", "0123456789abcdef0123456789abcdef.lance")
    orphan.write_bytes(b"half a file")
    then = time.time() - 30 * 24 * 3600
    os.utime(orphan, (then, then))
    tidy(library)
    assert orphan.exists()
    tidy(library, completely=True)
    assert not orphan.exists()
    assert library.count() == 100


@pytest.mark.slow
def test_several_processes_may_tidy_and_write_at_once(library: Library) -> None:
    for number in range(SMALL):
        append(library, number, 1)
    code = (
        "import sys\n"
        "from phrasepix.library.location import Location\n"
        "from phrasepix.library.maintenance import tidy\n"
        "from phrasepix.library.table import Library\n"
        "library = Library.open(Location('mine', sys.argv[1]))\n"
        "[tidy(library, completely=True) for _ in range(3)]\n"
    )
    base = library.location.base
    processes = [
        subprocess.Popen([sys.executable, "-c", code, base], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for number in range(SMALL, SMALL + 10):
        append(library, number, 1)
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    library.refresh()
    keys = library.dataset.to_table(columns=[KEY])[KEY].to_pylist()
    assert len(keys) == len(set(keys)) == SMALL + 10
