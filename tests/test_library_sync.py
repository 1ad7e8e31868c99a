"""A library kept in step with a folder: new, changed, moved, gone and restored files; unmounted drives; damage."""

import json
import os
import shutil
from pathlib import Path

import lance
import numpy as np
import pytest

from phrasepix.errors import LibraryError, NoLibraryError
from phrasepix.library.description import FORMAT
from phrasepix.library.folder_sync import FolderSync
from phrasepix.library.location import Location
from phrasepix.library.maintenance import health_of, tidy
from phrasepix.library.schema import Row, batch_of, key_of
from phrasepix.library.table import Library, vectors_in
from reranker import ClipReranker
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.offline import OfflineFetcher
from reranker.testing import ColourEncoder
from retriever.folder.contents import read_contents
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.folder.walk import FileEntry
from tests.library_parts import CountingEncoder, column_of, paths_in, sync
from tests.picture_tree import picture, settle, write, xmp
from tests.small_disk import small_disk

FILES_IN_ONE_FOLDER = 100_000


class OtherEncoder(ColourEncoder):
    """The same under another name: another column."""

    name = "colours-again"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        write(tmp_path / "pictures" / f"{number}.png", picture(number))
    return tmp_path / "pictures"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "of-the-library"


def shown(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


def test_each_file_is_a_row_with_its_vector(base: Path, folder: Path, cache: Path) -> None:
    counts = sync(base, folder, cache)
    assert (counts.written, counts.encoded, counts.skipped) == (6, 6, 0)
    table = Library.open(Location("mine", str(base))).dataset.to_table()
    assert table["width"].to_pylist() == [64] * 6
    column = next(name for name in table.schema.names if name.startswith("vector_"))
    rows = [vector for vector in vectors_in(table[column]) if vector is not None]
    assert np.allclose(np.linalg.norm(np.stack(rows), axis=1), 1, atol=1e-5)


def test_what_is_unchanged_is_neither_opened_nor_encoded(base: Path, folder: Path, cache: Path) -> None:
    sync(base, folder, cache)
    for path in folder.iterdir():  # of the same size and time: whoever opened them would see other contents
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    encoder = CountingEncoder()
    counts = sync(base, folder, cache, encoder)
    assert (counts.written, counts.unchanged, counts.deleted, encoder.encoded) == (0, 6, 0, 0)


def test_a_moved_file_keeps_its_vector_though_nothing_else_remembers_it(base: Path, folder: Path, cache: Path) -> None:
    sync(base, folder, cache)
    (folder / "below").mkdir()
    (folder / "3.png").rename(folder / "below" / "renamed.png")
    shutil.rmtree(cache)
    encoder = CountingEncoder()
    counts = sync(base, folder, cache, encoder)
    assert (counts.written, counts.deleted, encoder.encoded) == (1, 1, 0)
    assert paths_in(base) == sorted(
        [*shown(folder, *(f"{n}.png" for n in (0, 1, 2, 4, 5))), f"{folder}/below/renamed.png"]
    )


def test_an_edited_file_is_encoded_again_and_a_deleted_one_goes_and_comes_back(
    base: Path, folder: Path, cache: Path
) -> None:
    sync(base, folder, cache)
    write(folder / "0.png", picture(77, size=(80, 40)), age_s=60)
    deleted = (folder / "1.png").read_bytes()
    (folder / "1.png").unlink()
    encoder = CountingEncoder()
    counts = sync(base, folder, cache, encoder)
    assert (counts.written, counts.deleted, encoder.encoded) == (1, 1, 1)
    library = Library.open(Location("mine", str(base)))
    assert library.count("width = 80") == 1
    write(folder / "1.png", deleted)
    assert sync(base, folder, cache, encoder).written == 1
    assert encoder.encoded == 1  # the memory of searches still has it
    assert len(paths_in(base)) == 6


@pytest.mark.parametrize("how", ["empty", "missing"])
def test_an_unmounted_drive_is_no_deletion(base: Path, folder: Path, cache: Path, how: str) -> None:
    sync(base, folder, cache)
    folder.rename(folder.with_name("elsewhere"))
    if how == "empty":
        folder.mkdir()
    counts = sync(base, folder, cache)
    assert (counts.deleted, counts.kept_without_files) == (0, 6)
    assert len(paths_in(base)) == 6


def test_an_unmounted_drive_below_a_folder_is_no_deletion(base: Path, folder: Path, cache: Path) -> None:
    write(folder / "drive" / "2020" / "a.png", picture(50))
    write(folder / "drive" / "b.png", picture(51))
    write(folder / "album" / "c.png", picture(52))
    sync(base, folder, cache)
    shutil.move(folder / "drive", folder.parent / "elsewhere")
    (folder / "drive").mkdir()
    shutil.rmtree(folder / "album")
    skipped: list[str] = []
    counts = sync(base, folder, cache, skipped=skipped)
    assert (counts.deleted, counts.kept_without_files, counts.skipped) == (1, 2, 0)
    assert [one.split(",")[0] for one in skipped] == ["drive: no picture is there now"]
    assert set(shown(folder, "drive/2020/a.png", "drive/b.png")) < set(paths_in(base))
    (folder / "drive").rmdir()
    (folder.parent / "elsewhere").rename(folder / "drive")
    assert sync(base, folder, cache).unchanged == 8


def test_a_folder_that_was_emptied_by_moving_its_pictures_keeps_none(base: Path, folder: Path, cache: Path) -> None:
    write(folder / "old" / "a.png", picture(50))
    sync(base, folder, cache)
    (folder / "new").mkdir()
    (folder / "old" / "a.png").rename(folder / "new" / "a.png")
    counts = sync(base, folder, cache)
    assert (counts.written, counts.deleted, counts.kept_without_files) == (1, 1, 0)
    assert paths_in(base) == sorted(shown(folder, "new/a.png", *(f"{n}.png" for n in range(6))))


def test_no_model_is_loaded_where_there_is_nothing_to_encode(base: Path, folder: Path, cache: Path) -> None:
    sync(base, folder, cache)
    write(folder / "damaged.png", b"no picture")
    write(folder / "copy.png", (folder / "0.png").read_bytes())
    library = Library.open(Location("mine", str(base)))

    def load() -> tuple[ClipReranker, Memory]:
        raise AssertionError("a model is loaded")

    with PictureLoader(OfflineFetcher()) as loader, FileIndex(cache / NOTES_FILE) as notes:
        column = next(iter(library.description.encoders))
        syncing = FolderSync(library, column, load, loader=loader, notes=notes, on_skip=lambda path, reason: None)
        counts = syncing.run(folder)
    assert (counts.written, counts.encoded, counts.skipped) == (1, 0, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_no_deletion(base: Path, folder: Path, cache: Path) -> None:
    write(folder / "locked" / "a.png", picture(50))
    sync(base, folder, cache)
    (folder / "locked").chmod(0)
    try:
        assert sync(base, folder, cache).deleted == 0
    finally:
        (folder / "locked").chmod(0o700)


def test_a_damaged_file_is_named_and_the_row_of_what_it_was_goes(base: Path, folder: Path, cache: Path) -> None:
    sync(base, folder, cache)
    write(folder / "2.png", b"no picture", age_s=60)
    skipped: list[str] = []
    counts = sync(base, folder, cache, skipped=skipped)
    assert (counts.deleted, counts.skipped) == (1, 1)
    assert skipped == ["2.png: the file is not a picture"]


def test_two_files_of_one_content_are_two_rows_and_one_picture_to_encode(base: Path, folder: Path, cache: Path) -> None:
    write(folder / "copy.png", (folder / "0.png").read_bytes())
    encoder = CountingEncoder()
    counts = sync(base, folder, cache, encoder)
    assert (counts.written, encoder.encoded) == (7, 6)
    library = Library.open(Location("mine", str(base)))
    assert library.count(f"{library.description.column_of(encoder.name)} IS NULL") == 0


@pytest.mark.slow
def test_another_model_adds_a_column_and_leaves_the_first_one_alone(base: Path, folder: Path, cache: Path) -> None:
    sync(base, folder, cache)
    sync(base, folder, cache, OtherEncoder())
    library = Library.open(Location("mine", str(base)))
    assert len(library.description.encoders) == 2
    assert [library.count(f"{column} IS NULL") for column in library.description.encoders] == [0, 0]
    write(folder / "0.png", picture(99), age_s=60)
    sync(base, folder, cache)
    library.refresh()
    by_model = {encoder.model: column for column, encoder in library.description.encoders.items()}
    assert library.count(f"{by_model[OtherEncoder.name]} IS NULL") == 1  # what it was is no longer there
    assert sync(base, folder, cache, OtherEncoder()).encoded == 1


def test_two_models_at_once_lose_no_vectors_to_each_other(base: Path, folder: Path) -> None:
    first, second = (Library.open_or_create(Location("mine", str(base))) for _ in range(2))
    columns = [first.column_for(column_of(ColourEncoder())), second.column_for(column_of(OtherEncoder()))]
    entry = FileEntry.at(folder / "0.png")
    contents = read_contents(entry)
    assert contents.facts is not None
    vector = np.eye(ColourEncoder().dimensions, dtype=np.float32)[0]
    for library, column in zip((first, second), columns, strict=True):  # the second has not seen the first's commit
        library.upsert([Row(entry, folder, contents, contents.facts, {column: vector})])
    second.refresh()
    assert [second.count(f"{column} IS NULL") for column in columns] == [0, 0]


def test_names_of_any_bytes_are_kept(base: Path, folder: Path, cache: Path) -> None:
    name = os.fsdecode(b"caf\xe9 it's 100%.png")
    try:
        write(folder / name, picture(70))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    sync(base, folder, cache)
    assert sync(base, folder, cache).unchanged == 7
    (folder / name).unlink()
    assert sync(base, folder, cache).deleted == 1


@pytest.mark.parametrize("year", [1900, 2038, 2200, 2400])
def test_a_clock_that_jumped_harms_nothing(base: Path, folder: Path, cache: Path, year: int) -> None:
    seconds = round((year - 1970) * 365.25 * 86400)
    try:
        os.utime(folder / "0.png", (seconds, seconds))
        write(folder / "1.xmp", xmp('xmp:Rating="4">'))
        os.utime(folder / "1.xmp", (seconds, seconds))
    except OverflowError:
        pytest.skip("this file system keeps no such time")
    sync(base, folder, cache)
    assert sync(base, folder, cache).unchanged == 6
    os.utime(folder / "0.png")
    assert sync(base, folder, cache).written == 1


def test_a_disk_with_too_little_room_is_noticed_before_it_is_full(tmp_path: Path, folder: Path, cache: Path) -> None:
    with small_disk(tmp_path / "disk", 64_000) as disk:
        Library.open_or_create(Location("mine", str(disk / "library")))
        (disk / "filler").write_bytes(bytes(36 << 20))
        with pytest.raises(LibraryError, match=r"has \d+ MB left, too little to go on"):
            sync(disk / "library", folder, cache)
        assert Library.open(Location("mine", str(disk / "library"))).count() == 0
        (disk / "filler").unlink()
        encoder = CountingEncoder()
        assert (sync(disk / "library", folder, cache, encoder).written, encoder.encoded) == (6, 0)


def test_a_vector_that_is_not_finite_is_never_written(base: Path, folder: Path) -> None:
    library = Library.open_or_create(Location("mine", str(base)))
    column = library.column_for(column_of(ColourEncoder()))
    entry = FileEntry.at(folder / "0.png")
    contents = read_contents(entry)
    assert contents.facts is not None
    vector = np.full(ColourEncoder().dimensions, np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match="not finite"):
        library.upsert([Row(entry, folder, contents, contents.facts, {column: vector})])
    assert library.count() == 0


def test_a_key_that_stands_twice_in_a_batch_is_written_once(base: Path, folder: Path) -> None:
    library = Library.open_or_create(Location("mine", str(base)))
    entry = FileEntry.at(folder / "0.png")
    contents = read_contents(entry)
    assert contents.facts is not None
    row = Row(entry, folder, contents, contents.facts)
    assert batch_of([row, row], library.description).num_rows == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": FORMAT + 1}, "install a newer one"),
        ({"written_by": "99.0.0"}, "was written by pylance 99.0.0"),
        ({"encoders": 3}, "is damaged"),
        ({"encoders": {'vector_a" FROM x; --': {"tower": "a", "dimensions": 4, "model": "a"}}}, "is damaged"),
        ({"encoders": {"vector_a": {"tower": "a", "dimensions": "4]; --", "model": "a"}}}, "is damaged"),
    ],
)
def test_a_reader_that_is_too_old_refuses(base: Path, change: dict[str, object], message: str) -> None:
    library = Library.open_or_create(Location("mine", str(base)))
    place = Path(library.location.description)
    place.write_text(json.dumps(json.loads(place.read_text()) | change))
    with pytest.raises(LibraryError, match=message):
        Library.open(library.location)


def test_what_is_missing_or_half_there_is_named(base: Path, folder: Path, cache: Path) -> None:
    with pytest.raises(NoLibraryError, match="there is no library mine"):
        Library.open(Location("mine", str(base)))
    sync(base, folder, cache)
    shutil.rmtree(base / "pictures.lance")
    with pytest.raises(LibraryError, match="table of the library mine is missing"):
        Library.open(Location("mine", str(base)))
    assert sync(base, folder, cache).written == 6  # and `add` makes it again


def test_a_library_at_a_uri_is_the_same(base: Path, folder: Path, cache: Path) -> None:
    location = Location.of(base.as_uri())
    assert location.lock is None
    library = Library.open_or_create(location)
    library.change(folders=[str(folder)])
    assert Library.open(location).description.folders == (str(folder),)
    assert sync(base, folder, cache).written == 6
    library.refresh()
    assert library.count() == 6


def test_an_address_of_no_store_is_named_without_its_secrets(folder: Path) -> None:
    location = Location.of("nowhere://user:secret@bucket/pictures")
    for opening in (Library.open, Library.open_or_create):
        with pytest.raises(NoLibraryError, match="is no address that a library can have") as raised:
            opening(location)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 80])
def test_a_name_that_leads_elsewhere_is_none(name: str) -> None:
    with pytest.raises(NoLibraryError, match="no name of a library"):
        Location.of(name)


def test_the_doctor_removes_what_stands_twice_and_joins_fragments(base: Path, folder: Path, cache: Path) -> None:
    sync(base, folder, cache)
    library = Library.open(Location("mine", str(base)))
    lance.write_dataset(library.dataset.to_table(), library.location.table, mode="append")  # whoever knows no keys
    library.refresh()
    assert health_of(library, thoroughly=True).duplicates == 6
    assert any("6 rows that stood twice" in line for line in tidy(library, completely=True))
    assert paths_in(base) == sorted(shown(folder, *(f"{n}.png" for n in range(6))))
    assert health_of(library).fragments == 1
    assert tidy(library, completely=True) == []


def test_files_below_a_folder_are_told_from_those_beside_it(base: Path, tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "pictures"
    for name in ("a/1.png", "ab/2.png", "a.png"):
        write(folder / name, picture(len(name)))
        settle(folder / name)
    sync(base, folder, cache)
    library = Library.open(Location("mine", str(base)))
    assert library.keys_below(folder / "a") == [key_of(folder / "a" / "1.png")]
    assert library.keys_below(folder / "a.png") == [key_of(folder / "a.png")]


@pytest.mark.slow
def test_a_hundred_thousand_files_in_one_folder_are_kept_in_step(base: Path, tmp_path: Path, cache: Path) -> None:
    folder, count = tmp_path / "many", FILES_IN_ONE_FOLDER
    same = picture(1)
    for number in range(count):
        write(folder / f"{number:06}.png", same)
    write(folder / "other.png", picture(2))
    encoder = CountingEncoder()
    counts = sync(base, folder, cache, encoder)
    assert (counts.written, counts.skipped, encoder.encoded) == (count + 1, 0, 2)
    (folder / "000007.png").unlink()
    counts = sync(base, folder, cache, encoder)
    assert (counts.unchanged, counts.deleted, counts.written) == (count, 1, 0)
    assert Library.open(Location("mine", str(base))).count() == count
