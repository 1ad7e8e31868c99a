"""What `--help` shows, and what is said about a command line that was typed wrong."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from phrasepix.cli.parameters import as_typed
from phrasepix.request import request_options
from phrasepix_core.messages import Hint
from tests.in_process import run
from tests.test_command_line import on_a_terminal

pytestmark = pytest.mark.sample_remembered

HELPED = [[], ["cache"], ["cache", "clear"], ["sources"]]


@pytest.mark.parametrize("arguments", HELPED, ids=" ".join)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_names_stand_in_one_column_and_what_they_say_in_another(arguments: list[str], columns: int) -> None:
    shown = run(*arguments, "--help", COLUMNS=str(columns)).stdout
    options = shown.partition("\n\nExamples:\n")[0].split(":\n", 1)[1].splitlines()
    begun = [line for line in options if re.match(r"  \S", line)]
    assert len(begun) > 3
    assert {len(re.match(r"  \S(?:.*?\S)?  +", line)[0]) for line in begun} == {24}  # type: ignore[index]
    assert all(len(line) <= columns for line in options)
    assert [line for line in options if line != line.rstrip()] == []


def test_every_option_of_a_search_is_in_the_help_under_a_heading() -> None:
    shown = run("--help", COLUMNS="90").stdout
    for declared in request_options():
        if declared.option.on_command_line and declared.name != "phrase":
            flag = as_typed(Hint(declared.name))
            assert flag in shown or f"--[no-]{flag.removeprefix('--')}" in shown
            assert f"{declared.option.group}:\n" in shown


def test_what_holds_without_an_option_is_said_in_one_way() -> None:
    shown = " ".join(run("--help", COLUMNS="300").stdout.split())
    assert "By default" not in shown
    assert "How many to show. [default: 10]" in shown
    assert "[default: 200, all of a folder]" in shown
    assert "Show the same picture once, with its likes listed. [default: on]" in shown


@pytest.mark.parametrize("columns", [40, 80])
def test_examples_can_be_copied_whatever_the_width(columns: int) -> None:
    lines = run("--help", COLUMNS=str(columns)).stdout.partition("Examples:\n")[2].splitlines()
    examples = lines[: lines.index("")]
    assert len(examples) > 4
    for line in examples:
        program, *arguments = shlex.split(line)
        assert program == "phrasepix"
        assert arguments


def test_headings_are_bold_on_a_terminal_only() -> None:
    _, shown = on_a_terminal("cache", "--help", columns=80, TERM="xterm")
    assert "\x1b[1mOptions\x1b[0m:" in shown
    _, shown = on_a_terminal("cache", "--help", columns=80, TERM="dumb")
    assert "\x1b[1m" not in shown
    assert "\x1b" not in run("cache", "--help").stdout


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["a quay", "--orientaton", "square"], "there is no option --orientaton (did you mean --orientation?)"),
        (["a quay", "--zzz"], "there is no option --zzz; phrasepix --help"),
        (["cache", "clera"], "there is no command clera (did you mean clear?)"),
        (["sources", "--heeder"], "there is no option --heeder (did you mean --header?)"),
        (["a quay", "--limit", "many"], "--limit: 'many' is no whole number"),
        (["a quay", "--limit", "-2"], "--limit: -2 is out of range"),
        (["a quay", "--source", "openvrse"], "(did you mean openverse?)"),
        (["a quay", "--model", "multilingal", "--source", "sample"], "did you mean --model multilingual?"),
        (["a quay", "--orientation", "vertcal"], "(did you mean vertical?)"),
        (["a quay", "--like", "~nobody-of-that-name/quay.jpg"], "there is no file"),
    ],
    ids=" ".join,
)
def test_what_was_mistyped_is_named_and_the_nearest_asked_for(typed: list[str], said: str) -> None:
    done = run(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "path", "said"),
    [
        ("--gallery", "~nobody-of-that-name/quay.html", "there is no folder"),
        ("--model", "local-dir:~nobody-of-that-name/clip", "is not a directory"),
        ("--save", "~nobody-of-that-name/book", "cannot write"),
    ],
)
def test_a_home_that_nobody_has_is_an_error_with_a_name(option: str, path: str, said: str) -> None:
    done = run("a boat", "--tag", "boat", "--source", "sample", "-n", "1", option, path)
    assert done.returncode in {0, 2, 3}
    assert said in done.stderr
    assert "unforeseen" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "option", "taken"),
    [
        (["a quay", "--tag", "--offline"], "--tag", "--offline"),
        (["a quay", "--gallery", "--open"], "--gallery", "--open"),
        (["--source", "-n", "3"], "--source", "-n"),
        (["cache", "clear", "--max-size", "--yes"], "--max-size", "--yes"),
    ],
    ids=" ".join,
)
def test_an_option_is_no_value_of_the_one_before_it(typed: list[str], option: str, taken: str) -> None:
    done = run(*typed)
    assert done.returncode == 2
    assert f"{option}: its value is missing: {taken} is an option" in done.stderr


def test_offline_with_nothing_kept_is_one_error_for_all_sources() -> None:
    done = run("a quay", "--tag", "quay", "--offline", "--source", "openverse", "--source", "commons")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "Error: what Openverse and Wikimedia Commons answer to the tag “quay” is not kept" in done.stderr
    alone = run("a quay", "--tag", "quay", "--offline", "--source", "commons")
    assert "Error: what Wikimedia Commons answers to the tag “quay” is not kept" in alone.stderr


def test_what_was_saved_under_home_before_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "credits.json").write_text('{"pictures": []}')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (90, 60), "teal").save(folder / "quay.png")
    job = ["a quay", "--source", str(folder), "--model", "sample"]
    assert "Nothing was saved" not in run(*job, "--project", "~/book").stderr
    assert "Nothing was saved in ~/other before" in run(*job, "--project", "~/other").stderr


def test_explain_without_parts_says_why_it_explains_nothing(tmp_path: Path) -> None:
    for name, colour in (("one", "teal"), ("two", "maroon")):
        Image.new("RGB", (90, 60), colour).save(tmp_path / f"{name}.png")
    job = ["--source", str(tmp_path), "--model", "sample", "--explain"]
    alone = run("--like", str(tmp_path / "one.png"), *job).stderr
    assert alone.count("--explain has nothing to say") == 1
    assert "--explain" not in run("a quay", *job).stderr
