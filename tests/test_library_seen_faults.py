"""What goes wrong when candidates are remembered: no answer of a search is harmed, and it is said once."""

import json
import logging
import multiprocessing
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import lance
import pytest

from phrasepix import Finder, SearchRequest
from phrasepix.errors import LibraryError, NoLibraryError, WrongParameterError
from phrasepix.events import Notice
from phrasepix.library.guards import writing
from phrasepix.library.location import Location
from phrasepix.library.retriever import LibraryRetriever
from phrasepix.library.seen import remember
from phrasepix.library.seen_writer import SeenWriter
from phrasepix.library.source import LibrarySource
from phrasepix.library.table import Library
from reranker.testing import ColourEncoder
from tests.seen_parts import NOW, offered, rows_in, searched, seen
from tests.small_disk import small_disk
from tests.source_servers.base import SourceServer


def harmed_by(openverse: SourceServer) -> str:
    results, told = searched("openverse")
    assert len(results) == 3
    assert len(told) == 1
    assert told[0].startswith("what was seen is not remembered: ")
    return told[0]


def test_a_table_of_another_kind_is_left_as_it_is(openverse: SourceServer) -> None:
    import pyarrow as pa

    searched("openverse")
    location = Location.of("seen")
    shutil.rmtree(location.table)
    lance.write_dataset(pa.table({"key": [1]}), location.table)
    assert "is none of a library" in harmed_by(openverse)
    assert lance.dataset(location.table).count_rows() == 1


def test_a_library_of_a_newer_phrasepix_is_left_as_it_is(openverse: SourceServer) -> None:
    searched("openverse")
    place = Path(Location.of("seen").description)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"format": 99}))
    assert "install a newer one" in harmed_by(openverse)


def test_a_directory_that_is_a_file(openverse: SourceServer, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    assert "cannot be written" in harmed_by(openverse)


def test_a_disk_with_too_little_room_is_noticed(openverse: SourceServer, tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 30_000):
        assert "MB left, too little to go on" in harmed_by(openverse)


def test_a_library_that_another_process_writes_is_not_waited_for_long() -> None:
    location = Location.of("seen")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(location):
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(30)
        with pytest.raises(LibraryError, match="another process has been writing"):
            remember([seen(offered(1))], patience_s=0.1)
    finally:
        done.set()
        holder.join()
    assert remember([seen(offered(1))], patience_s=0.1).rows == 1


def test_a_listener_that_fails_later_ends_nothing(
    openverse: SourceServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("no directory")

    def refuse(event: object) -> None:
        if isinstance(event, Notice):
            raise RuntimeError("nobody listens")

    with caplog.at_level(logging.WARNING), Finder() as finder:
        request = SearchRequest("blue", tag="boat", source="openverse", model=ColourEncoder(), remember_in="seen")
        assert len(finder.search(request, on_event=refuse)) == 3
    assert "what was seen is not remembered" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"candidate": "{"},
        {"candidate": '{"source": "stock"}'},
        {"candidate": '{"source":"folder","id":"1","page_url":"","renditions":[["file:///etc/passwd",1,1,true]]}'},
        {"source": "folder"},
        {"renditions": [["file:///etc/passwd", 1, 1, True]]},
        {"page_url": "javascript:alert(1)"},
        {"title": "\u001b[2J"},
        {"tags": "boat"},
        {"width": "1"},
        {"taken_on": "yesterday"},
    ],
)
def test_a_row_that_somebody_changed_is_left_out_and_named(change: dict[str, Any]) -> None:
    remember([seen(offered(1), offered(2))])
    library = Library.open(Location.of("seen"))
    row = next(row for row in rows_in() if row["key"].endswith("/1"))
    text = change.get("candidate") or json.dumps(json.loads(row["candidate"]) | change)
    library.dataset.update({"candidate": "'" + text.replace("'", "''") + "'"}, where=f"key = '{row['key']}'")
    skipped: list[str] = []
    library.refresh()
    retriever = LibraryRetriever(
        library,
        profile=LibrarySource("seen").profile,
        now=lambda: NOW,
        on_skip=lambda hit: skipped.append(f"{hit.id}: {hit.reason}"),
    )
    assert [one.id for one in retriever.retrieve()] == ["2"]
    assert skipped == ["seen:stock/1: its row is damaged; the next search that meets it mends it"]


@pytest.mark.parametrize("name", ["", "s3://bucket/seen", "../seen", "a b", 3])
def test_the_name_is_one_of_a_library_here(name: Any) -> None:
    with pytest.raises(WrongParameterError, match="is no name of a library"):
        SearchRequest("blue", remember_in=name)


def test_many_searches_are_many_small_commits_that_are_tidied() -> None:
    for number in range(1, 41):
        remember([seen(offered(number))])
    library = Library.open(Location.of("seen"))
    assert library.count() == 40
    assert len(library.dataset.get_fragments()) < 40


def test_writers_at_once_lose_nothing() -> None:
    def write_some(first: int) -> None:
        for number in range(first, first + 6):
            remember([seen(offered(number), offered(1))])

    threads = [threading.Thread(target=write_some, args=(start,)) for start in (2, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows_in()) == 19


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="Windows does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python's own, of threads and forks
def test_a_forked_child_does_not_write_what_its_parent_will() -> None:
    told: list[object] = []
    writer = SeenWriter(gather_s=30)
    writer.add(seen(offered(1)), told.append)
    child = os.fork()
    if not child:
        writer.close()  # would wait for a thread that is not there
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(NoLibraryError):
        Library.open(Location.of("seen"))
    writer.close()
    assert (len(rows_in()), told) == (1, [])
