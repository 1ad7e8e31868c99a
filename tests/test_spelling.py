"""What is likely to be meant by names and paths that are not there."""

from pathlib import Path

import pytest

from phrasepix_core.spelling import meant_by
from tests import in_process
from tests.drawn_folder import draw_scenes


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "My Pictures"
    folder.mkdir()
    draw_scenes(folder)
    return folder


def test_a_path_that_was_cut_at_a_space_means_what_goes_on_there(pictures: Path) -> None:
    assert meant_by(pictures.parent / "My") == f"did you mean '{pictures}', in quotes?"
    (pictures.parent / "My Songs").mkdir()
    assert meant_by(pictures.parent / "My") == "compare how it is spelled", "either could be meant"


@pytest.mark.parametrize("name", ["My Picturs", "my pictures", "MyPictures"])
def test_a_misspelt_path_means_the_one_beside_it_that_is_like_it(pictures: Path, name: str) -> None:
    assert meant_by(pictures.parent / name) == f"did you mean '{pictures}'?"


@pytest.mark.parametrize("name", ["holiday", "nowhere/My Pictures", "..", "\0", "a" * 300])
def test_what_is_like_nothing_there_is_to_be_compared(pictures: Path, name: str) -> None:
    assert meant_by(pictures.parent / name) == "compare how it is spelled"


def test_a_folder_typed_without_quotes_is_known_and_nothing_is_said_before(pictures: Path) -> None:
    cut = str(pictures).split(" ")
    for job in (["a boat", "--source", *cut, "--model", "sample"], ["library", "add", *cut, "--model", "sample"]):
        done = in_process.run(*job)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert f"did you mean '{pictures}', in quotes?" in done.stderr


def test_a_library_is_named_as_a_source_by_its_name_or_nearly(pictures: Path) -> None:
    done = in_process.run("library", "add", str(pictures), "--model", "sample")
    assert done.returncode == 0, done.stderr
    for source, meant in (("mine", "the library of that name is library:mine"), ("library:mien", "did you mean mine?")):
        done = in_process.run("a boat", "--source", source, "--model", "sample")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert meant in done.stderr
    assert "did you mean mine?" in in_process.run("library", "sync", "--name", "mien").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-a boat", "--source", "sample"], "To search for pictures of it: phrasepix -- '-a boat'"),
        (["a boat", "--sorce=my pictures"], "there is no option --sorce (did you mean --source?)"),
        (["adapt", "my", "model", "--from", "."], "unexpected extra argument (model); what has spaces needs quotes"),
        (["library", "sql", "select", "1"], "unexpected extra argument (1); what has spaces needs quotes"),
        (["a boat", "--source", "https://example.org/a"], "is no source; a picture there is asked by --like https"),
    ],
)
def test_what_was_typed_carelessly_is_told_how_it_is_typed(arguments: list[str], words: str) -> None:
    done = in_process.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert ("phrasepix --" in done.stderr.replace("phrasepix --help", "")) == (arguments[0] == "-a boat")


def test_a_library_without_doubles_says_so(pictures: Path) -> None:
    one = pictures / "scene-1.png"
    assert in_process.run("library", "add", str(pictures), "--model", "sample").returncode == 0
    for other in pictures.iterdir():
        if other != one:
            other.unlink()
    assert in_process.run("library", "sync").returncode == 0
    done = in_process.run("library", "duplicates")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No picture stands in the library mine twice.\n")
