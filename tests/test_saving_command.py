"""`--save`, `--pick`, `--project` and `--unused` on the command line."""

import json
from pathlib import Path

import pytest

from phrasepix.sample.site import StockSite
from tests.in_process import run
from tests.test_command_line import MAIN_JOB

pytestmark = pytest.mark.sample_remembered


def test_what_is_picked_is_saved_with_its_credits_and_marked_the_next_time(tmp_path: Path) -> None:
    project = tmp_path / "project"
    done = run(*MAIN_JOB, "--json", "-n", "4", "--save", str(project), "--pick", "1,3-4")
    assert done.returncode == 0, done.stderr
    found = [match["id"] for match in json.loads(done.stdout)["matches"]]
    noted = json.loads((project / "credits.json").read_text(encoding="utf-8"))["pictures"]
    assert [entry["id"] for entry in noted] == [found[0], found[2], found[3]]
    assert done.stderr.count("Saved: ") == 3
    assert str(project / "CREDITS.md") in done.stderr

    again = run(*MAIN_JOB, "--json", "-n", "4", "--project", str(project))
    marks = [match["used_before"] for match in json.loads(again.stdout)["matches"]]
    assert marks == [noted[0]["file"], None, noted[1]["file"], noted[2]["file"]]
    unused = run(*MAIN_JOB, "--json", "-n", "4", "--project", str(project), "--unused")
    left = [match["id"] for match in json.loads(unused.stdout)["matches"]]
    assert len(left) == 4
    assert not set(left) & {entry["id"] for entry in noted}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--pick", "1"], "--save"),
        (["--unused"], "--project"),
        (["--save", "DIR", "--pick", "11"], "there are 1 to 10"),
        (["--save", "DIR", "--pick", "x"], "2-4"),
        (["--save", "DIR", "-n", "21"], "in bulk"),
    ],
)
def test_a_wish_that_cannot_be_met_is_said_before_anything_is_searched_for(
    options: list[str], said: str, tmp_path: Path
) -> None:
    directory = tmp_path / "project"
    done = run(*MAIN_JOB, *[str(directory) if option == "DIR" else option for option in options])
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert not directory.exists()


@pytest.mark.slow
def test_what_cannot_be_saved_is_named_and_ends_with_three(tmp_path: Path) -> None:
    with StockSite() as site:
        options = ["--source", "pixabay", "--model", "sample", "-n", "2"]
        key, url = site.key, site.api_url
        found = run(*MAIN_JOB[:3], *options, PIXABAY_API_KEY=key, PIXABAY_API_URL=url)
        assert found.returncode == 0, found.stderr
    # The site is gone: answers and pictures are remembered, and nothing can be downloaded.
    options += ["--save", str(tmp_path / "project"), "--pick", "1", "--offline"]
    done = run(*MAIN_JOB[:3], *options, PIXABAY_API_KEY=key, PIXABAY_API_URL=url)
    assert done.returncode == 3
    assert "Not saved: pixabay:" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_a_project_nothing_was_saved_in_is_said_and_the_search_goes_on(tmp_path: Path) -> None:
    done = run(*MAIN_JOB, "-n", "1", "--project", str(tmp_path / "spelled-wrongly"))
    assert done.returncode == 0
    assert done.stderr.count("Nothing was saved in") == 1
    assert "spelled-wrongly" in done.stderr
