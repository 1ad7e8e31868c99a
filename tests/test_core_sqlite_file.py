"""The SQLite file that all stores are made of: what it survives beyond what the tests of the stores say."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from phrasepix_core.sqlite_file import Schema, SqliteFile
from tests.conftest import ROOT

SCHEMA: Schema = (("CREATE TABLE things (name TEXT)",),)


def keep(file: SqliteFile, *names: str) -> int:
    return file.write(
        lambda db: db.executemany("INSERT INTO things VALUES (?)", [(name,) for name in names]).rowcount, 0
    )


def kept(file: SqliteFile) -> list[str]:
    nothing: list[tuple[str]] = []
    return [name for (name,) in file.read(lambda db: db.execute("SELECT name FROM things").fetchall(), nothing)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "things.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteFile]:
    opened = SqliteFile(path, holds="things", schema=SCHEMA)
    yield opened
    opened.close()


# Tidying.


def test_a_file_is_tidied_when_it_is_opened_whichever_way_it_is_used_first(path: Path, file: SqliteFile) -> None:
    for first in (kept, keep):
        keep(file, "old", "new")
        again = SqliteFile(
            path, holds="things", schema=SCHEMA, tidy=lambda db: db.execute("DELETE FROM things WHERE name = 'old'")
        )
        first(again)
        assert "old" not in kept(file)
        again.close()


def test_what_cannot_be_tidied_at_once_is_read_all_the_same(
    path: Path, file: SqliteFile, caplog: pytest.LogCaptureFixture
) -> None:
    keep(file, "old")
    again = SqliteFile(path, holds="things", schema=SCHEMA, tidy=lambda db: db.execute("DELETE FROM things"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert kept(again) == ["old"]
        other.execute("ROLLBACK")
    again.close()
    assert caplog.text == ""


def test_a_tidying_that_finds_no_table_is_damage(
    path: Path, file: SqliteFile, caplog: pytest.LogCaptureFixture
) -> None:
    keep(file, "lost")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE things")
    again = SqliteFile(path, holds="things", schema=SCHEMA, tidy=lambda db: db.execute("DELETE FROM things"))
    assert keep(again, "new") == 1
    assert kept(again) == ["new"]
    assert caplog.text.count("set aside as things.damaged") == 1
    again.close()


# Files that are not in WAL mode, as older versions wrote them.


def test_the_journal_of_a_damaged_file_is_not_played_into_the_new_one(path: Path, file: SqliteFile) -> None:
    path.write_bytes(b"damaged " * 500)
    journal = path.with_name(path.name + "-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    assert keep(file, "new") == 1
    assert path.with_suffix(".damaged").read_bytes() == b"damaged " * 500
    assert not journal.exists()


KILLED = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("CREATE TABLE things (name TEXT)")
db.execute("INSERT INTO things VALUES ('whole')")
db.execute("BEGIN")
db.execute("UPDATE things SET name = 'half'")
for _ in range(2000):
    db.execute("INSERT INTO things VALUES (?)", ("half" * 100,))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs what only POSIX systems have")
def test_what_a_killed_process_left_half_written_without_wal_is_undone(path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.with_name(path.name + "-journal").stat().st_size > 0
    file = SqliteFile(path, holds="things", schema=(("CREATE TABLE IF NOT EXISTS things (name TEXT)",),))
    assert kept(file) == ["whole"]
    assert file.read(lambda db: db.execute("PRAGMA journal_mode").fetchone()[0], "") == "wal"
    file.close()


# Forks.

FORKED = """
import os, sys
from pathlib import Path
from phrasepix_core.sqlite_file import SqliteFile
from tests.test_core_sqlite_file import SCHEMA, keep, kept

file = SqliteFile(Path(sys.argv[1]), holds="things", schema=SCHEMA)
keep(file, "before")
assert kept(file) == ["before"]
children = []
for child in ("first", "second"):
    if not (process := os.fork()):
        for number in range(100):
            assert keep(file, f"{child} {number}") == 1
            assert f"{child} {number}" in kept(file)
        os._exit(0)
    children.append(process)
for number in range(100):
    assert keep(file, f"parent {number}") == 1
    if number % 10 == 0:
        file.close()  # the last one that closes a file removes its journal: it must not take itself for the last one
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
assert len(kept(file)) == 301, len(kept(file))
assert file.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0], "") == "ok"
file.close()
"""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@forks
def test_a_file_in_use_when_the_process_forks_is_used_by_parent_and_children(path: Path) -> None:
    run(FORKED, str(path))


FORKED_AMID_WORK = """
import os, sys, threading
from pathlib import Path
from phrasepix_core.sqlite_file import SqliteFile
from tests.test_core_sqlite_file import SCHEMA, keep, kept

file = SqliteFile(Path(sys.argv[1]), holds="things", schema=SCHEMA)
keep(file, "before")
reads, may_end = threading.Event(), threading.Event()

def read_long(db):
    reads.set()
    may_end.wait(30)

thread = threading.Thread(target=file.read, args=(read_long, None))
thread.start()
reads.wait(30)
if not (child := os.fork()):
    os._exit(0 if (kept(file), keep(file, "of the child")) == ([], 0) else 1)
assert os.waitpid(child, 0)[1] == 0
may_end.set()
thread.join()
assert keep(file, "after") == 1
print(*kept(file))
file.close()
"""


@forks
def test_a_child_forked_amid_a_read_goes_on_without_the_file(path: Path) -> None:
    assert run(FORKED_AMID_WORK, str(path)) == "before after\n"


FORKED_BY_SEVERAL_THREADS = """
import os, sys, threading
from pathlib import Path
from phrasepix_core.sqlite_file import SqliteFile
from tests.test_core_sqlite_file import SCHEMA, keep

file = SqliteFile(Path(sys.argv[1]), holds="things", schema=SCHEMA)
failed = []

def fork():
    for _ in range(5):
        if not (child := os.fork()):
            os._exit(1 - keep(file, "of a child"))
        failed.extend([child] if os.waitpid(child, 0)[1] or keep(file, "of a thread") != 1 else [])

threads = [threading.Thread(target=fork) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed
print(file.read(lambda db: db.execute("SELECT COUNT(*) FROM things").fetchone()[0], 0))
file.close()
"""


@forks
def test_threads_that_fork_at_the_same_time_do_not_lock_each_other_out(path: Path) -> None:
    assert run(FORKED_BY_SEVERAL_THREADS, str(path)) == "40\n"


@forks
def test_other_threads_wait_until_a_fork_is_done_and_go_on(file: SqliteFile) -> None:
    file.pause_for_fork()
    thread = threading.Thread(target=keep, args=(file, "meanwhile"))
    thread.start()
    file.resume_after_fork()
    thread.join(30)
    assert kept(file) == ["meanwhile"]
