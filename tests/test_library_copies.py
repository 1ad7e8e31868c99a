"""A library of an older version, of another kind, damaged, backed up, exported and restored."""

import json
import shutil
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phrasepix import find_images
from phrasepix.errors import LibraryError, NotWrittenError
from phrasepix.library.backup import back_up, export, restore
from phrasepix.library.columns import COLUMNS
from phrasepix.library.description import FORMAT
from phrasepix.library.location import Location, library_names
from phrasepix.library.maintenance import gone_back, health_of
from phrasepix.library.table import Library
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from tests import in_process
from tests.library_parts import sync
from tests.picture_tree import picture, write

OLD = Path(__file__).with_name("old_library") / "format_1"


@pytest.fixture
def old() -> Location:
    """The library of an older version, in the data directory as `mine`."""
    location = Location.of("mine")
    shutil.copytree(OLD, location.base)
    return location


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        write(tmp_path / "pictures" / f"{number}.png", picture(number))
    return tmp_path / "pictures"


@pytest.fixture
def library(folder: Path) -> Library:
    location = Location.of("mine")
    Library.open_or_create(location).keep_places(keeps=True)
    sync(Path(location.base), folder, cache_directory())
    return Library.open(location)


def test_an_older_library_is_searched_as_it_is(old: Location) -> None:
    results = find_images("red", source="library:mine", model=ColourEncoder(), filters={"year": {"$gte": 2016}})
    assert results.pool_size == 4
    filters = Filters(min_rating=2, any_tags=("Boat",))
    assert find_images("red", source="library:mine", filters=filters, model=ColourEncoder()).pool_size == 1
    said = in_process.run("library", "sql", "SELECT path, taken_year FROM pictures ORDER BY 1 LIMIT 1", "--csv")
    assert said.stdout.splitlines() == ["path,taken_year", "/pictures/0.png,2015"]
    assert Library.open(old).lacking  # reading has changed nothing


def test_an_older_library_is_brought_up_to_date_by_whoever_writes(old: Location, folder: Path) -> None:
    sync(Path(old.base), folder, cache_directory())
    library = Library.open(old)
    assert library.lacking == []
    assert library.count() == 11
    assert library.count(f"{library.description.column_of(ColourEncoder.name)} IS NULL") == 0
    states = library.states(Path("/pictures"), "vector_colours")
    assert {state.beside for state in states.values()} == {None}  # and they are read again if they are there


def test_a_table_of_another_kind_is_refused(old: Location) -> None:
    shutil.rmtree(old.table)
    lance.write_dataset(pa.table({"id": [1, 2], "width": ["a", "b"]}), old.table)
    for opening in (Library.open, Library.open_or_create):
        with pytest.raises(LibraryError, match="is none of a library: its column key is missing"):
            opening(old)
    lance.write_dataset(pa.table({"key": ["a"], "width": ["wide"]}), old.table, mode="overwrite")
    with pytest.raises(LibraryError, match="its column width is string, not int32"):
        Library.open(old)


def test_a_later_format_is_refused_by_every_command(old: Location) -> None:
    place = Path(old.description)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"format": FORMAT + 1}))
    for words in (["sync"], ["doctor"], ["sql", "SELECT 1"], ["backup", "x.backup"], ["export", "x.parquet"]):
        done = in_process.run("library", *words)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
        assert f"has format {FORMAT + 1}, and this phrasepix reads {FORMAT}; install a newer one" in done.stderr


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def manifests(location: Location) -> list[Path]:
    return sorted(Path(location.table, "_versions").glob("*.manifest"))


def test_a_version_that_was_half_written_is_named_and_left_out(library: Library, folder: Path) -> None:
    location = library.location
    write(folder / "late.png", picture(70))
    sync(Path(location.base), folder, cache_directory())
    halve(manifests(location)[0])
    for opening in (Library.open, Library.open_or_create):
        with pytest.raises(LibraryError, match="is damaged"):
            opening(location)
    done = in_process.run("library", "doctor")
    assert done.returncode == 0, done.stderr
    assert "left out 1 versions that cannot be read" in done.stdout
    assert Library.open(location).count() == 6
    assert sync(Path(location.base), folder, cache_directory()).written == 1
    assert Library.open(location).count() == 7


def test_a_table_of_which_nothing_can_be_read_is_left_as_it_is(library: Library) -> None:
    there = manifests(library.location)
    for one in there:
        halve(one)
    with pytest.raises(LibraryError, match="restore a backup"):
        gone_back(library.location)
    assert manifests(library.location) == there
    shutil.rmtree(Path(library.location.table, "_versions"))
    with pytest.raises(LibraryError, match="is damaged"):  # rows are there: no new table is made over them
        Library.open_or_create(library.location)


def test_rows_that_were_half_written_are_an_error_with_a_name(library: Library) -> None:
    for one in Path(library.location.table, "data").iterdir():
        halve(one)
    done = in_process.run("library", "sql", "SELECT path FROM pictures", "--json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    done = in_process.run("red", "--source", "library:mine", "--model", "sample")
    assert done.returncode in {1, 2, 3}
    assert "Traceback" not in done.stderr
    with pytest.raises(LibraryError, match="cannot be used"):
        find_images("red", source="library:mine", model=ColourEncoder())


def test_a_fragment_that_was_never_committed_harms_nobody(library: Library) -> None:
    Path(library.location.table, "data", "half.lance").write_bytes(b"half a fragment")
    Path(library.location.table, "_versions", ".tmp_7.manifest_x").write_bytes(b"half")
    assert Library.open(library.location).count() == 6
    assert in_process.run("library", "doctor").returncode == 0


def test_a_backup_becomes_the_same_library_again(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "mine.backup"
    assert back_up(library, path) == 6
    again = Location.of("again")
    assert restore(path, again) == 6
    assert library_names() == ("again", "mine")
    restored = Library.open(again)
    assert (restored.description.folders, restored.description.encoders, restored.description.keeps_places) == (
        library.description.folders,
        library.description.encoders,
        True,
    )
    assert restored.dataset.to_table().sort_by("key") == library.dataset.to_table().sort_by("key")
    assert restored.dataset.schema == library.dataset.schema  # with the key, without which it would have rows twice
    assert health_of(restored).fragments == 1
    before, after = (
        [(one.candidate.id, one.score) for one in find_images("red", source=f"library:{name}", model=ColourEncoder())]
        for name in ("mine", "again")
    )
    assert before == after
    with pytest.raises(LibraryError, match="there is a library again already"):
        restore(path, again)
    with pytest.raises(LibraryError, match="restored on this machine"):
        restore(path, Location.of("s3://bucket/pictures"))


def test_the_backup_of_an_older_library_is_restored(old: Location, tmp_path: Path) -> None:
    assert back_up(Library.open(old), tmp_path / "old.backup") == 5
    assert restore(tmp_path / "old.backup", Location.of("new")) == 5
    assert Library.open(Location.of("new")).lacking == []


def test_an_export_has_what_people_ask_for_and_the_vectors(library: Library, tmp_path: Path) -> None:
    assert export(library, tmp_path / "x.parquet") == 6
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.schema.names == [*COLUMNS, *library.description.encoders]
    vectors = np.stack(table[next(iter(library.description.encoders))].to_pylist())
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    export(library, tmp_path / "x.parquet", places=True)
    assert {"latitude", "longitude"} < set(pq.read_schema(tmp_path / "x.parquet").names)
    with pytest.raises(LibraryError, match="is no backup of a library"):
        restore(tmp_path / "x.parquet", Location.of("again"))
    assert library_names() == ("mine",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("format", "install a newer one"),
        ("column", "its column 'surprise' is none of a library"),
        ("vector", "cannot be restored: a vector is not finite"),
        ("half", "cannot be restored"),
        ("none", "cannot be restored"),
    ],
)
def test_what_is_no_whole_backup_makes_no_library(library: Library, tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "mine.backup"
    back_up(library, path)
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata)
    if change == "format":
        described = json.loads(metadata[b"phrasepix.library"]) | {"format": FORMAT + 1}
        metadata[b"phrasepix.library"] = json.dumps(described).encode()
        pq.write_table(table.replace_schema_metadata(metadata), path)
    elif change == "column":
        pq.write_table(table.append_column("surprise", pa.nulls(6, pa.int32())), path)
    elif change == "vector":
        number = table.schema.get_field_index(next(iter(library.description.encoders)))
        bad = pa.array([[float("nan")] * 9] * 6, table.schema.field(number).type)
        pq.write_table(table.set_column(number, table.schema.field(number), bad), path)
    elif change == "half":
        halve(path)
    else:
        path.unlink()
    with pytest.raises(LibraryError, match=message):
        restore(path, Location.of("again"))
    assert library_names() == ("mine",)
    assert [one.name for one in Path(Location.of("mine").base).parent.iterdir()] == ["mine"]


def test_a_place_that_cannot_be_written_is_named(library: Library, tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match="cannot write"):
        back_up(library, tmp_path / "nowhere" / "x.backup")
    (tmp_path / "taken").mkdir()
    with pytest.raises(NotWrittenError, match="cannot write"):
        export(library, tmp_path / "taken")
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".phrasepix")]


def test_commands_write_copies_and_answers_as_parquet(library: Library, tmp_path: Path) -> None:
    for words in (["backup", "mine.backup"], ["export", "mine.parquet"]):
        done = in_process.run("library", words[0], str(tmp_path / words[1]))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "6 pictures written" in done.stderr
    done = in_process.run("library", "restore", str(tmp_path / "mine.backup"), "--name", "again")
    assert "The library again: 6 pictures restored" in done.stderr
    sql = "SELECT path, width, tags, taken_on, vector FROM pictures ORDER BY path"
    done = in_process.run("library", "sql", sql, "--parquet", str(tmp_path / "rows.parquet"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    rows = pq.read_table(tmp_path / "rows.parquet")
    assert rows.schema.names == ["path", "width", "tags", "taken_on"]
    assert rows["width"].to_pylist() == [64] * 6
    done = in_process.run("library", "sql", "SELECT 1", "--parquet", "x", "--json")
    assert done.returncode == 2
