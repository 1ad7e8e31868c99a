"""What the command writes and where: stdout on a full disk, what `--gallery` names, galleries of its own naming."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from phrasepix.cache_inventory import clear
from phrasepix.cli.galleries import place_for_gallery
from tests import in_process
from tests.first_often import first_often
from tests.test_command_line import command, run

pytestmark = pytest.mark.sample_remembered

SEARCH = ["two red boats", "--tag", "boat", "--source", "sample", "-n", "2"]
FULL = Path("/dev/full")


def run_on(stdout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    with stdout.open("w") as out:
        return subprocess.run(
            command(*arguments), stdout=out, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
            env=os.environ | environment,
        )  # fmt: skip


@pytest.mark.skipif(not FULL.exists(), reason="no device plays a full disk here")
@pytest.mark.parametrize(
    ("arguments", "environment"),
    first_often(
        3,
        [
            (SEARCH, {}),
            (["--help"], {}),
            (["sources", "--json"], {}),
            ([*SEARCH, "--json"], {}),
            (SEARCH, {"FORCE_COLOR": "1"}),
            (["--version"], {}),
            (["sources"], {}),
            (["cache"], {}),
            (["cache", "--help"], {}),
        ],
    ),
    ids=lambda value: " ".join(value),
)
def test_a_stdout_that_cannot_be_written_is_one_error_and_exit_code_three(
    arguments: list[str], environment: dict[str, str]
) -> None:
    if arguments == ["cache"]:
        in_process.run(*SEARCH)  # that there is something to list
    done = run_on(FULL, *arguments, **environment)
    assert done.returncode == 3
    said = [line for line in done.stderr.splitlines() if "Error" in line or "Exception" in line or "Traceback" in line]
    assert len(said) == 1
    assert "Error: cannot write" in said[0]
    assert said[0].endswith("No space left on device")


@pytest.mark.skipif(not FULL.exists(), reason="no device plays a full disk here")
@pytest.mark.slow
def test_messages_that_cannot_be_written_do_not_end_a_search() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            command(*SEARCH, "--json"), stdout=subprocess.PIPE, stderr=full, text=True, timeout=120, check=False
        )
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["matches"]) == 2


@pytest.mark.slow
def test_a_command_without_any_stdout_writes_its_gallery_all_the_same(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command(*SEARCH, "--gallery", str(page))],
        stderr=subprocess.PIPE, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "two red boats" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_gallery_names_is_followed_kept_or_refused_but_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "locked.html").write_text("keep")
    (tmp_path / "locked.html").chmod(0o444)
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to(tmp_path / "vault" / "real.html")
    for name, code, said in (
        ("pipe", 3, "a pipe that nobody reads"),
        ("locked.html", 3, "write-protected"),
        ("link.html", 0, "Gallery: "),
    ):
        before = stat.filemode((tmp_path / name).lstat().st_mode)
        done = in_process.run(*SEARCH, "--gallery", str(tmp_path / name))
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert name in done.stderr
        assert stat.filemode((tmp_path / name).lstat().st_mode) == before
    assert (tmp_path / "locked.html").read_text() == "keep"
    assert "two red boats" in (tmp_path / "vault" / "real.html").read_text(encoding="utf-8")
    assert in_process.run(*SEARCH, "--gallery", "/dev/null").returncode == 0
    to_stdout = run(*SEARCH, "--gallery", "/dev/stdout").stdout
    assert to_stdout.startswith("1\t")
    assert to_stdout.rstrip().endswith("</html>")


def test_a_gallery_never_replaces_another_searchs() -> None:
    first, second, third = (place_for_gallery("A boat!") for _ in range(3))
    assert [place.name for place in (first, second, third)] == ["a-boat.html", "a-boat-2.html", "a-boat-3.html"]
    second.unlink()
    assert place_for_gallery("a boat") == second


def test_each_gallery_has_a_name_that_can_be_seen() -> None:
    for phrase in ("🐯", "!?", "\u200b", ""):
        assert place_for_gallery(phrase).name.startswith("gallery")


def test_the_oldest_galleries_go_and_what_is_no_gallery_stays() -> None:
    directory = place_for_gallery("first").parent
    (directory / "nowhere.html").symlink_to("/nowhere/at/all")
    (directory / "folder.html").mkdir()
    for number in range(60):
        place = place_for_gallery(f"picture {number}")
        os.utime(place, (1_000_000 + number, 1_000_000 + number))
    there = {path.name for path in directory.iterdir() if path.is_file()}
    assert len(there) == 50
    assert {"picture-59.html", "first.html"} <= there
    assert (directory / "nowhere.html").is_symlink()
    assert (directory / "folder.html").is_dir()
    assert clear(["galleries"])["galleries"] >= 50
    assert not [path for path in directory.iterdir() if path.is_file()]
