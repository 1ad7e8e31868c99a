"""The command in the hands of somebody in a hurry: what is empty, missing, too long, gone or in the way."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import test_command_line
from tests.in_process import run

pytestmark = pytest.mark.sample_remembered

JOB = ["a boat", "--tag", "boat", "--source", "sample", "--model", "sample", "--top", "1"]
TOO_LONG = "n" * 300
"""No file system takes such a name."""
UNFORESEEN = re.compile("unforeseen|mistake in its own code|Errno|Traceback")


# --- what is empty or missing


@pytest.mark.parametrize(
    "typed",
    [
        [*JOB, "--save", ""],
        [*JOB, "--save", " "],
        [*JOB, "--gallery", ""],
        [*JOB, "--project", "", "--unused"],
        ["serve", "--root", ""],
        ["mcp", "--root", ""],
        ["library", "add", ""],
        ["library", "remove", "a", ""],
        ["library", "build", "", "--to", "mine"],
        ["library", "backup", ""],
        ["library", "restore", ""],
        ["library", "map", ""],
        ["compare", "a.jpg", "--page", ""],
        ["adapt", "mine", "--from", ""],
        ["teach", "Paul", ""],
    ],
    ids=" ".join,
)
def test_an_empty_path_is_not_the_current_folder(
    typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = run(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the path is empty; give one" in done.stderr
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        (["compare"], "FILE_OR_URL"),
        (["adapt"], "NAME"),
        (["library", "sql"], "SELECT"),
        (["library", "add"], "FOLDER_OR_LIST…"),
        (["library", "remove"], "PATH…"),
        (["library", "map"], "FILE.html"),
        (["library", "build", "a.csv"], "--to URI"),
    ],
    ids=" ".join,
)
def test_a_missing_argument_is_named(typed: list[str], missing: str) -> None:
    done = run(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {missing} is missing; phrasepix {typed[0]}")


def test_the_name_of_a_group_alone_lists_its_commands() -> None:
    done = run("library")
    assert done.returncode == 2
    assert done.stdout == run("library", "--help").stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["serve", "--port", "x"], "--port: 'x' is no whole number"),
        (["serve", "--port", "70000"], "--port: 70000 is out of range; allowed: whole numbers from 0 to 65535"),
        (["library", "build", "a.csv", "--to", "b", "--piece", "0"], "--piece: 0 is out of range"),
        (["library", "watch", "--every", "often"], "--every: 'often' is no number"),
        (["library", "watch", "--every", "-1"], "--every: -1 is out of range; allowed: numbers from 0"),
        (["cache", "clear", "--older-than", "x"], "--older-than: 'x' is no number"),
        (["cache", "clear", "--older-than", "nan", "--yes"], "--older-than: nan is out of range"),
        ([*JOB, "--diverse", "much"], "--diverse: 'much' is no number"),
        ([*JOB, "--rank", "normalized"], "rank 'normalized' is not known (did you mean normalised?)"),
        ([*JOB, "--device", "cudaa"], "device 'cudaa' is not known (did you mean cuda?)"),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given[:4]),
)
def test_what_is_no_value_is_said_in_the_same_words_everywhere(typed: list[str], said: str) -> None:
    done = run(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


# --- what is too long, gone or in the way


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (["a boat", "--model", "sample", "--source", TOO_LONG], 2),
        ([*JOB, "--project", TOO_LONG, "--unused"], 0),
        ([*JOB, "--save", TOO_LONG], 3),
        ([*JOB, "--gallery", TOO_LONG], 3),
        ([*JOB, "--gallery", f"{TOO_LONG}/page.html"], 3),
        (["a boat", "--tag", "boat", "--source", "sample", "--model", f"local-dir:{TOO_LONG}"], 2),
        (["a boat", "--source", "sample", "--model", "clip-multilingual-v1", "--pretrained", TOO_LONG, "--offline"], 2),
        (["compare", "a.jpg", "--source", ".", "--page", TOO_LONG], 3),
    ],
    ids=lambda given: " ".join(given).replace(TOO_LONG, "…") if isinstance(given, list) else str(given),
)
def test_a_name_that_is_too_long_is_the_persons_and_not_an_error_of_the_program(
    typed: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*typed)
    assert done.returncode == code, done.stderr
    assert not UNFORESEEN.search(done.stderr)


def test_a_number_that_is_too_large_for_any_purpose_is_all_there_are() -> None:
    done = run(*JOB[:-1], "1" + "0" * 400)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 10


def test_a_place_that_cannot_be_saved_to_is_known_before_anybody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a file")
    for place, why in [
        ("notes.txt/book", "Not a directory"),
        (f"{TOO_LONG}/book", "File name too long"),
    ]:
        done = run(
            "a tiger", "--tag", "tiger", "--save", str(tmp_path / place),
            PIXABAY_API_KEY="a-key", PIXABAY_API_URL="http://127.0.0.1:9/api/",
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr == f"Error: cannot write to {tmp_path / place}: {why}\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_elses_is_known_before_anybody_is_asked(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = run(*JOB, "--save", str(tmp_path / "book"))
    tmp_path.chmod(0o700)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"the folder {tmp_path} cannot be written to" in done.stderr


@pytest.mark.usefixtures("usual_recursion")
def test_too_many_folders_one_below_the_other_are_an_error_of_the_system(tmp_path: Path) -> None:
    done = run(*JOB, "--save", str(Path(tmp_path, *"a" * 1900)))
    assert done.returncode == 3
    assert "it lies in too many folders" in done.stderr
    assert not UNFORESEEN.search(done.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="there it cannot be removed")
def test_whoever_is_in_a_folder_that_is_gone_is_told_so(tmp_path: Path) -> None:
    place = tmp_path / "gone"
    code = (
        f"import os, sys; os.chdir({str(place)!r}); os.rmdir({str(place)!r}); sys.argv[0] = 'phrasepix'\n"
        "from phrasepix.cli import main; main()"
    )
    for job in (["--like", "photo.jpg", "--source", "sample"], [*JOB, "--save", "book"]):
        place.mkdir()
        done = subprocess.run([sys.executable, "-c", code, *job], capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr == "Error: the folder that you are in is no longer there; change into another one (cd)\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name here")
def test_a_pipe_in_the_place_of_the_config_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    job = ["a boat", "--tag", "boat", "--source", "pixabay"]
    done = test_command_line.run(*job, PHRASEPIX_CONFIG_DIR=str(tmp_path), timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot read {tmp_path / 'config.toml'}: it is no regular file" in done.stderr


def test_a_config_file_of_any_size_is_not_read_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "config.toml").open("wb") as file:
        file.truncate(40 << 30)
    done = run("a boat", "--tag", "boat", "--source", "pixabay", PHRASEPIX_CONFIG_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "it is larger than 1 MiB" in done.stderr


# --- in a container


def test_the_health_check_of_the_container_pushes_nobodys_page_out(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    check = re.search(r"^HEALTHCHECK .*?CMD (\[.*\])$", text, re.MULTILINE)
    assert check
    program, *job = json.loads(check[1])
    assert program == "phrasepix"
    for _ in range(2):
        done = run(*job)
        assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    assert not (Path(os.environ["PHRASEPIX_CACHE_DIR"]) / "galleries").exists()


# --- Ctrl-C


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
@pytest.mark.parametrize("module", ["click", "phrasepix.request", "phrasepix.cli.main"])
def test_ctrl_c_while_the_command_is_being_imported_shows_no_traceback(module: str) -> None:
    code = f"""
import importlib.abc, signal, sys

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["phrasepix", "--version"]
from phrasepix.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
