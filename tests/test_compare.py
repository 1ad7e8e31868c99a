"""Ways of seeing: one picture asked of several encoders, in Python and by the command, and the page of it."""

import json
import pickle
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phrasepix import Finder, SearchRequest, compare
from phrasepix.comparing.comparing import Comparing
from phrasepix.comparing.comparison import KeyPointPair
from phrasepix.comparing.drawing import BOX, GAP, drawing_of
from phrasepix.comparing.live_comparison import LiveComparison
from phrasepix.comparing.page import comparison_page
from phrasepix.comparing.request import CompareRequest, compared_like, usual_encoders
from phrasepix.comparing.table import comparison_lines
from phrasepix.config import Config
from phrasepix.errors import (
    EncoderFaultError,
    ModelError,
    SourceUnreachableError,
    UnknownModelError,
    WrongParameterError,
    WrongQueryError,
)
from phrasepix.events import SearchProgress
from phrasepix.query_inputs import example_of
from phrasepix.views.amounts import bytes_in_words, ms_in_words
from phrasepix.views.columns import COMPARISONS
from phrasepix_core.candidate import Rendition
from phrasepix_core.extras import is_installed
from reranker.encoder import Embeddings
from reranker.testing import ColourEncoder
from reranker.testing.pair_checks import drawn_scene
from tests import in_process
from tests.drawn_folder import draw_scenes
from tests.first_often import first_often
from tests.page_server import CHROMIUM
from tests.picture_server import unused_port

needs_opencv = pytest.mark.skipif(not is_installed("cv2"), reason="OpenCV (the extra descriptors) is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six drawn scenes; of the first a part and one that is turned; names that are markup."""
    folder = tmp_path_factory.mktemp("pictures")
    draw_scenes(folder, turned="turned & <b>.png")
    return folder


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A white picture, one of a single pixel, one that is a thread, and two that are the same."""
    folder = tmp_path_factory.mktemp("odd")
    Image.new("RGB", (300, 200), "white").save(folder / "white.png")
    Image.new("RGB", (1, 1), "red").save(folder / "pixel.png")
    drawn_scene(3).resize((20_000, 100)).save(folder / "thread.png")
    for name in ("one", "same"):
        drawn_scene(4).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def finder(tmp_path: Path) -> Iterator[Finder]:
    with Finder(Config(cache_directory=tmp_path / "cache")) as finder:
        yield finder


def compared(finder: Finder, picture: Path, folder: Path, by: Any, **options: Any) -> LiveComparison:
    search = SearchRequest(like=picture, source=folder, **options)
    return Comparing(finder).compare(CompareRequest.of(search, by, finder.config.directory))


def titles(row: Any) -> list[str]:
    return [match.candidate.title for match in row.matches]


class FaultyEncoder(ColourEncoder):
    """Raises what no encoder should."""

    name = "faulty"

    def encode_pictures(self, pictures: Any) -> Embeddings:
        raise RuntimeError("it is broken")


# What is found.


@needs_opencv
def test_each_encoder_has_a_row_in_the_order_of_the_question(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, ["phash", "sift", "colour"], top=3)
    assert [row.name for row in comparison] == ["phash", "sift", "colour"]
    assert {*titles(comparison["sift"])[:2]} == {"part", "turned & <b>"}
    for row in comparison:
        assert len(row.matches) == 3
        assert "scene-0" not in titles(row), "the question is left out"
        assert row.profile is not None
        assert row.bytes_per_picture == row.profile.bytes_per_picture
        assert row.ms_per_picture is not None
        assert row.ms_per_picture > 0
    with pytest.raises(KeyError, match="'orb' was not compared; these were: phash, sift, colour"):
        comparison["orb"]


@needs_opencv
@pytest.mark.slow
def test_what_one_row_alone_found_is_marked_and_what_does_not_agree_is_not_found(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, "sift,colour", top=4, fold=False)
    sift, colour = comparison
    for match in sift.matches:
        agrees = match.agreement is not None and len(match.agreement.points) > 0
        is_there = match.candidate.identity in {other.candidate.identity for other in colour.matches}
        assert comparison.is_only_here(match) == (agrees and not is_there)
        assert comparison.rows_with(match) == agrees + is_there
    assert any(match.agreement is not None and not len(match.agreement.points) for match in sift.matches)
    alone = compared(finder, folder / "scene-0.png", folder, "colour", top=4)
    assert not any(alone.is_only_here(match) for match in alone[0].matches), "there is no other row"


def test_a_picture_that_another_row_folds_into_a_copy_is_the_same(odd: Path, finder: Finder) -> None:
    comparison = compared(finder, odd / "white.png", odd, ["colour", "phash"], top=2)
    for row in comparison:
        for match in row.matches:
            if match.siblings or match.candidate.title in {"one", "same"}:
                assert comparison.rows_with(match) == 2


@needs_opencv
@pytest.mark.slow
def test_key_points_are_those_that_were_compared(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, ["sift", "orb", "akaze"], top=2)
    for row in comparison:
        assert row.pairs, row.name
        for pair in row.pairs:
            match = row.matches[pair.rank - 1]
            assert match.agreement is not None
            assert np.array_equal(pair.agreeing, match.agreement.points)
            all_of_question = {tuple(point) for point in np.round(pair.in_question, 5).tolist()}
            assert {tuple(point) for point in np.round(pair.agreeing[:, :2], 5).tolist()} <= all_of_question
            all_of_match = {tuple(point) for point in np.round(pair.in_match, 5).tolist()}
            assert {tuple(point) for point in np.round(pair.agreeing[:, 2:], 5).tolist()} <= all_of_match


@needs_opencv
@pytest.mark.slow
def test_a_picture_of_no_file_is_a_question_too(folder: Path, finder: Finder) -> None:
    picture = Image.open(folder / "scene-0.png").convert("RGB")
    search = SearchRequest(like=picture, source=folder, top=2)
    comparison = Comparing(finder).compare(CompareRequest.of(search, ["sift"], finder.config.directory))
    assert comparison[0].pairs
    assert len(comparison[0].pairs[0].in_question) > 50


def test_clip_is_the_model_of_a_search(finder: Finder) -> None:
    search = SearchRequest(like=drawn_scene(1), tag="boat", source="sample", limit=8)
    request = CompareRequest.of(search, "clip,colour", finder.config.directory)
    assert [one.by for one in request.encoders] == ["sample", "colour"]
    comparison = Comparing(finder).compare(request)
    assert comparison["clip"].title == "the sample's own, for drawn scenes alone"
    assert len(comparison["clip"].matches) == len(comparison["colour"].matches) == 8
    named = SearchRequest(like=drawn_scene(1), source="sample", model="ViT-B-32", pretrained="openai")
    (clip,) = CompareRequest.of(named, "clip", finder.config.directory).encoders
    assert (clip.by, clip.pretrained) == ("ViT-B-32", "openai")
    (usual,) = CompareRequest.of(SearchRequest(like=drawn_scene(1)), ["clip"], finder.config.directory).encoders
    assert usual.by == "ViT-B-32"


def test_an_encoder_that_is_named_twice_has_one_row(folder: Path, finder: Finder) -> None:
    own = ColourEncoder()
    comparison = compared(finder, folder / "scene-0.png", folder, ["colour", own, " colour ", own])
    assert [row.name for row in comparison] == ["colour", "colours"]
    assert comparison["colours"].bytes_per_picture == 4 * own.dimensions


def test_without_names_those_that_are_ready_are_compared(tmp_path: Path) -> None:
    names = usual_encoders(tmp_path)
    assert {"colour", "hog", "phash", "clip"} <= {*names}
    assert "resnet50" not in names, "its weights would be downloaded"
    assert "ViT-B-32" not in names


def test_a_match_is_asked_where_its_search_looked(folder: Path, finder: Finder) -> None:
    search = SearchRequest(like=folder / "scene-1.png", source=folder, by="colour", top=3, limit=5)
    match = finder.search(search)[0]
    asked = compared_like(example_of(match), search, top=2)
    assert (asked.sources, asked.limit, asked.top) == (search.sources, 5, 2)
    (row,) = Comparing(finder).compare(CompareRequest.of(asked, "phash", finder.config.directory))
    assert match.candidate.title not in titles(row)


# What is wrong.


@needs_opencv
@pytest.mark.parametrize("name", first_often(1, ["one", "white", "pixel", "thread"]))
def test_pictures_without_key_points_of_one_pixel_or_of_a_threads_shape_are_compared(
    name: str, odd: Path, finder: Finder
) -> None:
    comparison = compared(finder, odd / f"{name}.png", odd, "sift,akaze,orb,colour,hog,phash", fold=False)
    assert [row.problem for row in comparison] == [()] * 6
    for row in comparison:
        assert len(row.matches) == 3, "two of one content are one picture, and the question is left out"
        assert not {name, *(["same"] if name == "one" else [])} & {*titles(row)}
    page = comparison_page(comparison)
    assert page.count('<section class="row">') == 6
    assert "NaN" not in page


def test_an_empty_folder_gives_rows_without_pictures(folder: Path, tmp_path: Path, finder: Finder) -> None:
    (tmp_path / "empty").mkdir()
    comparison = compared(finder, folder / "scene-0.png", tmp_path / "empty", "colour,resnet50", offline=True)
    assert [row.matches for row in comparison] == [(), ()]
    assert [row.problem for row in comparison] == [(), ()], "for nothing no weights are needed"
    assert comparison["resnet50"].bytes_per_picture == 4 * 2048
    assert "There are no pictures that could be looked at." in comparison_page(comparison)


def test_a_folder_with_the_question_alone_finds_nothing(folder: Path, tmp_path: Path, finder: Finder) -> None:
    place = tmp_path / "alone"
    place.mkdir()
    (place / "again.png").write_bytes((folder / "scene-0.png").read_bytes())
    assert [row.matches for row in compared(finder, folder / "scene-0.png", place, "colour,phash")] == [(), ()]


def test_one_that_fails_is_a_row_that_says_so(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, ["resnet50", FaultyEncoder(), "colour"], offline=True)
    weights, faulty, colour = comparison
    assert weights.results is None
    assert "the weights of resnet50 are not on this machine" in "".join(map(str, weights.problem))
    assert weights.title == "ResNet-50, trained on ImageNet"
    assert "it is broken" in "".join(map(str, faulty.problem))
    assert colour.matches
    assert comparison.answered == 1
    assert "are not on this machine" in comparison_page(comparison)
    lines = [line.split("\t") for line in comparison_lines(comparison).splitlines()]
    assert {len(fields) for fields in lines} == {len(COMPARISONS)}
    assert [(fields[0], bool(fields[-1])) for fields in lines[:3]] == [
        ("resnet50", True),
        ("faulty", True),
        ("colour", False),
    ]


def test_if_all_fail_it_is_an_error_that_names_each(folder: Path, finder: Finder) -> None:
    with pytest.raises(ModelError, match=r"none of the encoders .*: resnet50: the weights .*; dinov2-s: the weights"):
        compared(finder, folder / "scene-0.png", folder, "resnet50,dinov2-s", offline=True)
    with pytest.raises(EncoderFaultError, match="it is broken"):
        compared(finder, folder / "scene-0.png", folder, FaultyEncoder())


def test_a_source_that_fails_is_asked_once(folder: Path, finder: Finder) -> None:
    here = finder.configured(base_url=f"http://127.0.0.1:{unused_port()}/", key="key")
    search = SearchRequest(like=folder / "scene-0.png", source="pixabay", tag="boat")
    asked: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, SearchProgress):
            asked.append(event.step)

    with pytest.raises(SourceUnreachableError):
        Comparing(here, listen).compare(CompareRequest.of(search, "colour,phash", here.config.directory))
    assert len([step for step in asked if step.startswith("asking")]) == 1


WRONG: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ("colur", {}, UnknownModelError, r"by 'colur' is not known; did you mean by=\"colour\"\?"),
    ("colour,nothing-like-it", {}, UnknownModelError, "`phrasepix encoders` lists"),
    ("clip", {"model": "multilingua"}, UnknownModelError, r"model 'multilingua' is not known; did you mean model="),
    ("", {}, WrongParameterError, "by names no encoder"),
    ([], {}, WrongParameterError, "by names no encoder"),
    (3, {}, WrongParameterError, "by 3 is no model"),
    ("colour", {"minus": "people"}, WrongQueryError, "one picture, without a text"),
]


@pytest.mark.parametrize(("by", "options", "error", "said"), WRONG)
def test_what_is_wrong_is_said_before_anything_is_looked_at(
    by: Any, options: dict[str, Any], error: type[Exception], said: str, folder: Path, finder: Finder
) -> None:
    with pytest.raises(error, match=said):
        compared(finder, folder / "scene-0.png", folder, by, **options)
    assert not [*finder.config.directory.glob("*.sqlite")]


def test_two_pictures_are_no_question(folder: Path, finder: Finder) -> None:
    search = SearchRequest(like=[folder / "scene-0.png", folder / "scene-1.png"], source=folder)
    with pytest.raises(WrongQueryError, match="one picture"):
        CompareRequest.of(search, "colour", finder.config.directory)


def test_what_a_listener_raises_ends_it(folder: Path, finder: Finder) -> None:
    class LeavingError(WrongQueryError):
        """Of phrasepix, as that of a server which is being ended."""

    def leave(event: object) -> None:
        raise LeavingError("nobody waits")

    search = SearchRequest(like=folder / "scene-0.png", source=folder)
    request = CompareRequest.of(search, "colour,phash", finder.config.directory)
    with pytest.raises(LeavingError):
        Comparing(finder, leave).compare(request)


# How it is shown.


class Page(HTMLParser):
    """What a page loads and leads to, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.paths: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.loaded += [given[name] for name in ("src",) if name in given]
        if tag == "image":
            self.loaded.append(given["href"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "path":
            self.paths.append(given["d"])


@needs_opencv
@pytest.mark.slow
def test_the_page_is_one_file_that_loads_nothing_and_escapes_all(folder: Path, finder: Finder, tmp_path: Path) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, "sift,colour,resnet50", top=4, offline=True)
    written = comparison.save_page(tmp_path / "page.html")
    html = written.read_text(encoding="utf-8")
    page = Page(html)
    assert html.startswith("<!doctype html>")
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.loaded)
    assert not {"script", "b", "link"} & {*page.tags}
    assert "turned &amp; &lt;b&gt;" in html
    assert all(address.startswith(("file:///", "https://")) for address in page.links)
    pairs = comparison["sift"].pairs
    assert page.tags.count("figure") == len(pairs) > 0
    assert len(page.paths) == 6 * len(pairs)
    only = sum(comparison.is_only_here(match) for row in comparison for match in row.matches)
    assert html.count('<strong class="only">only here</strong>') == only + 1, "and once where it is explained"


def test_a_picture_that_its_source_shows_alone_is_shown_from_there(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, "colour", top=1)
    (row,), there = comparison.rows, "https://images.example.org/one.jpg"
    assert row.results is not None
    match = row.results.matches[0]
    candidate = replace(match.candidate, hotlink=True, renditions=(Rendition(there, 600, 480),))
    results = replace(row.results, matches=(replace(match, candidate=candidate),))
    html = comparison_page(replace(comparison, rows=(replace(row, results=results),)))
    assert f'<img src="{there}"' in html
    assert "img-src data: https://images.example.org;" in html


def test_a_notebook_shows_it_with_its_style_kept_to_itself(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, "colour,phash", top=2)
    html = comparison._repr_html_()
    assert "<html" not in html
    assert comparison._repr_mimebundle_()["text/html"] == html
    rules = re.findall(r"^\s*([^@{}\n]+)\{", html[: html.index("</style>")], re.MULTILINE)
    selectors = [one.strip() for rule in rules for one in rule.split(",")]
    assert len(selectors) > 20
    assert [one for one in selectors if not one.startswith((".phrasepix", ".comparison", "<style>.phrasepix"))] == []
    assert "LiveComparison of colour, phash" in repr(comparison)


def test_it_is_plain_data(folder: Path, finder: Finder) -> None:
    comparison = compared(finder, folder / "scene-0.png", folder, "colour,phash", top=2)
    again = pickle.loads(pickle.dumps(comparison))
    assert again.to_json() == comparison.to_json()
    assert comparison_page(again) == comparison_page(comparison)


def test_lines_join_the_points_that_agree_where_the_pictures_stand() -> None:
    points = np.array([[0, 0, 1, 1], [0.5, 0.5, 0, 0]], dtype=np.float32)
    pair = KeyPointPair(1, points[:, :2], points[:, 2:], points)
    drawing = drawing_of(pair, (640, 480), (480, 480))
    width, height = BOX
    right = width + GAP + (width - height) / 2
    assert drawing.lines == (
        f"M0.0 0.0L{right + height:.1f} {height:.1f}M{width / 2:.1f} {height / 2:.1f}L{right:.1f} 0.0"
    )
    assert (drawing.agreed, drawing.of, drawing.drawn) == (2, 2, 2)
    many = np.tile(points, (200, 1))
    crowded = drawing_of(KeyPointPair(1, many[:, :2], many[:, 2:], many), (20_000, 100), (1, 1))
    assert crowded.drawn == 40
    assert crowded.agreed == 400
    assert crowded.question.height >= 1
    assert crowded.lines.count("M") == 40


def test_amounts_are_said_in_the_unit_that_suits_them() -> None:
    assert [bytes_in_words(one) for one in (1, 256, 4292, 43_800, 2_100_000)] == [
        "1 byte",
        "256 bytes",
        "4.3 kB",
        "44 kB",
        "2.1 MB",
    ]
    assert [ms_in_words(one) for one in (0.38, 12.4, 1300.0)] == ["0.4 ms", "12 ms", "1.3 s"]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine to show the page")
@needs_opencv
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.slow
def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_window(folder: Path, scheme: str, finder: Finder) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    html = comparison_page(compared(finder, folder / "scene-0.png", folder, "sift,colour,resnet50", offline=True))
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (360, 1280):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
            page.set_content(html)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            grave = [
                (one["id"], [node["html"][:200] for node in one["nodes"]])
                for one in axe.Axe().run(page).response["violations"]
                if one["impact"] in {"serious", "critical"}
            ]
            assert grave == []
        browser.close()


# The faces.


def test_the_function_takes_what_a_search_takes(folder: Path) -> None:
    comparison = compare(str(folder / "scene-0.png"), source=folder, by=["colour", "phash"], top=2)
    assert [len(row.matches) for row in comparison] == [2, 2]
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'sorce' \(did you mean source\?\)"):
        compare(folder / "scene-0.png", sorce=folder)
    with pytest.raises(TypeError, match="unexpected keyword argument 'diverse'"):
        compare(folder / "scene-0.png", diverse=0.5)
    assert "- `top`: How many to show." in (compare.__doc__ or "")


def test_the_command_writes_lines_json_and_a_page(folder: Path, tmp_path: Path) -> None:
    question, page = str(folder / "scene-0.png"), tmp_path / "page.html"
    asked = (question, "--source", str(folder), "--by", "colour", "--by", "phash,resnet50", "--offline", "-n", "2")
    done = in_process.run("compare", *asked, "--header", "--page", str(page))
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split("\t") == list(COMPARISONS)
    assert [line.split("\t")[0] for line in lines] == ["colour", "colour", "phash", "phash", "resnet50"]
    assert f"Page: {page}" in done.stderr
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    told = json.loads(in_process.run("compare", *asked, "--json").stdout)
    assert told["question"] == "scene-0.png"
    assert [row["encoder"] for row in told["rows"]] == ["colour", "phash", "resnet50"]
    assert told["rows"][2]["problem"].startswith("the weights of resnet50")
    for row in told["rows"][:2]:
        assert [match["rank"] for match in row["matches"]] == [1, 2]
        assert all(match["only_here"] == (match["rows"] == 1) for match in row["matches"])


def test_the_command_draws_a_table_on_a_terminal(folder: Path) -> None:
    done = in_process.run(
        "compare", str(folder / "scene-0.png"), "--source", str(folder), "--by", "colour,resnet50", "--offline",
        FORCE_COLOR="1", COLUMNS="100", NO_COLOR="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "like “scene-0.png”" in done.stdout
    assert re.search(r"ms a picture · 980 bytes a picture · this search", done.stdout)
    assert "failed: the weights of resnet50" in done.stdout


def test_the_command_takes_the_filters_of_a_search(tmp_path: Path) -> None:
    folder, question = tmp_path / "folder", tmp_path / "question.png"
    folder.mkdir()
    drawn_scene(9).save(question)
    for number, (size, year) in enumerate([((200, 100), 2019), ((100, 200), 2021), ((240, 120), 2021)]):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[36867] = f"{year}:05:04 10:00:00"  # taken
        drawn_scene(number).resize(size).save(folder / f"{number}.jpg", exif=exif)

    def found(*filters: str) -> set[str]:
        asked = ("compare", str(question), "--source", str(folder), "--by", "colour,phash", "--json", *filters)
        done = in_process.run(*asked)
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout)["rows"]
        by_row = [{match["title"] for match in row["matches"]} for row in rows]
        assert by_row[0] == by_row[1]
        return by_row[0]

    assert found() == {"0", "1", "2"}
    assert found("--orientation", "horizontal") == {"0", "2"}
    assert found("--orientation", "horizontal", "--year", "2021") == {"2"}
    none = ("compare", str(question), "--source", str(folder), "--by", "colour", "--min-width", "5000")
    done = in_process.run(*none)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Leave out --min-width 5000 to see more" in done.stderr


WRONG_COMMANDS = [
    (["--orientation", "vertcal"], 2, "did you mean vertical?"),
    (["--year", "2020", "--since", "2019-01-01"], 2, "--year stands for --since and --until"),
    (["--by", "colur"], 2, "did you mean --by colour?"),
    (["--by", "resnet50", "--offline"], 3, "the weights of resnet50 are not on this machine"),
    (["--by", ","], 2, "--by names no encoder"),
]


@pytest.mark.parametrize(("typed", "code", "said"), WRONG_COMMANDS)
def test_the_command_says_what_is_wrong(typed: list[str], code: int, said: str, folder: Path) -> None:
    done = in_process.run("compare", str(folder / "scene-0.png"), "--source", str(folder), *typed)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_command_that_finds_nothing_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = in_process.run(
        "compare", str(folder / "scene-0.png"), "--source", str(tmp_path / "empty"), "--by", "colour,phash"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "there are no pictures that could be looked at" in done.stderr
