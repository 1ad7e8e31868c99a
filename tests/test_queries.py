"""Pictures as questions, what is not wanted, and what people say of the matches, on the built-in sample."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from rich.table import Table

from phrasepix import Example, Phrase, Query, find_images, stream_images
from phrasepix.errors import WrongPickError
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.query_inputs import parse_query
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from phrasepix.views.gallery import gallery_cards
from phrasepix.views.terminal import results_lines, results_table
from reranker.errors import PictureUnreachableError, WrongQueryError
from reranker.testing import ColourEncoder
from retriever.errors import WrongParameterError
from tests.in_process import run
from tests.picture_server import PictureServer, encoded, file, stripes

pytestmark = pytest.mark.sample_remembered

BOAT = PICTURES_DIRECTORY / "1343.jpg"  # a tent and a boat on a snowfield by day
IN_THE_SAMPLE: dict[str, Any] = {"tag": "boat", "source": "sample"}


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


def ids(results: LiveResults) -> list[str]:
    return [match.candidate.id for match in results]


def tags(results: LiveResults) -> list[set[str]]:
    return [set(match.candidate.tags) for match in results]


# -- pictures as questions -------------------------------------------------------------------------------------------


def test_a_file_finds_others_that_look_like_it_and_not_itself(tmp_path: Path) -> None:
    Image.open(BOAT).resize((500, 333)).save(tmp_path / "mine.jpg", quality=70)
    results = find_images(like=tmp_path / "mine.jpg", **IN_THE_SAMPLE, top=3)
    assert all({"boat", "tent", "snowfield"} <= one for one in tags(results))
    assert BOAT.stem not in ids(results)
    assert results.phrase == "like mine.jpg"


@pytest.mark.slow
def test_phrase_and_picture_both_have_their_say() -> None:
    said, seen, both = (
        tags(find_images(phrase, like=like, **IN_THE_SAMPLE, top=8))
        for phrase, like in (("a boat at night", None), (None, BOAT), ("a boat at night", BOAT))
    )
    assert sum("night" in one for one in both) > sum("night" in one for one in seen)
    assert sum("snowfield" in one for one in both) > sum("snowfield" in one for one in said)


def test_weights_and_a_query_say_the_same() -> None:
    picture = Image.open(BOAT)
    short = find_images("a boat at night", like=[(picture, 3)], minus=("a tent", 2.0), **IN_THE_SAMPLE)
    whole = Query((Phrase("a boat at night"), Example(picture.convert("RGB"), 3)), (Phrase("a tent", 2),))
    assert ids(short) == ids(find_images(whole, **IN_THE_SAMPLE))
    assert ids(short) != ids(find_images("a boat at night", like=picture, minus="a tent", **IN_THE_SAMPLE))


def test_files_are_read_upright_on_white_and_as_telephones_write_them(tmp_path: Path) -> None:
    turned, see_through, heic = (tmp_path / name for name in ("turned.jpg", "no extension", "phone.heic"))
    picture = stripes(["red", "blue"])
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(turned, exif=exif)
    Image.new("RGBA", (64, 48), (255, 0, 0, 0)).save(see_through, "PNG")
    pillow_heif.from_pillow(picture).save(heic)
    seen = [part.picture for part in parse_query(None, [turned, see_through, heic]).wanted if isinstance(part, Example)]
    assert all(isinstance(one, Image.Image) and one.mode == "RGB" for one in seen)
    assert [one.size for one in seen if isinstance(one, Image.Image)] == [(48, 64), (64, 48), (64, 48)]
    assert isinstance(seen[1], Image.Image)
    assert seen[1].getpixel((5, 5)) == (255, 255, 255)


def test_a_folder_needs_no_tag_and_leaves_out_the_file_it_was_asked_with(tmp_path: Path) -> None:
    for colours in (["red"], ["red", "blue"], ["green"]):
        stripes(colours).save(tmp_path / f"{'-'.join(colours)}.png")
    results = find_images(like=tmp_path / "red.png", source=tmp_path, model=ColourEncoder())
    assert [match.candidate.title for match in results] == ["red-blue", "green"]


def test_a_picture_of_the_web_is_fetched_once_and_then_known_offline(server: PictureServer) -> None:
    url = server.put("/boat.jpg", file(BOAT.read_bytes())) + "?token=secret"
    with pytest.raises(PictureUnreachableError, match=r"boat\.jpg.*offline") as caught:
        find_images(like=url, **IN_THE_SAMPLE, offline=True)
    assert "secret" not in str(caught.value)
    results = find_images(like=url, **IN_THE_SAMPLE, top=3)
    assert BOAT.stem not in ids(results)
    assert ids(find_images(like=url, **IN_THE_SAMPLE, top=3, offline=True)) == ids(results)
    assert server.asked["/boat.jpg"] == 1
    assert "secret" not in results.to_json()


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/boat.jpg", "http://10.0.0.1/boat.jpg", "http://[fd00::1]/b"])
def test_a_picture_at_a_private_address_is_refused(url: str, server: PictureServer, tmp_path: Path) -> None:
    server.put("/boat.jpg", file(encoded(stripes(["red"]))))
    stripes(["red", "blue"]).save(tmp_path / "one.png")
    with pytest.raises(WrongQueryError, match="not a public address"):
        find_images(like=url.format(port=server.port), source=tmp_path, model=ColourEncoder())
    assert server.asked_in_all == 0


def test_what_is_no_picture_on_the_web_is_named(server: PictureServer) -> None:
    page = server.put("/page.html", file(b"<html>no picture</html>", "text/html"))
    with pytest.raises(WrongQueryError, match=r"page\.html is no picture to compare with"):
        find_images(like=page, **IN_THE_SAMPLE)
    with pytest.raises(PictureUnreachableError, match=r"gone\.jpg.*404"):
        find_images(like=server.url("/gone.jpg"), **IN_THE_SAMPLE)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "nothing is asked for"),
        ({"phrase": " ", "like": BOAT}, "the phrase is empty"),
        ({"like": "no such file.jpg"}, r"there is no file .*no such file\.jpg; compare"),
        ({"like": __file__}, r"test_queries\.py cannot be used: the file is not a picture"),
        ({"like": PICTURES_DIRECTORY}, "is a folder"),
        ({"like": "ftp://example.org/boat.jpg"}, "not an http or https address"),
        ({"like": 3}, "3 is no picture"),
        ({"like": (BOAT, 0)}, "weight 0"),
        ({"like": (BOAT, float("nan"))}, "weight nan"),
        ({"phrase": "a boat", "minus": "  "}, "what is not wanted is empty"),
        ({"phrase": "a boat", "minus": " A  boat"}, "both wanted and not wanted"),
        ({"like": BOAT, "minus": BOAT}, "both wanted and not wanted"),
        ({"phrase": "a boat", "minus": ("people", -1)}, "weight -1"),
    ],
)
def test_what_cannot_be_asked_says_why(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongQueryError, match=words):
        find_images(**asked, **IN_THE_SAMPLE)


def test_an_embedding_of_another_model_is_refused() -> None:
    red = ColourEncoder().encode_texts(["red"])[0]
    with pytest.raises(WrongQueryError, match="192 dimensions"):
        find_images(Query((Example(red, title="mine"),)), **IN_THE_SAMPLE)


def test_a_picture_alone_names_no_tag_for_a_stock_site() -> None:
    with pytest.raises(WrongParameterError, match='tag="tiger"'):
        find_images(like=BOAT, source="sample")


# -- a search asked again --------------------------------------------------------------------------------------------


def test_more_like_a_match_asks_the_same_tags_whose_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite(PICTURES_DIRECTORY) as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        results = find_images("a red boat on the sea", model="sample", limit=40)
        asked = site.served["api"]
        more = results[3].more_like_this()
        assert isinstance(more, LiveResults)
        assert site.served["api"] == asked
        assert (more.tags, more.asked) == (results.tags, results.asked)
        assert ids(results)[3] not in ids(more)
        assert ids(more) == ids(find_images(like=results[3], tag=results.tags, model="sample", limit=40))


def test_feedback_ranks_the_same_pool_anew_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite(PICTURES_DIRECTORY) as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        results = find_images("a boat", tag="boat", model="sample")
        wished = [rank for rank, one in enumerate(tags(results), start=1) if "snowfield" in one]
        other = next(rank for rank, one in enumerate(tags(results), start=1) if "snowfield" not in one)
        served = site.served.copy()
        refined = results.refined(prefer=wished[:1], avoid=str(other))
        assert site.served == served
    assert results[wished[0] - 1].candidate.id in ids(refined)[:2], "what is preferred stays"
    assert sum("snowfield" in one for one in tags(refined)) > len(wished)
    assert (refined.pool_size, refined.skipped, refined.phrase) == (results.pool_size, (), "a boat")
    assert len(refined.refined("2").query.wanted) == 3  # type: ignore[union-attr]


def test_ranks_that_are_not_there_are_named() -> None:
    results = find_images("a boat", **IN_THE_SAMPLE, top=3)
    for prefer, avoid, words in (
        ([4], [], "no picture 4"),
        ([], "0", "no picture 0"),
        ("1,2", "2", "picture 2 is both"),
        ([], [], "no picture is preferred"),
        ("one", [], "picks nothing"),
    ):
        with pytest.raises(WrongPickError, match=words):
            results.refined(prefer, avoid)


def test_results_that_are_not_final_or_come_from_a_file_cannot_be_asked_again() -> None:
    *so_far, final = stream_images("a boat", **IN_THE_SAMPLE, top=3)
    read = pickle.loads(pickle.dumps(final))
    for results in (so_far[-1], read):
        with pytest.raises(WrongPickError, match="cannot be asked again"):
            results.refined("1")
    with pytest.raises(WrongPickError, match="cannot be asked again"):
        read[0].more_like_this()
    with pytest.raises(WrongPickError, match="like=match"):
        LiveMatch(1, 0.5, final[0].candidate, final[0].picture).more_like_this()


# -- what is not wanted ----------------------------------------------------------------------------------------------


def test_what_is_not_wanted_goes_and_what_it_cost_is_seen_wherever_matches_are() -> None:
    plain = find_images("a boat", **IN_THE_SAMPLE, top=100)
    results = find_images("a boat", minus="in the snow", **IN_THE_SAMPLE, top=100)
    snowy = {match.candidate.id for match in plain if {"snow", "snowfield"} & set(match.candidate.tags)}
    assert snowy & set(ids(plain)[:5])
    assert not snowy & set(ids(results)[:5])
    totals = [match.score - match.penalty for match in results]
    assert totals == sorted(totals, reverse=True)
    assert results_lines(results).splitlines()[-1].split("\t")[8] == f"{results[-1].penalty:.6f}"
    most = max(match.penalty for match in results)
    assert most > 0.01
    for shown, is_shown in ((results, True), (plain, False)):
        assert (f">penalty −{most:.3f}<" in gallery_cards(shown)) is is_shown
        assert (">no penalty<" in gallery_cards(shown)) is is_shown
        table = next(part for part in results_table(shown).renderables if isinstance(part, Table))
        assert ("penalty" in [column.header for column in table.columns]) is is_shown


# -- on the command line ---------------------------------------------------------------------------------------------


def test_a_picture_and_a_dislike_on_the_command_line(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery.html"
    options = ["--like", str(BOAT), "--minus", "at night", "--tag", "boat", "--source", "sample"]
    done = run(*options, "--json", "-n", "3", "--gallery", str(gallery))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["phrase"] == "like 1343.jpg"
    assert answer["query"] == {
        "wanted": [{"picture": "1343.jpg", "weight": 1.0}],
        "unwanted": [{"phrase": "at night", "weight": 1.0}],
    }
    assert not any("night" in match["tags"] for match in answer["matches"])
    assert "Kept away from “<bdi>at night</bdi>”." in gallery.read_text(encoding="utf-8")


def test_feedback_on_the_command_line_moves_up_what_is_like_the_preferred() -> None:
    search = ["a boat", "--tag", "boat", "--source", "sample", "--json"]
    before, after = (run(*search, *more) for more in ([], ["--prefer", "4", "--avoid", "1-2"]))
    assert after.returncode == 0, after.stderr
    first, second = (json.loads(done.stdout) for done in (before, after))
    assert second["matches"][0]["id"] == first["matches"][3]["id"]
    assert [part["weight"] for part in second["query"]["unwanted"]] == [0.15, 0.15]
    assert second["asked"] == first["asked"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nothing is asked for"),
        (["a boat", "--prefer", "11"], "there are 1 to 10"),
        (["a boat", "--prefer", "2", "--avoid", "1-3"], "both preferred and to be avoided"),
        (["--like", "nothing.jpg"], "nothing.jpg; compare how it is spelled"),
    ],
)
def test_what_cannot_be_done_is_wrong_usage(options: list[str], words: str) -> None:
    done = run(*options, "--tag", "boat", "--source", "sample")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
