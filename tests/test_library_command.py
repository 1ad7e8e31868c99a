"""The command `phrasepix library`, in processes that are killed and run at once, and asked with the sample's model."""

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import lance
import pytest

from phrasepix.errors import WrongParameterError
from phrasepix.finder import Finder
from phrasepix.library.keeper import LibraryKeeper
from phrasepix.library.location import Location, library_names
from phrasepix.library.table import Library
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests import in_process
from tests.library_parts import paths_in
from tests.picture_tree import picture, write
from tests.test_command_line import command, on_a_terminal, run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(80):
        write(tmp_path / "many" / f"{number:03}.png", picture(number))
    return tmp_path / "many"


def filling(base: Path, folder: Path, cache: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.library_process", str(base), str(folder), str(cache)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_committed_and_the_next_run_goes_on(many: Path, tmp_path: Path) -> None:
    base, cache = tmp_path / "library", tmp_path / "of-the-library"
    expected = [str(path) for path in sorted(many.iterdir())]
    for lines in (1, 3):
        process = filling(base, many, cache)
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(lines)][-1]
        process.kill()  # amid the next batch
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        there = paths_in(base)
        assert len(set(there)) == len(there) >= acknowledged
    last = filling(base, many, cache)
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert paths_in(base) == expected
    assert lance.dataset(Location("", str(base)).table).count_rows() == 80


@pytest.mark.slow
def test_kills_at_twenty_moments_lose_nothing_and_leave_nothing_twice(tmp_path: Path) -> None:
    folder, moments = tmp_path / "many", random.Random(17)
    for number in range(1500):
        write(folder / f"{number:04}.png", picture(number))
    expected = {str(path) for path in folder.iterdir()}
    base = Path(Location.of("mine").base)
    committed: set[str] = set()
    kills = whole = 0
    while kills < 20:
        process = subprocess.Popen(
            command("library", "add", str(folder), "--model", "sample"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=moments.uniform(0.5, 8.0))
            whole += 1
            for path in moments.sample(sorted(folder.iterdir()), 700):  # there is something to do again
                path.write_bytes(path.read_bytes() + bytes([whole]))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        if (base / "library.json").exists() and (base / "pictures.lance").exists():
            there = paths_in(base)
            assert len(set(there)) == len(there)
            assert committed <= set(there) <= expected
            committed = set(there)
    assert json.loads(said("library", "sync", "--json"))["skipped"] == 0
    library = Library.open(Location.of("mine"))
    assert set(paths_in(base)) == expected
    assert library.count() == len(expected)
    assert library.count(f"{next(iter(library.description.encoders))} IS NULL") == 0
    assert said("library", "doctor")
    assert Library.open(Location.of("mine")).count() == len(expected)


@pytest.mark.slow
def test_several_processes_at_once_write_each_file_once(many: Path, tmp_path: Path) -> None:
    base, cache = tmp_path / "library", tmp_path / "of-the-library"
    processes = [filling(base, many, cache) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=200)
    assert [process.returncode for process in processes] == [0, 0]
    assert paths_in(base) == [str(path) for path in sorted(many.iterdir())]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    place.mkdir()
    for path in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:12]:
        shutil.copy(path, place)
    return place


def said(*arguments: str) -> str:
    done = in_process.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_before_there_is_a_library_it_is_said_how_one_is_made() -> None:
    done = in_process.run("library", "status")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "There is no library yet: phrasepix library add FOLDER makes one.\n"
    assert json.loads(said("library", "status", "--json")) == []


def test_a_model_that_cannot_be_had_leaves_no_library_behind(pictures: Path) -> None:
    for model, code in (("smaple", 2), ("ViT-B-32", 3)):  # whose weights are nowhere
        done = in_process.run("library", "add", str(pictures), "--model", model, HF_HUB_OFFLINE="1")
        assert done.returncode == code, done.stderr
        assert library_names() == ()
    said("library", "add", str(pictures), "--model", "sample")
    other = pictures.parent / "other"
    other.mkdir()
    assert in_process.run("library", "add", str(other), "--model", "ViT-B-32", HF_HUB_OFFLINE="1").returncode == 3
    (state,) = json.loads(said("library", "status", "--json"))
    assert state["folders"] == [str(pictures)]


def test_an_empty_library_is_said_to_be_empty(tmp_path: Path) -> None:
    Library.open_or_create(Location.of("mine"))
    done = in_process.run("library", "sql", "SELECT 1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the library mine has no pictures yet: phrasepix library add FOLDER\n"


def test_an_empty_path_takes_nothing_out_of_a_library(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said("library", "add", str(pictures), "--model", "sample")
    monkeypatch.chdir(pictures)
    with Finder() as finder, pytest.raises(WrongParameterError, match="the path is empty"):
        LibraryKeeper(Location.of("mine"), finder).remove([""])
    with Finder() as finder, pytest.raises(WrongParameterError, match="the path is empty"):
        LibraryKeeper(Location.of("other"), finder).add([" "], "sample")
    assert Library.open(Location.of("mine")).count() == 12
    assert library_names() == ("mine",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name here")
def test_a_pipe_called_like_a_list_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "addresses.csv")
    done = run("library", "add", str(tmp_path / "addresses.csv"), "--model", "sample", timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"Error: {tmp_path / 'addresses.csv'} cannot be read: it is no regular file\n"


def test_where_a_library_cannot_be_written_is_said(tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "data").write_text("a file")
    done = in_process.run(
        "library", "add", str(pictures), "--model", "sample", PHRASEPIX_DATA_DIR=str(tmp_path / "data")
    )
    assert done.returncode == 3
    place = tmp_path / "data"
    assert done.stderr == (
        f"Error: the library mine cannot be written in {place / 'libraries' / 'mine'} (Not a directory); "
        f"let {place} be written to, or name another folder by PHRASEPIX_DATA_DIR\n"
    )


def processor_seconds(process: int) -> float:
    """How long a process has computed so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(sys.platform != "linux", reason="how long a process has computed is read from /proc")
@pytest.mark.parametrize("form", [[], ["--parquet", "rows.parquet"]], ids=["lines", "parquet"])
def test_ctrl_c_ends_a_question_that_would_take_for_ever(pictures: Path, tmp_path: Path, form: list[str]) -> None:
    said("library", "add", str(pictures), "--model", "sample")
    endless = "SELECT sum(a.range % 7) FROM range(100000000000) a, range(1000000000) b"
    process = subprocess.Popen(
        command("library", "sql", endless, *form),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        while processor_seconds(process.pid) < 3:  # all that comes before the answer takes less
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
    assert not (tmp_path / "rows.parquet").exists()


def test_a_library_is_made_searched_asked_and_taken_down(pictures: Path) -> None:
    counts = json.loads(said("library", "add", str(pictures), "--model", "sample", "--json"))
    assert (counts["written"], counts["encoded"]) == (12, 12)
    assert json.loads(said("library", "sync", "--json"))["unchanged"] == 12
    (state,) = json.loads(said("library", "status", "--json"))
    assert (state["name"], state["pictures"], state["models"], state["problem"]) == ("mine", 12, ["sample"], "")

    options = ["--model", "sample", "--json", "-n", "3"]
    found = json.loads(said("a red boat", "--source", "library:mine", *options))
    of_folder = json.loads(said("a red boat", "--source", str(pictures), *options))
    assert [one["score"] for one in found["matches"]] == [one["score"] for one in of_folder["matches"]]

    sql = "SELECT path, similarity('a red boat') AS score FROM pictures ORDER BY score DESC LIMIT 3"
    names, *rows = csv.reader(io.StringIO(said("library", "sql", sql, "--csv")))
    assert names == ["path", "score"]
    assert [float(score) for _, score in rows] == pytest.approx([one["score"] for one in found["matches"]], abs=1e-5)
    assert json.loads(said("library", "sql", "SELECT count(*) FROM pictures", "--json"))["rows"] == [[12]]
    assert said("library", "sql", "SELECT media, count(*) n FROM pictures GROUP BY 1") == "media\tn\nphoto\t12\n"

    assert said("library", "doctor") == "nothing was wrong\n"
    removed = in_process.run("library", "remove", str(pictures))
    assert "12 pictures" in removed.stderr
    assert Library.open(Location.of("mine")).count() == 0
    assert library_names() == ("mine",)


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, pictures: Path) -> None:
    missing = in_process.run("library", "add", str(tmp_path / "nowhere"), "--model", "sample")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "nowhere does not exist; compare how it is spelled" in missing.stderr
    for words in (["sync"], ["doctor"], ["sql", "SELECT 1"], ["remove", "x"]):
        done = in_process.run("library", *words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "there is no library mine" in done.stderr
    said("library", "add", str(pictures), "--model", "sample")
    (pictures / "below").mkdir()
    nested = in_process.run("library", "add", str(pictures / "below"))
    assert nested.returncode == 2
    assert "one below the other" in nested.stderr
    done = in_process.run("library", "sql", "DELETE FROM pictures")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing can be changed by SQL" in done.stderr


def test_help_waits_for_none_of_it() -> None:
    code = "import sys; from phrasepix.cli.main import run_command\ntry: run_command(['library', 'add', '--help'])\n"
    code += "except SystemExit: pass\nprint(sorted({'lance', 'pyarrow', 'duckdb', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_package_that_is_missing_is_named_with_how_to_install_it() -> None:
    code = "import sys; sys.modules['lance'] = None\nfrom phrasepix.cli.main import run_command\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "run_command(['library', 'sync'])"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "a library needs the package lance" in done.stderr
    assert "pylance" in done.stderr


@pytest.mark.slow
def test_a_real_process_fills_a_library(pictures: Path) -> None:
    done = subprocess.run(
        command("library", "add", str(pictures), "--model", "sample"), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "12 pictures written" in done.stderr


def test_on_a_terminal_libraries_are_shown_for_people(pictures: Path) -> None:
    assert in_process.run("library", "add", str(pictures), "--model", "sample").returncode == 0
    damaged = Path(Location.of("other").description)
    damaged.parent.mkdir(parents=True)
    damaged.write_text("no description")
    code, shown = on_a_terminal("library", "status", columns=160)
    assert code == 0, shown
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "\t" not in plain
    assert re.search(r"mine +\d+ pictures, [0-9.]+ kB", plain), plain
    assert "models: sample" in plain
    assert re.search(r"other +not usable: the description of the library other is damaged", plain), plain
