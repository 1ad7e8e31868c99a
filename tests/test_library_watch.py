"""`phrasepix library watch`: a library that follows its folders, alone and beside others, until it is ended."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phrasepix import Finder
from phrasepix.errors import NoLibraryError, WrongValueError
from phrasepix.events import ignore
from phrasepix.library.folder_sync import SyncCounts
from phrasepix.library.keeper import LibraryKeeper
from phrasepix.library.location import Location
from phrasepix.library.table import Library
from phrasepix.library.watching import LibraryWatcher
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests import in_process
from tests.library_parts import paths_in
from tests.test_command_line import command

pytest.importorskip("watchfiles")

PICTURES = sorted(PICTURES_DIRECTORY.glob("*.jpg"))
_PATIENCE_S = 90


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something holds; fail after a patience that only a broken program takes."""
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    place.mkdir()
    shutil.copy(PICTURES[0], place)
    done = in_process.run("library", "add", str(place), "--model", "sample")
    assert done.returncode == 0, done.stderr
    return place


def names() -> list[str]:
    return [Path(path).name for path in paths_in(Path(Location.of("mine").base))]


@contextmanager
def watching() -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command("library", "watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_several_processes_follow_a_folder_until_they_are_interrupted(folder: Path) -> None:
    with watching() as one, watching() as other:
        for process in (one, other):
            assert process.stderr is not None
            assert "Watching the folders of the library mine" in process.stderr.readline()
        shutil.copy(PICTURES[1], folder)
        until(lambda: names() == [PICTURES[0].name, PICTURES[1].name])
        (folder / "below").mkdir()
        (folder / PICTURES[0].name).rename(folder / "below" / "moved.jpg")
        until(lambda: names() == [PICTURES[1].name, "moved.jpg"])
        (folder / PICTURES[1].name).unlink()
        until(lambda: names() == ["moved.jpg"])
        for process in (one, other):
            process.send_signal(signal.SIGINT)
        for process in (one, other):
            out, err = process.communicate(timeout=_PATIENCE_S)
            assert (process.returncode, out) == (130, ""), err
            assert "Traceback" not in err
    assert names() == ["moved.jpg"]


def test_folders_are_looked_through_where_nothing_tells_of_changes(folder: Path) -> None:
    stop = threading.Event()
    synced: list[SyncCounts] = []
    with Finder() as finder:
        keeper = LibraryKeeper(Location.of("mine"), finder)
        watcher = LibraryWatcher(
            Location.of("mine"), keeper, on_event=ignore, on_synced=synced.append, every_s=0.05, stop=stop
        )
        thread = threading.Thread(target=watcher.run)
        thread.start()
        try:
            shutil.copy(PICTURES[2], folder)
            until(lambda: bool(synced))
        finally:
            stop.set()
            thread.join(_PATIENCE_S)
    assert not thread.is_alive()
    assert sum(one.written for one in synced) == 1
    assert Library.open(Location.of("mine")).count() == 2


def test_what_cannot_be_watched_is_said_at_once(folder: Path) -> None:
    done = in_process.run("library", "watch", "--name", "nobody")
    assert (done.returncode, "there is no library nobody" in done.stderr) == (2, True)
    assert done.stderr.count("\n") == 1, "nothing is announced that will not be done"
    done = in_process.run("library", "watch", "--model", "nonesuch")
    assert (done.returncode, "nonesuch" in done.stderr, "Watching" in done.stderr) == (2, True, False), done.stderr
    done = in_process.run("library", "watch", "--every", "0")
    assert (done.returncode, "out of range" in done.stderr) == (2, True)
    with Finder() as finder:
        keeper = LibraryKeeper(Location.of("nobody"), finder)
        with pytest.raises(NoLibraryError):
            LibraryWatcher(Location.of("nobody"), keeper, on_event=ignore, on_synced=ignore).run()
        with pytest.raises(WrongValueError):
            LibraryWatcher(Location.of("mine"), keeper, on_event=ignore, on_synced=ignore, every_s=-1)
