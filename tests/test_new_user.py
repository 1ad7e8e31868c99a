"""The command as somebody meets it who has never used it."""

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from phrasepix.cli.commands import check_command
from phrasepix.cli.reporter import Reporter
from phrasepix.live_results import LiveResults
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.views.columns import KEPT, MATCHES, SOURCES
from phrasepix_core.installing import install_command
from reranker import steps
from reranker.memory import Memory
from reranker.memory.picture_store import KeptPicture
from reranker.query import Example, Query
from retriever.directories import cache_directory
from tests.in_process import run
from tests.picture_tree import picture, write
from tests.test_command_line import MAIN_JOB, command, left_standing, on_a_terminal

pytestmark = pytest.mark.sample_remembered


@pytest.mark.parametrize(
    ("typed", "meant", "instead"),
    [
        (["source"], "phrasepix sources", "phrasepix find source"),
        (["sorces", "--json"], "phrasepix sources", "phrasepix find sorces"),
        (["help"], "phrasepix --help", "phrasepix find help"),
        (["help", "cache"], "phrasepix cache --help", 'phrasepix find "help cache"'),
        (["chache", "clear"], "phrasepix cache clear", "phrasepix find 'chache clear'"),
        (["compar", "a.jpg"], "phrasepix compare a.jpg", "phrasepix find 'compar a.jpg'"),
        (
            ["compre", "https://example.org/a", "--by", "colour"],
            "phrasepix compare https://example.org/a --by colour",
            "phrasepix find 'compre https://example.org/a colour'",
        ),
        (["libary", "status"], "phrasepix library status", "phrasepix find 'libary status'"),
        (["serv", "--port", "80"], "phrasepix serve --port 80", "phrasepix find 'serv 80'"),
        (["adpt", "mine", "--from=x y"], "phrasepix adapt mine '--from=x y'", "phrasepix find 'adpt mine'"),
        (["version"], "phrasepix --version", "phrasepix find version"),
        (["search", "a pier in fog"], 'phrasepix "a pier in fog"', 'phrasepix find "search a pier in fog"'),
    ],
    ids=" ".join,
)
def test_a_mistyped_command_asks_what_was_meant(typed: list[str], meant: str, instead: str) -> None:
    done = run(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"did you mean: {meant}\n" in done.stderr
    assert f"To search for pictures of it: {instead}\n" in done.stderr
    assert "─" not in done.stderr


@pytest.mark.parametrize(
    "searched",
    [
        *(
            ["boat"],
            ["horses"],
            ["cash"],
            ["source", "--tag", "river"],
            ["help", "a", "friend"],
            ["a search party"],
            [],
        ),
        *(["beach"], ["peach"], ["teacher"], ["nerve"], ["research"], ["share", "a", "meal"], ["beach", "--open"]),
        *(["beach", "--source", "~/Pictures"], ["beach", "photo.jpg"], ["serveur", "--source", "~/Pictures"]),
        *(["compar", "of", "boats"], ["serveur", "au", "restaurant"], ["a.jpg", "compar"], ["--tag", "serv", "a/b"]),
    ],
    ids=" ".join,
)
def test_a_phrase_is_searched_for_even_if_it_is_one_word(searched: list[str]) -> None:
    check_command(searched)  # leaves with an error if it takes it for a command


def test_words_that_a_command_does_not_take_may_be_a_phrase() -> None:
    done = run("serve", "tea", "at", "five")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unexpected extra arguments" in done.stderr
    assert "To search for pictures of it: phrasepix find 'serve tea at five'\n" in done.stderr
    assert "To search" not in run("serve", "--port", "many").stderr


def test_the_word_of_a_command_can_be_searched_for() -> None:
    done = run("find", "source", "--tag", "boat", "--source", "sample", "-n", "1", "--json")
    assert json.loads(done.stdout)["phrase"] == "source"
    done = run("find")
    assert done.returncode == 2
    assert 'phrasepix "PHRASE"' in done.stderr


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["a pier", "--taag", "x"], "--taag"),
        (["a pier", "-n", "none"], "--top: 'none' is no whole number"),
        (["sources", "more"], "phrasepix sources --help"),
        (["cache", "claer"], "phrasepix cache --help"),
        (["cache", "clear", "--max-size", "much"], "must look like 500MB"),
        (["cache", "clear"], "say --yes"),
        (["a pier", "--source", "nosuch"], "'nosuch'"),
        (["a pier", "--json", "--paths"], "give one of them"),
        (["a pier", "--pick", "1"], "--save DIR"),
    ],
    ids=" ".join,
)
def test_every_error_of_usage_is_said_in_the_same_way(typed: list[str], words: str) -> None:
    done = run(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert words in done.stderr
    assert not re.search(r"[╭│╰─]|Usage:", done.stderr)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("holidays")
    for seed, name in enumerate(["north/harbour.png", "north/red door.png", "south.png"]):
        write(folder / name, picture(seed, size=(64, 48)))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return folder


def test_the_paths_of_a_folders_matches_are_plain_and_can_be_parted_by_nul(pictures: Path) -> None:
    job = ["a door", "--source", str(pictures), "--model", "sample"]
    lines = run(*job, "--paths").stdout.splitlines()
    assert {*lines} == {str(path) for path in pictures.rglob("*.png") if path.name != "broken.png"}
    assert run(*job, "-0").stdout.split("\0")[:-1] == lines
    found = json.loads(run(*job, "--json").stdout)
    assert [one["path"] for one in found["matches"]] == lines


@pytest.mark.skipif(sys.platform != "linux", reason="names there are bytes")
@pytest.mark.slow
def test_a_path_comes_out_byte_by_byte(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/pictures"
    Path(os.fsdecode(folder)).mkdir()
    name = folder + b"/caf\xe9 \xe2\x98\x95.png"
    Image.new("RGB", (40, 30), "red").save(os.fsdecode(name))
    done = subprocess.run(
        command("red", "--source", os.fsdecode(folder), "--model", "sample", "--null"),
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == name + b"\0"


def test_matches_that_are_no_files_are_counted_and_saved_ones_have_paths(tmp_path: Path) -> None:
    done = run(*MAIN_JOB, "-n", "2", "--paths")
    assert done.stdout == ""
    assert "2 of 2 matches are no files on this machine" in done.stderr
    done = run(*MAIN_JOB, "-n", "2", "--paths", "--save", str(tmp_path / "book"))
    saved = done.stdout.splitlines()
    assert len(saved) == 2
    assert all(Path(path).is_file() for path in saved)


def test_a_header_names_the_columns_and_the_help_documents_them(pictures: Path) -> None:
    job = ["a door", "--source", str(pictures), "--model", "sample"]
    header, *lines = [line.split("\t") for line in run(*job, "--header").stdout.splitlines()]
    assert tuple(header) == MATCHES
    assert {len(line) for line in lines} == {len(MATCHES)}
    assert lines[0][MATCHES.index("path")].startswith(str(pictures))
    assert lines[0][MATCHES.index("fit")] == "", "the sample's model says no words of photographs"
    (best, *_) = [line.split("\t") for line in run(*MAIN_JOB, "-n", "2").stdout.splitlines()]
    assert best[MATCHES.index("fit")] in {"clear", "fair", "weak"}
    others: list[tuple[list[str], tuple[str, ...]]] = [(["sources"], SOURCES), (["cache"], KEPT)]
    for arguments, columns in others:
        header, *lines = [line.split("\t") for line in run(*arguments, "--header").stdout.splitlines()]
        assert tuple(header) == columns
        assert {len(line) for line in lines} == {len(columns)}
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for arguments, columns in [([], MATCHES), *others]:
        helped = " ".join(re.sub(r"[│\s]+", " ", run(*arguments, "--help", COLUMNS="200").stdout).split())
        assert ", ".join(columns) in helped
    assert [name for name in MATCHES if f"| `{name}` |" not in readme] == []


def test_filters_that_leave_nothing_are_named_with_their_values(pictures: Path) -> None:
    job = ["a door", "--source", str(pictures), "--model", "sample"]
    done = run(*job, "--min-width", "9000", "--year", "2011")
    assert done.returncode == 1
    said = f"Nothing found in the folder {pictures.name} with --min-width 9000 and --year 2011."
    assert said in done.stderr
    assert done.stderr.count("skipped") == 1
    assert "1 skipped:" in done.stderr
    done = run(*MAIN_JOB, "--creator", "nobody at all", "--orientation", "square")
    assert '--orientation square and --creator "nobody at all"' in done.stderr


def test_pictures_of_which_none_can_be_read_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    for name in ("one", "two", "three"):
        (tmp_path / "bad" / f"{name}.jpg").write_bytes(f"no picture but {name}".encode())
    done = run("a door", "--source", str(tmp_path / "bad"), "--model", "sample")
    assert done.returncode == 1
    assert re.findall(r"\b3\b", done.stderr.replace(str(tmp_path), "")) == ["3"]
    assert "Nothing can be shown" in done.stderr


def test_a_gallery_that_cannot_be_written_is_known_before_anybody_is_asked(tmp_path: Path) -> None:
    done = run(
        "a tiger", "--tag", "tiger", "--gallery", str(tmp_path / "none" / "g.html"),
        PIXABAY_API_KEY="a-key", PIXABAY_API_URL="http://127.0.0.1:9/api/",
    )  # fmt: skip
    assert done.returncode == 3
    assert f"there is no folder {tmp_path / 'none'}; make it first" in done.stderr
    assert "reached" not in done.stderr


@pytest.mark.slow
def test_the_first_search_says_what_it_prepares_and_how_far_it_is(tmp_path: Path) -> None:
    code, shown = on_a_terminal(*MAIN_JOB, "-n", "1", PHRASEPIX_CACHE_DIR=str(tmp_path / "cold"))
    assert code == 0, shown
    for step in ("writing the text tower", "writing the image tower", "reading the neutral phrases"):
        assert f"Preparing the model, once: {step}" in shown
    assert re.search(r"\d+ s", shown)
    first, *_, last = left_standing(shown)
    assert first == f"“{MAIN_JOB[0]}”"
    assert last.startswith("Gallery: ")
    code, shown = on_a_terminal(*MAIN_JOB, "-n", "1", PHRASEPIX_CACHE_DIR=str(tmp_path / "cold"))
    assert "Preparing" not in shown


def test_in_a_pipe_no_step_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    with Reporter():
        steps.begin(steps.DOWNLOADING)
        steps.exporting("converting the text tower", 3, 4)
    assert capfd.readouterr() == ("", "")


def test_what_every_package_logs_is_for_the_screen_alone(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    packages = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    names = packages["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    with Reporter():
        for name in names:
            logging.getLogger(f"{name}.somewhere").warning("said by %s", name)
    assert capfd.readouterr().err.splitlines() == [f"said by {name}" for name in names]
    assert caplog.records == []


@pytest.mark.slow
def test_the_gallery_is_a_link_on_a_terminal_and_messages_break_between_words(pictures: Path) -> None:
    _, shown = on_a_terminal("a door", "--source", str(pictures), "--model", "sample", columns=60)
    page = re.search(r"\x1b\]8;[^;]*;(file://[^\x1b]+\.html)\x1b\\", shown)
    assert page
    assert "file://" + str(pictures / "south.png") in shown
    lines = [line.strip() for line in left_standing(shown)]
    assert "the model “sample” knows the sample's drawn scenes only; its" in lines


def test_what_the_cache_holds_fits_eighty_columns() -> None:
    run(*MAIN_JOB, "-n", "1")
    _, shown = on_a_terminal("cache", columns=80)
    lines = left_standing(shown)
    assert max(map(len, lines)) <= 80
    for word in ("embeddings.sqlite", "fingerprints", "pictures.sqlite"):
        assert any(word in line for line in lines)
    assert os.environ["PHRASEPIX_CACHE_DIR"] in shown.replace("\r\n", "")


def test_a_hint_names_packages_the_project_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert install_command("rawpy") == f"{sys.executable} -m pip install rawpy"
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.5.9\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_command("a", "b") == f"uv pip install --python {sys.executable} a b"
    root = Path(__file__).parents[1]
    wanted = (root / "pyproject.toml").read_text(encoding="utf-8")
    for package in ("phrasepix", "phrasepix_core", "retriever", "reranker"):
        for path in (root / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "pip install '" not in text, f"{path} names an extra, which is on no index"
            for call in re.findall(r"install_command\(((?:'[^']+'(?:, )?)+)\)", text):
                for name in re.findall(r"'([^']+)'", call):
                    assert name == "PySocks" or f'"{name}' in wanted, name


def page_of(job: list[str], place: Path) -> str:
    done = run(*job, "--gallery", str(place))
    assert done.returncode == 0, done.stderr
    return place.read_text(encoding="utf-8")


def test_the_page_of_a_folder_names_paths_below_it_and_those_alike(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    seal = next(PICTURES_DIRECTORY.glob("*.jpg"))
    write(folder / "coast & cliffs" / "grey seal.jpg", seal.read_bytes())
    (folder / "mailed").mkdir()
    with Image.open(seal) as large:
        large.reduce(2).save(folder / "mailed" / "seal (small).jpg", quality=60)
    write(folder / "gull.png", picture(8))
    page = page_of(["a seal", "--source", str(folder), "--model", "sample"], tmp_path / "page.html")
    assert "coast &amp; cliffs/<wbr>grey seal.jpg" in page or "mailed/<wbr>seal (small).jpg" in page
    assert (folder / "gull.png").as_uri() in page
    assert re.search(r"and 1 alike.*(mailed/seal \(small\)\.jpg|coast &amp; cliffs/grey seal\.jpg)", page, re.DOTALL)
    assert not re.search(r"folder:[0-9a-f]{24}", page)


def test_the_page_of_a_picture_shows_it_and_explains_the_order(tmp_path: Path, pictures: Path) -> None:
    asked = write(tmp_path / "asked for.png", picture(99, size=(80, 60)))
    job = ["--like", str(asked), "--source", str(pictures), "--model", "sample"]
    page = page_of(job, tmp_path / "page.html")
    shown = re.search(r'<ul class="examples">.*?</ul>', page, re.DOTALL)
    assert shown
    assert shown[0].count('src="data:image/jpeg;base64,') == 1
    assert "like <bdi>asked for.png</bdi>" in shown[0]
    assert '<p class="order">Ordered by likeness to the picture' in page
    page = page_of(["a door", "--diverse", "0.3", *job[2:]], tmp_path / "page.html")
    assert '<p class="order">Spread (0.3 of 1)' in page
    assert "examples" not in page.partition("</style>")[2]
    assert 'class="order"' not in page_of(["a door", *job[2:]], tmp_path / "page.html").partition("</style>")[2]


@pytest.mark.slow
def test_the_table_explains_the_order(pictures: Path) -> None:
    job = ["a door", "--source", str(pictures), "--model", "sample", "--minus", "a window", "--diverse", "0.4"]
    _, shown = on_a_terminal(*job, columns=90)
    text = " ".join(left_standing(re.sub(r"\x1b\[[0-9;]*m", "", shown)))
    assert "Ranks go by score less penalty" in text
    assert "Spread (0.4 of 1)" in text


def test_a_picture_at_an_address_is_shown_from_what_is_kept_of_it(tmp_path: Path) -> None:
    url = "https://pictures.example/asked.png?token=secret"
    query = Query((Example(url, title="asked.png"),))
    results = LiveResults(query.title, (), (), "m", (), query=query)
    assert "data:image/jpeg" not in results._repr_mimebundle_()["text/html"]
    identity = ("example", hashlib.blake2b(url.encode(), digest_size=16).hexdigest())
    with Memory(cache_directory()) as memory:
        memory.pictures.put_many({identity: KeptPicture(picture(3), to_show=True)})
    cards = results._repr_mimebundle_()["text/html"]
    assert cards.count("data:image/jpeg;base64,") == 1
    assert "secret" not in cards
