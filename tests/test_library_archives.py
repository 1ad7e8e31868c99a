"""Pictures in tar archives in a library: found, shown and saved from where they lie, and kept in step."""

import io
import json
import os
import tarfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from phrasepix import find_images
from phrasepix.errors import LibraryError
from phrasepix.library.archive import pictures_in
from phrasepix.library.archive_sync import ArchiveSync
from phrasepix.library.folder_sync import SyncCounts
from phrasepix.library.location import Location
from phrasepix.library.table import Library
from reranker import ClipReranker
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.offline import OfflineFetcher
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.folder.file_index import NOTES_FILE, FileIndex
from tests import in_process
from tests.library_parts import CountingEncoder, column_of
from tests.picture_tree import picture, settle


def shard(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            told = tarfile.TarInfo(name)
            told.size = len(data)
            archive.addfile(told, io.BytesIO(data))
    settle(path)
    return path


def sync(path: Path, encoder: ColourEncoder | None = None, told: list[str] | None = None) -> SyncCounts:
    encoder = encoder or ColourEncoder()
    library = Library.open_or_create(Location.of("mine"))
    library.change(folders=[str(path)])
    said: list[str] = [] if told is None else told
    with ExitStack() as opened:
        memory = opened.enter_context(Memory(cache_directory()))
        syncing = ArchiveSync(
            library,
            library.column_for(column_of(encoder)),
            lambda: (ClipReranker(encoder), memory),
            loader=opened.enter_context(PictureLoader(OfflineFetcher(), local_sources={"folder"})),
            notes=opened.enter_context(FileIndex(cache_directory() / NOTES_FILE)),
            on_skip=lambda place, reason: said.append(f"{place.name}: {reason}"),
        )
        return syncing.run(path)


@pytest.fixture
def members() -> dict[str, bytes]:
    return {
        "a/0001.jpg": picture(1, "JPEG"),
        "a/0001.json": json.dumps({"Caption": "A boat", "tags": ["boat"], "license": "CC BY 4.0"}).encode(),
        "a/0002.png": picture(2),
        "a/0002.txt": "Fog – at sea".encode(),
        "a/0003.webp": picture(3, "WEBP"),
        "a/0003.json": b"{broken",
        "a/0003.cls": b"7",
    }


def test_pictures_of_an_archive_are_found_with_what_describes_them(members: dict[str, bytes], tmp_path: Path) -> None:
    path = shard(tmp_path / "shard-000.tar", members)
    counts = sync(path)
    assert (counts.written, counts.encoded, counts.skipped) == (3, 3, 0)
    results = find_images("red", source="library:mine", model=ColourEncoder())
    assert sorted(one.candidate.title for one in results) == ["0003", "A boat", "Fog – at sea"]
    assert {one.picture.size for one in results} == {(64, 48)}  # decoded from where they lie
    filters = Filters(any_tags=("boat",), licence=("commercial",))
    assert find_images("red", source="library:mine", model=ColourEncoder(), filters=filters).pool_size == 1
    library = Library.open(Location.of("mine"))
    assert library.count(f"path = '{path}/a/0002.png'") == 1
    encoder = CountingEncoder()
    assert (sync(path, encoder).unchanged, encoder.encoded) == (3, 0)


def test_a_picture_of_an_archive_is_saved_alone(members: dict[str, bytes], tmp_path: Path) -> None:
    sync(shard(tmp_path / "shard.tar", members))
    results = find_images("red", tag="0002", source="library:mine", model=ColourEncoder())
    (saved,) = results.save(tmp_path / "project").pictures
    assert saved.path.name == "0002.png"
    assert saved.path.stat().st_size < 5000


def test_an_archive_that_changed_is_followed_and_nothing_encoded_twice(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    path = shard(tmp_path / "shard.tar", members)
    sync(path)
    members = {"new.jpg": picture(9, "JPEG")} | members
    del members["a/0002.png"]
    shard(path, members)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    encoder = CountingEncoder()
    counts = sync(path, encoder)
    assert (counts.written, counts.deleted, encoder.encoded) == (3, 3, 1)
    assert Library.open(Location.of("mine")).count() == 3


def test_what_is_wrong_with_an_archive_is_named(members: dict[str, bytes], tmp_path: Path) -> None:
    told: list[str] = []
    path = shard(tmp_path / "shard.tar", members | {"b/bad.jpg": b"no picture", "../../etc/up.jpg": picture(4, "JPEG")})
    counts = sync(path, told=told)
    assert (counts.written, counts.skipped) == (4, 1)
    assert told == ["shard.tar: b/bad.jpg: the file is not a picture"]
    path.rename(tmp_path / "elsewhere.tar")
    told.clear()
    assert sync(path, told=told).kept_without_files == 4
    assert "its 4 pictures stay in the library" in told[0]
    for data in (b"no archive at all" * 100, b""):
        path.write_bytes(data)
        with pytest.raises(LibraryError, match="cannot be read"):
            pictures_in(path)


def test_an_archive_that_breaks_off_is_named_and_read_when_it_is_whole(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    path = shard(tmp_path / "shard.tar", members)
    whole = pictures_in(path)
    path.write_bytes(path.read_bytes()[: whole[1].offset + 10])
    told: list[str] = []
    assert sync(path, told=told).written == 0
    assert "cannot be read" in told[0]
    shard(path, members)
    assert sync(path).written == 3


def test_the_command_takes_archives(members: dict[str, bytes], tmp_path: Path) -> None:
    path = shard(tmp_path / "shard.tar", members)
    done = in_process.run("library", "add", str(path), "--model", "sample", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["written"] == 3
    done = in_process.run("library", "remove", str(path))
    assert "3 pictures" in done.stderr
