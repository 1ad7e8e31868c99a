"""Options of the command line become filters, and the filters hold to the end."""

import json
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from phrasepix.cli.find import COMMAND
from phrasepix.cli.parameters import request_of
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from retriever.errors import WrongParameterError
from retriever.filter_texts import aspect_ratio, span
from retriever.filters import Filters
from tests.in_process import run
from tests.servers import KEY, Asked, ScriptedServer, Step, hit, of_hits
from tests.test_retriever_videos import clip, video

pytestmark = pytest.mark.sample_remembered


def of_options(*typed: str) -> Filters:
    context = COMMAND.make_context("phrasepix", ["a boat", *typed])
    values = dict(context.params)
    return request_of(values.pop("phrase_words"), values).wishes


def test_where_nothing_is_said_the_filters_are_those_without_any() -> None:
    assert of_options() == Filters()


def test_every_option_reaches_its_filter() -> None:
    typed = (
        "--type vector --orientation square --aspect 1:1 --min-width 800 --min-height 600 --colour red --color blue "
        "--licence commercial --license modification --since 2023 --until 2024-05 --no-ai --no-safe-search "
        "--creator somebody --lang de --category animals --editors-choice --order latest"
    )
    assert of_options(*typed.split()) == Filters(
        media_type="vector", orientation="square", aspect_ratio=1.0, min_width=800, min_height=600,
        colours=("red", "blue"), licence=("commercial", "modification"), since=date(2023, 1, 1),
        until=date(2024, 5, 31), exclude_ai=True, safe_search=False, creator="somebody", language="de",
        category="animals", editors_choice=True, order="latest",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("16:9", 16 / 9),
        (" 16 : 9 ", 16 / 9),
        ("16/9", 16 / 9),
        ("1920x1080", 16 / 9),
        ("4×3", 4 / 3),
        ("2.35:1", 2.35),
        ("1.78", 1.78),
        ("1", 1.0),
        (".5", 0.5),
    ],
)
def test_an_aspect_ratio_is_two_sides_or_a_number(text: str, ratio: float) -> None:
    assert aspect_ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "wide", "16:", ":9", "16:0", "16:9:4", "-16:9", "1,78", "nan", "inf", "1e3", "²"])
def test_what_is_no_aspect_ratio_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongParameterError, match=r"must look like 16:9 or 1\.78"):
        aspect_ratio(text)


@pytest.mark.parametrize("text", ["0", "0:9", "1000:1", "0.001"])
def test_an_aspect_ratio_no_picture_has_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(WrongParameterError, match=r"allowed: 0\.01 to 100"):
        of_options("--aspect", text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28)),
        ("2024-12", date(2024, 12, 1), date(2024, 12, 31)),
        ("2024-5", date(2024, 5, 1), date(2024, 5, 31)),
        ("2024-05-01", date(2024, 5, 1), date(2024, 5, 1)),
        (" 2024-02-29 ", date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_a_day_a_month_or_a_year_spans_its_days(text: str, first: date, last: date) -> None:
    assert span(text) == (first, last)
    assert (of_options("--since", text).since, of_options("--since", text).until) == (first, None)
    assert (of_options("--until", text).since, of_options("--until", text).until) == (None, last)


@pytest.mark.parametrize("text", ["", "yesterday", "24", "2024-", "01-05-2024", "2024/05/01", "2024-05-01T12", "٢٠٢٤"])
def test_what_is_no_day_is_refused_with_an_example(text: str) -> None:
    for option in ("since", "until"):
        with pytest.raises(WrongParameterError, match="must look like 2024-05-01, 2024-05 or 2024"):
            of_options(f"--{option}", text)


@pytest.mark.parametrize("text", ["2023-02-29", "2024-13", "2024-00", "2024-04-31", "2024-01-00", "0000"])
def test_a_day_the_calendar_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(WrongParameterError, match="the calendar does not have it"):
        span(text)


def test_a_year_is_its_first_to_its_last_day() -> None:
    filters = of_options("--year", "2024")
    assert (filters.since, filters.until) == (date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize("text", ["2024-05", "24", "year", "", "20240"])
def test_what_is_no_year_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongParameterError, match="is no year; it must look like 2024"):
        of_options("--year", text)


@pytest.mark.parametrize("option", ["since", "until"])
def test_a_year_and_its_bounds_are_not_given_together(option: str) -> None:
    with pytest.raises(WrongParameterError, match="--year stands for --since and --until"):
        of_options("--year", "2024", f"--{option}", "2024")


@pytest.mark.parametrize(
    ("licences", "asked"),
    [
        ((), ()),
        (["any"], ()),
        (["commercial"], ("commercial",)),
        (["modification", "any", "commercial"], ("modification", "commercial")),
    ],
)
def test_any_licence_asks_for_no_use(licences: list[str], asked: tuple[str, ...]) -> None:
    assert Filters(licence=tuple(licences)).licence == asked


def test_a_use_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(WrongParameterError, match="'cc0' is not known; allowed: commercial, modification, any"):
        Filters(licence=("commercial", "cc0"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--aspect", "wide"], "must look like 16:9"),
        (["--licence", "free"], "allowed: commercial, modification, any"),
        (["--license", "free"], "allowed: commercial, modification, any"),
        (["--year", "last"], "must look like 2024"),
        (["--year", "2024", "--until", "2024"], "--year stands for"),
        (["--since", "2024-02-30"], "calendar"),
        (["--since", "2024", "--until", "2023"], "since 2024-01-01 lies after until 2023-12-31"),
        (["--creator", " "], "creator is empty"),
        (["--type", "film"], "all, photo, illustration, vector, video"),
        (["--type", "video"], "no videos from the built-in sample; Pixabay has some"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_exit_code_two_with_what_it_must_look_like(arguments: list[str], words: str) -> None:
    done = run("a boat", "--tag", "boat", "--source", "sample", *arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stdout == ""


def pixabay(server: ScriptedServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(
        "a boat", "--tag", "boat", "--model", "sample", *arguments,
        PIXABAY_API_KEY=KEY, PIXABAY_API_URL=server.url,
    )  # fmt: skip


def serve(server: ScriptedServer, hits: list[dict[str, Any]]) -> None:
    """Answers searches with `hits` and everything else with a picture."""
    picture = next(PICTURES_DIRECTORY.glob("*.jpg")).read_bytes()

    def answer(asked: Asked) -> Step:
        return of_hits(hits) if asked.path.startswith("/api/") else Step(200, picture, {"Content-Type": "image/jpeg"})

    server.otherwise = answer


def test_filters_that_pixabay_does_not_have_hold_to_the_end(api: ScriptedServer) -> None:
    def picture(number: int, day: str = "2024/05/01", **changes: Any) -> dict[str, Any]:
        file = f"{api.origin}/photo/{day}/08/33/{number}"
        files = {"previewURL": f"{file}_150.jpg", "webformatURL": f"{file}_640.jpg", "largeImageURL": f"{file}.jpg"}
        return hit(number, **files | {"imageWidth": 1600, "imageHeight": 900} | changes)

    serve(
        api,
        [
            picture(1),
            picture(2, day="2023/12/31"),
            picture(3, imageHeight=1200),
            picture(4, isAiGenerated=True),
            picture(5, user="another"),
            picture(6, day="2024/12/31"),
        ],
    )
    done = pixabay(
        api, "--year", "2024", "--aspect", "16:9", "--no-ai", "--creator", "Somebody", "--licence", "commercial",
        "--licence", "modification", "--no-fold", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert sorted(match["id"] for match in answer["matches"]) == ["1", "6"]
    assert answer["pool_size"] == 2
    assert "cannot filter" not in done.stderr


def test_videos_are_ranked_by_their_stills_and_say_their_length_and_clips(
    api: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    still = f"{api.origin}/video/2024/05/01/7_tiny.jpg"
    serve(api, [video(7, videos={"tiny": clip(7, "tiny", thumbnail=still)}, duration=83)])
    page = tmp_path_factory.mktemp("gallery") / "videos.html"
    done = pixabay(api, "--type", "video", "--colour", "red", "--json", "--gallery", str(page))
    assert done.returncode == 0, done.stderr
    [match] = json.loads(done.stdout)["matches"]
    assert (match["id"], match["media_type"], match["duration_s"]) == ("video-7", "video", 83.0)
    assert match["clips"] == [{"url": "https://cdn.example/video/2023/06/18/7_tiny.mp4", "width": 960, "height": 540}]
    assert match["image_url"] == still
    assert done.stderr.count("Pixabay cannot filter by colour; that wish is not applied to its pictures") == 1
    assert "1:23 video" in page.read_text(encoding="utf-8")
    assert api.asked[0].path == "/api/videos/"


def test_a_wish_is_passed_over_once_a_search_however_many_tags(api: ScriptedServer) -> None:
    serve(api, [])
    done = pixabay(api, "--type", "video", "--colour", "red", "--tag", "sea", "--tag", "ship")
    assert done.returncode == 1
    assert done.stderr.count("cannot filter by colour") == 1
    assert {asked.query["q"] for asked in api.asked} == {"boat", "sea", "ship"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--min-width", "99999"],
            "Nothing found under boat with --min-width 99999. Leave out --min-width 99999 to see more.",
        ),
        (
            ["--aspect", "9:1", "--year", "1990", "--creator", "nobody"],
            "with --aspect 9, --year 1990 and --creator nobody. Leave out --aspect 9, --year 1990 or --creator nobody "
            "to see more.",
        ),
        (["--since", "1990", "--until", "1991"], "with --since 1990-01-01 and --until 1991-12-31."),
        (
            ["--tag", "dragon"],
            "Nothing found under dragon. The sample is a toy and has drawn scenes alone: airplane, apple",
        ),
    ],
)
def test_where_filters_leave_nothing_they_are_named(arguments: list[str], words: str) -> None:
    tags = [] if "--tag" in arguments else ["--tag", "boat"]
    done = run("a boat", "--source", "sample", *tags, *arguments)
    assert done.returncode == 1
    assert words in done.stderr


def test_nothing_found_on_a_stock_site_says_what_else_there_is(api: ScriptedServer) -> None:
    serve(api, [])
    said = pixabay(api).stderr
    assert "--type all for drawings too" in said
    assert "The sample" not in said


def test_nothing_found_in_a_folder_says_what_a_tag_means_there(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "one.png")
    done = run("a boat", "--tag", "boat", "--source", str(tmp_path), "--model", "sample")
    assert done.returncode == 1
    assert "without --tag all pictures are looked at" in done.stderr
    assert "--lang" not in done.stderr


def test_nothing_found_says_which_sources_did_not_answer(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "one.png")
    sources = ["--source", str(tmp_path), "--source", "commons", "--source", "pixabay"]
    done = run("a boat", "--tag", "boat", *sources, "--model", "sample", "--offline", PIXABAY_API_KEY="x" * 30)
    assert done.returncode == 1
    assert re.search("none from (Pixabay and Wikimedia Commons|Wikimedia Commons and Pixabay)", done.stderr)


def test_pictures_that_could_not_be_had_are_counted_where_none_is_left(api: ScriptedServer) -> None:
    serve(api, [hit(number, webformatURL="", previewURL="", largeImageURL="") for number in (1, 2, 3)])
    done = pixabay(api)
    assert done.returncode == 1
    assert "none of the 3 pictures tagged" in done.stderr


def test_help_names_the_options() -> None:
    shown = run("--help", COLUMNS="200").stdout
    for option in ("--aspect", "--licence", "--license", "--year", "--since", "--until", "--no-ai", "--creator"):
        assert option in shown
    assert "phrasepix sources" in shown
