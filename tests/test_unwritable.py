"""Folders that cannot be written: said in one line, whatever was to be kept there, and the work goes on."""

import errno
import logging
import os
import sqlite3
from pathlib import Path

import pytest

from phrasepix_core.files import reason_near
from phrasepix_core.sqlite_file import SqliteFile
from phrasepix_core.unwritable import say_unwritable, why_unwritable
from tests import in_process
from tests.drawn_folder import draw_scenes
from tests.small_disk import make_read_only, small_disk
from tests.test_command_line import run

NOTES = [["CREATE TABLE notes (note TEXT)"]]


def note(db: sqlite3.Connection) -> bool:
    db.execute("INSERT INTO notes VALUES ('kept')")
    return True


def notes_in(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT COUNT(*) FROM notes").fetchone()[0])


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_all_files_of_a_folder_that_cannot_be_made_are_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file")
    for name in ("one", "two", "three"):
        file = SqliteFile(tmp_path / "kept" / name, holds="notes", schema=NOTES)
        assert not file.write(note, False)
        assert file.read(notes_in, 0) == 0
        file.close()
    (said,) = warnings_of(caplog)
    assert said.startswith(f"nothing new can be kept in {tmp_path / 'kept'} (")
    assert "Let it be written to, or name another folder by PHRASEPIX_CACHE_DIR" in said


def test_what_a_read_only_disk_holds_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        for name in ("one", "two"):
            file = SqliteFile(disk / name, holds="notes", schema=NOTES)
            assert file.write(note, False)
            file.close()
        make_read_only(disk)
        for name in ("one", "two", "new"):
            file = SqliteFile(disk / name, holds="notes", schema=NOTES)
            assert not file.write(note, False)
            assert file.read(notes_in, 0) == (0 if name == "new" else 1)
            file.close()
    (said,) = warnings_of(caplog)
    assert f"in {disk} ({os.strerror(errno.EROFS)})" in said


def test_a_file_that_is_locked_is_named_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    holder = SqliteFile(tmp_path / "one", holds="notes", schema=NOTES)
    waiting = SqliteFile(tmp_path / "one", holds="notes", schema=NOTES, busy_timeout_s=0.01)

    def note_meanwhile(db: sqlite3.Connection) -> bool:
        note(db)
        return waiting.write(note, False)

    assert not holder.write(note_meanwhile, True)
    (said,) = warnings_of(caplog)
    assert "notes cannot be kept in" in said
    holder.close()
    waiting.close()


def test_a_folder_is_said_once_and_another_one_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in ("a", "a", "b"):
        say_unwritable(tmp_path / folder, os.strerror(errno.ENOSPC), variable="PHRASEPIX_DATA_DIR")
    assert len(warnings_of(caplog)) == 2
    assert "Make room there, or name another folder by PHRASEPIX_DATA_DIR" in caplog.text


def test_a_folder_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    assert why_unwritable(tmp_path / "new" / "below") == ""
    assert list((tmp_path / "new" / "below").iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_what_has_no_room_by_nature_is_not_full() -> None:
    assert reason_near(Path("/proc/phrasepix"), OSError(errno.ENOENT, "nothing")) == "nothing"


def test_a_search_says_in_one_line_that_its_cache_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    draw_scenes(tmp_path / "pictures")
    cache = tmp_path / "kept"
    cache.write_text("a file")
    question = str(tmp_path / "pictures" / "scene-0.png")
    done = run(
        "--like", question, "--source", str(tmp_path / "pictures"), "--by", "colour", PHRASEPIX_CACHE_DIR=str(cache)
    )
    assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr
    assert done.stderr.count("PHRASEPIX_CACHE_DIR") == 1
    assert [line for line in done.stderr.splitlines() if str(cache) in line] == [
        f"nothing new can be kept in {cache} (Not a directory); going on without, which takes longer. Let it be "
        "written to, or name another folder by PHRASEPIX_CACHE_DIR"
    ]


@pytest.mark.slow
def test_a_model_that_cannot_be_made_ready_is_part_of_that_line(tmp_path: Path) -> None:
    pytest.importorskip("open_clip", reason="without PyTorch nothing can be searched so")
    cache = tmp_path / "kept"
    cache.write_text("a file")
    done = run("two red boats", "--tag", "boat", "--source", "sample", "-n", "1", PHRASEPIX_CACHE_DIR=str(cache))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_names_and_libraries_say_where_their_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    draw_scenes(tmp_path / "pictures")
    (tmp_path / "data").write_text("a file")
    data = {"PHRASEPIX_DATA_DIR": str(tmp_path / "data")}
    pictures = [str(path) for path in sorted((tmp_path / "pictures").iterdir())]
    for job in (["teach", "Paul", *pictures[:2]], ["library", "add", str(tmp_path / "pictures")]):
        done = in_process.run(*job, "--model", "sample", **data)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
        assert f"let {tmp_path / 'data'} be written to, or name another folder by PHRASEPIX_DATA_DIR" in done.stderr
