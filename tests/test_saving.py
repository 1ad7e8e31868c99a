"""Saving matches: the files, their credit inside and beside them, and what was saved before."""

import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pillow_heif
import pytest
from PIL import Image

from phrasepix import find_images
from phrasepix.errors import NotWrittenError, WrongPickError
from phrasepix.live_results import LiveResults
from phrasepix.sample.site import StockSite
from phrasepix.saving.project_usage import ProjectUsage
from phrasepix.saving.reopener import Reopener
from phrasepix_core.candidate import Candidate, Rendition
from reranker.match import Match
from reranker.testing import ColourEncoder
from retriever.errors import SourceAnswerError, WrongParameterError
from retriever.source import Opening
from retriever.testing import ListRetriever
from tests.picture_server import (
    Exchange,
    PictureServer,
    candidate,
    candidate_of,
    encoded,
    file,
    in_ranges,
    status,
    stripes,
)
from tests.saving_process import LoopbackRetriever, results_of
from tests.servers import KEY, ScriptedServer, hit, of_hits
from tests.small_disk import make_read_only, small_disk

pytestmark = pytest.mark.own_export  # no test here runs the sample's model

ROOT = Path(__file__).parents[1]
COLOURS = ["red", "blue", "green", "yellow"]


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


def offered(server: PictureServer, number: int, kind: str = "JPEG", source: str = "list") -> Candidate:
    """A candidate whose picture looks like no other's."""
    body = encoded(picture_of(number), kind)
    return candidate(number, server.put(f"/{number}", file(body)), source=source, size=(120, 90))


def picture_of(number: int) -> Image.Image:
    picture = stripes([COLOURS[(number + place * (number + 1)) % 4] for place in range(number + 5)], (120, 90))
    return picture.rotate(number * 37)


def entries(directory: Path) -> list[dict[str, Any]]:
    content = json.loads((directory / "credits.json").read_text(encoding="utf-8"))
    pictures: list[dict[str, Any]] = content["pictures"]
    return pictures


def assert_is_consistent(directory: Path, count: int) -> None:
    """Every picture is noted with its hash, in both files, and nothing else is left but the lock."""
    noted = entries(directory)
    assert len(noted) == count
    page = (directory / "CREDITS.md").read_text(encoding="utf-8")
    for entry in noted:
        data = (directory / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert page.count(f"(./{quote(entry['file'])})") == 1
    there = {path.name for path in directory.iterdir()}
    assert there == {entry["file"] for entry in noted} | {"credits.json", "CREDITS.md", ".phrasepix.lock"}


def test_a_saved_picture_has_its_pixels_its_credit_and_a_readable_name(server: PictureServer, tmp_path: Path) -> None:
    results = results_of([offered(server, 1), offered(server, 2, "PNG"), offered(server, 3, "WEBP")])
    saved = results.save(tmp_path / "new" / "project")
    assert saved.failed == ()
    assert [one.path.name for one in saved.pictures] == [
        f"list-someone-{number}-two-red-boats.{extension}"
        for number, extension in ((1, "jpg"), (2, "png"), (3, "webp"))
    ]
    for number, one in enumerate(saved.pictures, start=1):
        original = io.BytesIO()
        original.write(encoded(picture_of(number), ["JPEG", "PNG", "WEBP"][number - 1]))
        with Image.open(one.path) as ours, Image.open(original) as theirs:
            assert ours.tobytes() == theirs.tobytes()
            xmp = ours.info.get("xmp") or ours.info["XML:com.adobe.xmp"]
            assert "someone, stock.example" in (xmp.decode() if isinstance(xmp, bytes) else xmp).replace(
                " (https://stock.example/people/1)", ""
            )
    assert_is_consistent(saved.directory, 3)
    first = entries(saved.directory)[0]
    assert first["creator"] == "someone"
    assert first["licence_url"] == "https://stock.example/licence"
    assert (first["phrase"], first["tag"], first["score"]) == ("two red boats", "stripes", 0.5)
    assert first["credit"]["html"].startswith("<a href=")
    assert first["retrieved_at"].endswith("+00:00")


def test_a_format_without_a_place_for_the_credit_says_so_in_credits_json(server: PictureServer, tmp_path: Path) -> None:
    saved = results_of([offered(server, 1, "GIF")]).save(tmp_path)
    assert "GIF" in saved.pictures[0].without_credit_inside
    assert "GIF" in entries(tmp_path)[0]["metadata"]
    assert saved.pictures[0].path.read_bytes() == encoded(picture_of(1), "GIF")


def test_only_what_is_picked_is_saved_and_asked_for(server: PictureServer, tmp_path: Path) -> None:
    results = results_of([offered(server, number) for number in range(1, 6)])
    saved = results.save(tmp_path, "1,3-4")
    assert [one.match.rank for one in saved.pictures] == [1, 3, 4]
    assert set(server.asked) == {"/1", "/3", "/4"}


def test_more_than_twenty_are_refused_before_anything_is_written_or_asked(
    server: PictureServer, tmp_path: Path
) -> None:
    results = results_of([candidate(number, server.url("/x"), source="list") for number in range(21)])
    with pytest.raises(WrongPickError, match="at a time"):
        results.save(tmp_path / "project")
    assert not (tmp_path / "project").exists()
    assert server.asked_in_all == 0


def test_a_second_save_downloads_nothing_twice_and_appends(server: PictureServer, tmp_path: Path) -> None:
    one, two = offered(server, 1), offered(server, 2)
    results_of([one]).save(tmp_path)
    again = results_of([one, two], phrase="another phrase").save(tmp_path)
    assert [saved.is_new for saved in again.pictures] == [False, True]
    assert server.asked == {"/1": 1, "/2": 1}
    assert_is_consistent(tmp_path, 2)
    assert [entry["phrase"] for entry in entries(tmp_path)] == ["two red boats", "another phrase"]


def test_a_picture_that_was_deleted_is_saved_again_under_its_name(server: PictureServer, tmp_path: Path) -> None:
    results = results_of([offered(server, 1)])
    first = results.save(tmp_path).pictures[0]
    first.path.unlink()
    second = results.save(tmp_path).pictures[0]
    assert (second.path, second.is_new) == (first.path, True)
    assert_is_consistent(tmp_path, 1)


def test_the_same_file_from_two_sources_is_kept_once_and_credited_twice(server: PictureServer, tmp_path: Path) -> None:
    one = offered(server, 1)
    results_of([one, replace(one, source="mirror")]).save(tmp_path)
    noted = entries(tmp_path)
    assert [entry["source"] for entry in noted] == ["list", "mirror"]
    assert noted[0]["file"] == noted[1]["file"]
    assert len(list(tmp_path.glob("*.jpg"))) == 1


def test_a_file_of_the_persons_own_is_never_overwritten(server: PictureServer, tmp_path: Path) -> None:
    mine = tmp_path / "LIST-someone-1-two-red-boats.jpg"
    mine.write_bytes(b"mine")
    saved = results_of([offered(server, 1)]).save(tmp_path)
    assert saved.pictures[0].path.name.casefold() != mine.name.casefold()
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<!doctype html><p>Sign in first</p>", "not a picture"),
        (encoded(stripes(COLOURS, (200, 150)))[:700], "damaged"),
        (b"", "empty"),
    ],
    ids=["html", "cut", "empty"],
)
def test_what_is_no_whole_picture_is_named_and_the_others_are_saved(
    server: PictureServer, tmp_path: Path, body: bytes, reason: str
) -> None:
    wrong = candidate(9, server.put("/9", file(body)), source="list")
    saved = results_of([wrong, offered(server, 1)]).save(tmp_path)
    assert [one.match.candidate.id for one in saved.failed] == ["9"]
    assert reason in saved.failed[0].reason
    assert_is_consistent(tmp_path, 1)


def test_one_that_cannot_be_had_is_named_and_the_others_are_saved(server: PictureServer, tmp_path: Path) -> None:
    gone = candidate(9, server.put("/9", status(404)), source="list")
    saved = results_of([gone, offered(server, 1)]).save(tmp_path)
    assert "status 404" in saved.failed[0].reason
    assert_is_consistent(tmp_path, 1)


def test_a_download_that_was_cut_is_continued_by_the_next_save(server: PictureServer, tmp_path: Path) -> None:
    body = encoded(Image.effect_noise((300, 200), 90).convert("RGB"))
    one = candidate(1, server.put("/1", in_ranges(body, '"e"', cut_at=9000), status(404)), source="list")
    assert "status 404" in results_of([one]).save(tmp_path).failed[0].reason
    (part,) = tmp_path.glob("*.part")
    assert part.stat().st_size == 9000
    sent: list[str] = []

    def answer(exchange: Any) -> None:
        sent.append(exchange.asked("Range"))
        in_ranges(body, '"e"')(exchange)

    server.put("/1", answer)
    saved = results_of([one]).save(tmp_path)
    assert saved.failed == ()
    assert sent == ["bytes=9000-"]
    with Image.open(saved.pictures[0].path) as ours, Image.open(io.BytesIO(body)) as theirs:
        assert ours.tobytes() == theirs.tobytes()
    assert_is_consistent(tmp_path, 1)


def test_a_retriever_of_ones_own_is_asked_for_its_largest_given_rendition(
    server: PictureServer, tmp_path: Path
) -> None:
    offered(server, 1)
    one = candidate_of(
        1,
        (
            Rendition(server.url("/small"), 12, 9),
            Rendition(server.url("/1"), 120, 90),
            Rendition(server.url("/derived"), 240, 180, as_given=False),
        ),
        source="list",
    )
    assert results_of([one]).save(tmp_path).failed == ()
    assert set(server.asked) == {"/1"}


def test_a_retriever_that_knows_the_file_to_save_is_asked_for_it(server: PictureServer, tmp_path: Path) -> None:
    offered(server, 1)

    class Knowing(LoopbackRetriever):
        def file_to_save(self, candidate: Candidate) -> Rendition:
            if candidate.id == "2":
                raise SourceAnswerError("the picture is gone", status=404, text="")
            return Rendition(server.url("/1"), 120, 90)

    candidates = [candidate(number, "https://expired.example/x", source="list") for number in (2, 1)]
    saved = results_of(candidates, retriever=Knowing(candidates)).save(tmp_path)
    assert [one.match.candidate.id for one in saved.pictures] == ["1"]
    assert saved.failed[0].reason == "the picture is gone"


def test_a_sole_retriever_of_ones_own_is_asked_whatever_its_candidates_call_their_source(
    server: PictureServer, tmp_path: Path
) -> None:
    one = offered(server, 1, source="sample")
    own = Reopener(retrievers={"my pictures": LoopbackRetriever([one])})
    saved = replace_reopener(results_of([one]), own).save(tmp_path)
    assert saved.failed == ()
    assert server.asked == {"/1": 1}


def test_pictures_of_this_machine_are_left_alone_unless_the_source_is_here(
    server: PictureServer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(picture_of(1), "PNG"))
    candidates = [offered(server, 1), candidate(2, secret.as_uri(), source="list")]
    saved = results_of(candidates, retriever=ListRetriever(candidates)).save(tmp_path / "project")
    assert saved.pictures == ()
    assert ["public" in one.reason or "file URL" in one.reason for one in saved.failed] == [True, True]
    assert server.asked_in_all == 0


def test_files_of_a_source_on_disk_are_copied(tmp_path: Path) -> None:
    class OnDisk(ListRetriever):
        on_disk = True

    ours = tmp_path / "ürlaub 100%.png"
    ours.write_bytes(encoded(picture_of(1), "PNG"))
    raw = tmp_path / "camera.nef"
    raw.write_bytes(b"MM\0*what only the camera's reader decodes")
    candidates = [
        candidate(1, ours.as_uri(), source="folder"),
        candidate(2, raw.as_uri(), source="folder"),
        candidate(3, (tmp_path / "gone.png").as_uri(), source="folder"),
    ]
    saved = results_of(candidates, retriever=OnDisk(candidates)).save(tmp_path / "project")
    assert [one.path.name for one in saved.pictures] == ["ürlaub 100%.png", "camera.nef"]
    assert saved.pictures[1].path.read_bytes() == raw.read_bytes()
    assert "gone.png" in saved.failed[0].reason
    assert entries(tmp_path / "project")[1]["width"] == saved.pictures[1].match.candidate.width != 8
    assert_is_consistent(tmp_path / "project", 2)


def test_an_expired_address_is_refreshed_by_id(tmp_path: Path) -> None:
    now = time.time()
    with StockSite(rendition_lifetime=timedelta(hours=1), clock=lambda: now) as site:
        results = find_images(
            "two red boats", tag="boat", source="pixabay", key=site.key, base_url=site.api_url,
            model=ColourEncoder(), top=2, limit=5,
        )  # fmt: skip
        now += 2 * 60 * 60
        saved = results.save(tmp_path / "project")
    assert saved.failed == ()
    assert_is_consistent(tmp_path / "project", 2)


def test_the_sample_saves_after_its_site_is_gone(tmp_path: Path) -> None:
    results = find_images("two red boats", tag="boat", source="sample", model=ColourEncoder(), top=2, limit=5)
    saved = results.save(tmp_path)
    assert saved.failed == ()
    with Image.open(saved.pictures[0].path) as picture:
        assert max(picture.size) == max(
            results[0].candidate.renditions[-1].width, results[0].candidate.renditions[-1].height
        )


def test_what_several_sources_found_is_saved_from_each(server: PictureServer, tmp_path: Path) -> None:
    own = LoopbackRetriever([replace(offered(server, 1, source="own"), tags=("boat",))], "own")
    results = find_images(
        "two red boats", tag="boat", source=["sample", own], model=ColourEncoder(), top=4, limit=3
    )  # fmt: skip
    saved = results.save(tmp_path / "project")
    assert saved.failed == ()
    assert sorted(entry["source"] for entry in entries(tmp_path / "project")) == ["own", "sample", "sample", "sample"]


def test_the_key_is_neither_shown_nor_kept_anywhere(server: PictureServer, tmp_path: Path) -> None:
    with ScriptedServer() as api:
        body = encoded(picture_of(1))
        url = server.put("/1", file(body))
        one = hit(1, previewURL=url, webformatURL=url, largeImageURL=url)
        api.otherwise = lambda asked: of_hits([one])
        results = find_images(
            "red", tag="boat", source="pixabay", key=KEY, base_url=api.url, model=ColourEncoder(), limit=3
        )
        saved = results.save(tmp_path)
        assert saved.failed == ()
        assert any(asked.query.get("id") == "1" and asked.query["key"] == KEY for asked in api.asked)
        assert KEY not in repr(results) + repr(results.reopener) + repr(Opening(key=KEY)) + results.to_json()
        assert KEY.encode() not in pickle.dumps(results)
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_source_whose_key_is_gone_fails_by_name(tmp_path: Path) -> None:
    one = candidate(1, "https://cdn.example/1.jpg", source="pixabay")
    results = replace_reopener(results_of([one]), Reopener())
    saved = results.save(tmp_path)
    assert "PIXABAY_API_KEY" in saved.failed[0].reason


def test_offline_nothing_is_downloaded(server: PictureServer, tmp_path: Path) -> None:
    results = results_of([offered(server, 1)])
    offline = replace(results.reopener, offline=True)
    saved = replace_reopener(results, offline).save(tmp_path)
    assert "offline" in saved.failed[0].reason
    assert server.asked_in_all == 0


def test_what_a_search_found_offline_is_not_downloaded_of_a_retriever_of_ones_own_either(
    server: PictureServer, tmp_path: Path
) -> None:
    source = LoopbackRetriever([offered(server, 1)])

    def search(*, offline: bool) -> LiveResults:
        return find_images("red", tag="stripes", source=source, model=ColourEncoder(), offline=offline)

    search(offline=False)
    asked = server.asked_in_all
    saved = search(offline=True).save(tmp_path / "project")
    assert "offline" in saved.failed[0].reason
    assert server.asked_in_all == asked


def test_a_telephones_pictures_are_saved_from_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    pillow_heif.from_pillow(picture_of(1)).save(folder / "boat.heic")
    saved = find_images("red", source=folder, model=ColourEncoder()).save(tmp_path / "project")
    assert saved.failed == ()
    assert saved.pictures[0].path.suffix == ".heic"
    assert saved.pictures[0].path.read_bytes() == (folder / "boat.heic").read_bytes()


@pytest.mark.parametrize("named", ["path", "folder:path"])
def test_no_folder_is_opened_because_a_candidate_says_to_come_from_it(tmp_path: Path, named: str) -> None:
    private = tmp_path / "private.png"
    private.write_bytes(encoded(picture_of(1), "PNG"))
    source = named.replace("path", str(tmp_path))
    reopener = Reopener(retrievers={name: LoopbackRetriever([], name) for name in ("one", "another")})
    results = replace_reopener(results_of([candidate(1, private.as_uri(), source=source)]), reopener)
    saved = results.save(tmp_path / "project")
    assert "none that pictures of this source come from" in saved.failed[0].reason


def test_who_asks_for_a_file_says_the_contact_that_was_given(
    server: PictureServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHRASEPIX_CONTACT", "me@example.org")
    agents = []

    def answer(exchange: Exchange) -> None:
        agents.append(exchange.asked("User-Agent"))
        file(encoded(picture_of(1)))(exchange)

    results_of([candidate(1, server.put("/1", answer), source="list")]).save(tmp_path)
    assert "me@example.org" in agents[0]


def replace_reopener(results: LiveResults, reopener: Reopener) -> LiveResults:
    return replace(results, reopener=reopener)


def test_a_persons_own_words_in_credits_md_survive(server: PictureServer, tmp_path: Path) -> None:
    page = tmp_path / "CREDITS.md"
    page.write_bytes(b"# My book\r\nnot UTF-8: \xff\r\n")
    results_of([offered(server, 1)]).save(tmp_path)
    page.write_bytes(page.read_bytes() + b"\nThanks to all.\n")
    results_of([offered(server, 2)]).save(tmp_path)
    text = page.read_bytes()
    assert text.startswith(b"# My book\r\nnot UTF-8: \xff\r\n")
    assert text.endswith(b"\nThanks to all.\n")
    assert text.count(b"credits begin") == text.count(b"credits end") == 1
    assert text.count(b"](./list-") == 2


def test_a_marker_whose_other_half_is_gone_costs_no_words(server: PictureServer, tmp_path: Path) -> None:
    page = tmp_path / "CREDITS.md"
    page.write_text("<!-- phrasepix: credits begin -->\nmy words\n", encoding="utf-8")
    results_of([offered(server, 1)]).save(tmp_path)
    results_of([offered(server, 2)]).save(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "my words" in text
    assert text.count("](./list-") == 2


@pytest.mark.parametrize(
    "damaged", [b'{"pictures": [', b"\xff\xfe", b"[1, 2]", b'{"pictures": [{"file": 3}]}', b"[" * 9999]
)
def test_a_damaged_credits_json_is_set_aside_with_a_message(
    server: PictureServer, tmp_path: Path, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    results_of([offered(server, 1)]).save(tmp_path)
    before = (tmp_path / "CREDITS.md").read_bytes()
    (tmp_path / "credits.json").write_bytes(damaged)
    results_of([offered(server, 2)]).save(tmp_path)
    (aside,) = tmp_path.glob("credits.damaged-*.json")
    assert aside.read_bytes() == damaged
    (page,) = tmp_path.glob("CREDITS.before-*.md")
    assert page.read_bytes() == before
    assert aside.name in caplog.text
    assert [entry["id"] for entry in entries(tmp_path)] == ["2"]
    assert len(list(tmp_path.glob("*.jpg"))) == 2


def test_what_a_person_added_to_credits_json_stays(server: PictureServer, tmp_path: Path) -> None:
    results_of([offered(server, 1)]).save(tmp_path)
    content = json.loads((tmp_path / "credits.json").read_text(encoding="utf-8"))
    content["pictures"][0]["chapter"] = "III"
    (tmp_path / "credits.json").write_text(json.dumps(content), encoding="utf-8")
    results_of([offered(server, 2)]).save(tmp_path)
    assert entries(tmp_path)[0]["chapter"] == "III"


def test_hostile_words_reach_neither_the_page_nor_a_path(server: PictureServer, tmp_path: Path) -> None:
    words = (
        "../../CON\n# <script>x</script> [a](javascript:x) <!-- phrasepix: credits end --> \u202e\ud800" + "y" * 5000
    )
    hostile = replace(offered(server, 1), title=words, creator=words, credit=words, licence=words, tags=(words,))
    project = tmp_path / "deep" / "project"
    saved = results_of([hostile], phrase=words).save(project)
    assert saved.failed == ()
    assert saved.pictures[0].path.parent == project
    text = (project / "CREDITS.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 5
    assert "<script" not in text.replace("\\<", "")
    assert_is_consistent(project, 1)


def process(directory: Path, kill_at: int, candidates: list[Candidate]) -> "subprocess.Popen[str]":
    pictures = [f"{one.id}={one.image_url}" for one in candidates]
    return subprocess.Popen(
        [sys.executable, "-B", "-m", "tests.saving_process", str(directory), str(kill_at), *pictures],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_kill_between_any_two_steps_leaves_whole_files_and_the_next_save_mends_the_rest(
    server: PictureServer, tmp_path: Path
) -> None:
    """One picture is four moves: its note, itself, credits.json, CREDITS.md."""
    candidates = [offered(server, 1), offered(server, 2)]
    running = {count: process(tmp_path / str(count), count, candidates) for count in (1, 2, 3, 4, 6, 7)}
    said = {count: one.communicate(timeout=60)[1] for count, one in running.items()}
    for count, one in running.items():
        assert one.returncode == -signal.SIGKILL, said[count]
        directory = tmp_path / str(count)
        pictures = list(directory.glob("*.jpg"))
        assert len(pictures) == (count - 1) // 4 + ((count - 1) % 4 >= 2)
        for path in pictures:
            with Image.open(path) as picture:
                picture.load()
        if (directory / "credits.json").exists():
            assert all((directory / entry["file"]).exists() for entry in entries(directory))
        results_of([offered(server, 3)]).save(directory)  # mends, though it asks for another picture
        assert_mended(directory, {path.name for path in pictures})
        results_of(candidates).save(directory)
        assert_is_consistent(directory, 3)


def assert_mended(directory: Path, names: set[str]) -> None:
    page = (directory / "CREDITS.md").read_text(encoding="utf-8")
    assert names <= {entry["file"] for entry in entries(directory)}
    assert all(f"(./{name})" in page for name in names)


@pytest.mark.slow
def test_two_processes_at_once_lose_nothing(server: PictureServer, tmp_path: Path) -> None:
    candidates = [offered(server, number) for number in range(1, 8)]
    both = [process(tmp_path / "project", 0, some) for some in (candidates[:5], candidates[2:])]
    said = [one.communicate(timeout=60)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert_is_consistent(tmp_path / "project", 7)
    assert set(server.asked.values()) == {1}


def test_a_full_disk_costs_what_does_not_fit_and_nothing_else(server: PictureServer, tmp_path: Path) -> None:
    large = encoded(Image.effect_noise((700, 700), 90).convert("RGB"), "PNG")
    with small_disk(tmp_path / "disk", 300) as disk:
        results_of([offered(server, 1)]).save(disk)
        assert len(large) > 300_000
        too_large = candidate(9, server.put("/9", file(large)), source="list")
        saved = results_of([too_large, offered(server, 2)]).save(disk)
        assert [one.match.candidate.id for one in saved.pictures] == ["2"]
        assert "No space left" in saved.failed[0].reason
        assert_is_consistent(disk, 2)


def test_where_nothing_can_be_written_it_is_said_before_anything_is_asked(
    server: PictureServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWrittenError, match="file"):
        results_of([offered(server, 1)]).save(tmp_path / "file")
    assert server.asked_in_all == 0


def test_a_directory_that_cannot_be_written_to_any_more_still_marks(server: PictureServer, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 300) as disk:
        results = results_of([offered(server, 1)])
        results.save(disk)
        make_read_only(disk)
        assert ProjectUsage.in_project(disk).has(results[0].candidate)
        with pytest.raises(NotWrittenError, match="Read-only"):
            results.save(disk)


def test_a_file_of_the_persons_own_beside_the_credits_is_left_alone(server: PictureServer, tmp_path: Path) -> None:
    own = [".credits.json.bak", "credits.json~", ".phrasepix-notes", "CREDITS.md.orig"]
    for name in own:
        (tmp_path / name).write_text("mine")
    results_of([offered(server, 1)]).save(tmp_path)
    assert [(tmp_path / name).read_text() for name in own] == ["mine"] * 4


def sample(**options: Any) -> LiveResults:
    return find_images("two red boats", tag="boat", source="sample", model=ColourEncoder(), top=4, limit=8, **options)


def test_what_was_saved_before_is_marked_and_can_be_left_out(tmp_path: Path) -> None:
    first = sample(project=tmp_path)
    assert [match.used_before for match in first] == [""] * 4
    saved = first.save(tmp_path, [2])
    again = sample(project=tmp_path)
    assert [match.used_before for match in again] == ["", saved.pictures[0].path.name, "", ""]
    assert json.loads(again.to_json())["matches"][1]["used_before"] == saved.pictures[0].path.name
    unused = sample(project=tmp_path, unused=True)
    assert [match.rank for match in unused] == [1, 2, 3, 4]
    assert first[1].candidate.identity not in {match.candidate.identity for match in unused}
    assert first[0].candidate.identity == unused[0].candidate.identity


def test_what_looks_like_a_saved_picture_gives_way_to_the_next_best_and_as_many_are_shown(tmp_path: Path) -> None:
    first = sample()
    first.save(tmp_path, [1, 2])
    with StockSite() as site:  # the same pictures, elsewhere
        unused = find_images(
            "two red boats", tag="boat", source="pixabay", key=site.key, base_url=site.api_url, model=ColourEncoder(),
            top=4, limit=8, project=tmp_path, unused=True,
        )  # fmt: skip
    assert [match.rank for match in unused] == [1, 2, 3, 4]
    assert not {match.candidate.id for match in unused} & {match.candidate.id for match in first[:2]}


def test_a_picture_that_looks_like_a_saved_one_is_marked_under_whatever_name_it_comes(
    server: PictureServer, tmp_path: Path
) -> None:
    first = sample()
    first.save(tmp_path, [1])
    elsewhere = [
        replace(match, candidate=replace(match.candidate, source="mirror", id=f"m{match.rank}")) for match in first
    ]
    marked = ProjectUsage.in_project(tmp_path).marked(elsewhere)
    assert [bool(match.used_before) for match in marked] == [True, False, False, False]
    left = ProjectUsage.in_project(tmp_path).marked(elsewhere, unused=True)
    assert [(match.rank, match.candidate.id) for match in left] == [(1, "m2"), (2, "m3"), (3, "m4")]


def test_a_flat_picture_looks_like_no_other(server: PictureServer, tmp_path: Path) -> None:
    plain = candidate(1, server.put("/1", file(encoded(Image.new("RGB", (90, 90), "white")))), source="list")
    results_of([plain]).save(tmp_path)
    other = Match(1, 0.5, candidate(2, "https://cdn.example/2"), Image.new("RGB", (90, 90), "black"))
    assert ProjectUsage.in_project(tmp_path).marked([other])[0].used_before == ""


def test_a_project_that_cannot_be_read_marks_nothing_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert ProjectUsage.in_project(tmp_path / "none").by_identity == {}
    assert caplog.text == ""
    (tmp_path / "credits.json").write_text("no JSON")
    assert [match.used_before for match in sample(project=tmp_path)] == [""] * 4
    assert "credits.json" in caplog.text
    assert (tmp_path / "credits.json").read_text() == "no JSON"


def test_unused_needs_a_project() -> None:
    with pytest.raises(WrongParameterError, match="project"):
        sample(unused=True)


def test_a_match_gives_its_credit_in_each_form() -> None:
    match = sample()[0]
    assert match.credit() == match.credit("text")
    assert "[MIT License](https://opensource.org/license/mit)" in match.credit("markdown")
    assert match.credit("html").count("<a ") == 1
