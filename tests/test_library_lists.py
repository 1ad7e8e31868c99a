"""Lists of pictures on the web in a library: read, fetched once from a real server, kept in step, and found."""

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phrasepix import find_images
from phrasepix.errors import LibraryError
from phrasepix.library.folder_sync import SyncCounts
from phrasepix.library.list_sync import ListSync
from phrasepix.library.location import Location
from phrasepix.library.picture_list import listed
from phrasepix.library.table import Library
from reranker import ClipReranker
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.hosts import HostConnections
from reranker.pictures.offline import OfflineFetcher
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.folder.file_index import NOTES_FILE, FileIndex
from tests import in_process
from tests.library_parts import CountingEncoder, column_of
from tests.library_parts import sync as sync_folder
from tests.picture_server import PictureServer, file, status
from tests.picture_tree import picture, write, xmp


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        for number in range(4):
            server.put(f"/{number}.jpg", file(picture(number, "JPEG")))
        yield server


def sync(
    path: Path,
    encoder: ColourEncoder | None = None,
    told: list[str] | None = None,
    reranker: ClipReranker | None = None,
) -> SyncCounts:
    """Bring the library `mine` in step with a list, whose pictures may be of this machine."""
    encoder = encoder or ColourEncoder()
    library = Library.open_or_create(Location.of("mine"))
    library.change(folders=[str(path)])
    said: list[str] = [] if told is None else told
    with ExitStack() as opened:
        memory = opened.enter_context(Memory(cache_directory()))
        syncing = ListSync(
            library,
            library.column_for(column_of(encoder)),
            lambda: (reranker or ClipReranker(encoder), memory),
            loader=opened.enter_context(PictureLoader(OfflineFetcher())),
            notes=opened.enter_context(FileIndex(cache_directory() / NOTES_FILE)),
            on_skip=lambda place, reason: said.append(f"{place.name}: {reason}"),
            fetcher=opened.enter_context(PictureFetcher(hosts=HostConnections(per_host=2), pause_s=0.01)),
            loopback=True,
        )
        return syncing.run(path)


def as_csv(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return write(path, out.getvalue().encode())


def rows_of(server: PictureServer, *numbers: int) -> list[dict[str, str]]:
    return [
        {"url": server.url(f"/{number}.jpg"), "title": f"Number {number}", "tags": "boat; harbour", "creator": "Ann",
         "date": f"202{number}-05-01", "licence_url": "https://creativecommons.org/licenses/by/4.0/"}
        for number in numbers
    ]  # fmt: skip


def test_a_list_is_fetched_once_and_found_with_what_it_says(server: PictureServer, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "list.csv", rows_of(server, 0, 1, 2))
    counts = sync(path)
    assert (counts.written, counts.encoded, counts.skipped) == (3, 3, 0)
    asked = server.asked_in_all
    encoder = CountingEncoder()
    assert (sync(path, encoder).unchanged, encoder.encoded, server.asked_in_all) == (3, 0, asked)
    found = Library.open(Location.of("mine")).dataset.to_table().sort_by("key").to_pylist()
    assert [row["path"] for row in found] == [server.url(f"/{number}.jpg") for number in range(3)]
    assert (found[1]["title"], found[1]["tags"], found[1]["taken_on"]) == (
        "Number 1",
        ["boat", "harbour"],
        date(2021, 5, 1),
    )
    assert (found[1]["commercial_use"], found[1]["width"], found[1]["size"] > 100) == (True, 64, True)
    filters = Filters(all_tags=("boat",), since=date(2021, 1, 1), licence=("commercial",))
    results = find_images("red", tag="harbour", source="library:mine", model=ColourEncoder(), filters=filters)
    assert results.pool_size == 2


def test_a_list_that_changed_is_followed(server: PictureServer, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "list.csv", rows_of(server, 0, 1, 2))
    reranker = ClipReranker(ColourEncoder())  # which remembers what it has encoded
    sync(path, reranker=reranker)
    changed = rows_of(server, 1, 2, 3)
    changed[0]["title"] = "Another"
    as_csv(path, changed)
    counts = sync(path, reranker=reranker)
    assert (counts.written, counts.deleted, counts.unchanged) == (2, 1, 1)
    titles = Library.open(Location.of("mine")).dataset.to_table(columns=["title"])["title"].to_pylist()
    assert sorted(titles) == ["Another", "Number 2", "Number 3"]


def test_what_cannot_be_had_is_named_and_tried_again(server: PictureServer, tmp_path: Path) -> None:
    server.put("/gone.jpg", status(404))
    server.put("/busy.jpg", status(503))
    server.put("/text.jpg", file(b"<html>no picture</html>"))
    names = ["0", "gone", "busy", "text", "1"]
    path = write(
        tmp_path / "list.txt", "\n".join(["# mine", *(server.url(f"/{one}.jpg") for one in names), "x"]).encode()
    )
    told: list[str] = []
    counts = sync(path, told=told)
    assert (counts.written, counts.skipped) == (2, 4)
    assert any("status 404" in one for one in told), told
    assert any("status 503" in one for one in told), told
    assert any("/text.jpg" in one for one in told)
    assert any("row 6 has no http or https address" in one for one in told)
    server.put("/busy.jpg", file(picture(50, "JPEG")))
    assert sync(path).written == 1


def test_a_list_that_is_not_there_is_no_deletion(server: PictureServer, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "list.csv", rows_of(server, 0, 1))
    sync(path)
    path.unlink()
    told: list[str] = []
    counts = sync(path, told=told)
    assert (counts.deleted, counts.kept_without_files) == (0, 2)
    assert len(told) == 1
    assert told[0].startswith("list.csv: the list ")
    assert told[0].endswith("its 2 pictures stay in the library")


def test_whoever_is_killed_goes_on_where_it_was(server: PictureServer, tmp_path: Path) -> None:
    sync(as_csv(tmp_path / "list.csv", rows_of(server, 0, 1)))  # what a first run had committed
    asked = server.asked_in_all
    assert sync(as_csv(tmp_path / "list.csv", rows_of(server, 0, 1, 2, 3))).written == 2
    assert server.asked_in_all == asked + 2


def test_a_picture_of_folder_and_list_is_one(server: PictureServer, tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "0.jpg", picture(0, "JPEG"))
    sync(as_csv(tmp_path / "list.csv", rows_of(server, 0, 1)))
    sync_folder(Path(Location.of("mine").base), tmp_path / "pictures", cache_directory())
    results = find_images("red", source="library:mine", model=ColourEncoder())
    assert results.pool_size == 2
    library = Library.open(Location.of("mine"))
    assert len(library.keys_below(tmp_path / "list.csv")) == 2
    assert len(library.keys_below(tmp_path / "pictures")) == 1


def test_lists_of_every_form_say_the_same(tmp_path: Path) -> None:
    rows = [{"URL": "https://example.com/a.jpg", "Author": "Ann", "Keywords": "boat,old", "Lat": "48.2", "lon": "16.4"}]
    paths = [
        as_csv(tmp_path / "a.csv", rows),
        as_csv(tmp_path / "b.csv", [rows[0] | {"Keywords": "boat|old"}], ";"),
        as_csv(tmp_path / "c.tsv", rows, "\t"),
        tmp_path / "d.parquet",
    ]
    pq.write_table(pa.Table.from_pylist([rows[0] | {"Keywords": ["boat", "old"], "Lat": 48.2, "lon": 16.4}]), paths[3])
    said = [listed(path, pytest.fail) for path in paths]
    for one in said[1:]:
        assert one == said[0]
    ((entry, facts),) = said[0].values()
    assert (entry.name, facts.creator, facts.keywords, facts.place) == ("a.jpg", "Ann", ("boat", "old"), (48.2, 16.4))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"name,size\nx,1\n", "none of its columns is called url"),
        ("a.csv", b"", "none of its columns is called url"),
        ("a.csv", b"url\n" + b"x" * (2 << 20), "field larger than"),
        ("a.parquet", b"PAR1 and no more", "cannot be read"),
        ("a.parquet", b"", "cannot be read"),
    ],
)
def test_what_is_no_list_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(LibraryError, match=message):
        listed(write(tmp_path / name, data), pytest.fail)


def test_hostile_rows_are_named_and_the_others_used(tmp_path: Path) -> None:
    rows = [b"url,title", b"https://example.com/a.jpg,\xff\xfe\x00caf\xe9", b"file:///etc/passwd,x", b"javascript:1,x",
            b"https://[::1,x", b",x", b"https://user:secret@/x,y", b"https://example.com/b.jpg"]  # fmt: skip
    told: list[str] = []
    found = listed(write(tmp_path / "a.csv", b"\n".join(rows)), told.append)
    assert list(found) == ["https://example.com/a.jpg", "https://example.com/b.jpg"]
    assert len(told) == 5
    assert "secret" not in "".join(told)


def test_the_command_takes_a_list_and_fetches_nothing_from_this_machine(server: PictureServer, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "list.csv", rows_of(server, 0))
    done = in_process.run("library", "add", str(path), "--model", "sample")
    assert done.returncode == 0, done.stderr
    assert "1 skipped" in done.stderr
    assert server.asked_in_all == 0
    done = in_process.run("library", "add", str(write(tmp_path / "a.doc", b"x")))
    assert "neither a folder, a .tar nor a list" in done.stderr
    done = in_process.run("library", "remove", str(path))
    assert done.returncode == 0, done.stderr


def test_what_the_file_says_completes_what_the_list_says(server: PictureServer, tmp_path: Path) -> None:
    inner = xmp('xmp:Rating="4"><dc:title>within</dc:title>')
    server.put("/said.jpg", file(picture(9, "JPEG", xmp=inner)))
    sync(as_csv(tmp_path / "list.csv", [{"url": server.url("/said.jpg"), "title": "listed"}]))
    (row,) = Library.open(Location.of("mine")).dataset.to_table().to_pylist()
    assert (row["title"], row["rating"]) == ("listed", 4)
