"""A library as a whole: its timeline, its map, and what stands in it twice."""

import base64
import io
import json
import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from phrasepix.errors import NoLibraryError
from phrasepix.events import ignore
from phrasepix.library.duplicates import DuplicateGroup, duplicate_groups
from phrasepix.library.layout import laid_out, placed
from phrasepix.library.location import Location
from phrasepix.library.map_places import places_of
from phrasepix.library.pages.map_page import map_page
from phrasepix.library.pages.timeline import timeline_of, timeline_page
from phrasepix.library.table import Library
from reranker.encoder import unit_rows
from reranker.memory import Memory
from retriever.directories import cache_directory
from tests import in_process
from tests.library_parts import sync
from tests.page_server import CHROMIUM
from tests.picture_tree import picture, write, xmp
from tests.test_command_line import on_a_terminal
from training.scenes import draw, scene_of_seed


def taken(day: str, seed: int, *, rating: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = f"{day} 10:00:00"
    if rating:
        exif[0x4746] = rating
    return picture(seed, "JPEG", size, exif=exif.tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    for number in range(30):
        write(place / f"{number:02}.jpg", taken(f"2019:03:{number % 28 + 1:02}", number, rating=5 * (number == 7)))
    write(place / "a & <b>.jpg", taken("2021:12:24", 50))
    write(place / "undated.png", picture(60))
    return place


def library_of(folder: Path) -> Library:
    location = Location.of("mine")
    sync(Path(location.base), folder, cache_directory())
    return Library.open(location)


class Page(HTMLParser):
    """What a page loads, and leads to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.sources += [given[name] for name in ("src",) if name in given]
        if tag == "image":
            self.sources.append(given["href"])
        if tag == "a":
            self.links.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])


def test_a_timeline_has_each_month_with_some_of_its_pictures(folder: Path) -> None:
    library = library_of(folder)
    years, undated = timeline_of(library)
    assert ([year.number for year in years], undated) == ([2021, 2019], 1)
    march = years[1].months[2]
    assert (march.name, march.pictures, march.share) == ("March", 30, 1.0)
    assert years[0].months[11].share == pytest.approx(1 / 30)
    assert 1 < len(march.shown) <= 12
    assert [one.taken_on for one in march.shown] == sorted(one.taken_on for one in march.shown if one.taken_on)
    assert "07.jpg" in {Path(one.path).name for one in march.shown}  # the best of its days


def test_the_timeline_is_one_page_that_loads_nothing(folder: Path) -> None:
    library = library_of(folder)
    html = timeline_page(library)
    page = Page(html)
    assert page.sources
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.sources)
    assert page.tags["script"] == 0
    assert all(one.startswith(("#", "file:///")) for one in page.links)
    assert {one[1:] for one in page.links if one.startswith("#")} <= set(page.ids)
    assert "a &amp; &lt;b&gt;.jpg" in html
    assert "1 picture says no date" in html
    thumbnail = Image.open(io.BytesIO(base64.b64decode(page.sources[0].partition(",")[2])))
    assert max(thumbnail.size) <= 120


def test_a_file_that_is_gone_is_said_to_be_so(folder: Path) -> None:
    library = library_of(folder)
    (folder / "a & <b>.jpg").unlink()
    assert "not on this machine now" in timeline_page(library)
    assert map_page(library, library.column_of_model(None)).count("<image") > 1


def test_a_library_without_dates_or_vectors_has_pages_too(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "one.png", picture(1))
    library = library_of(tmp_path / "pictures")
    assert "No picture says when it was taken" in timeline_page(library)
    column = library.column_of_model(None)
    assert map_page(library, column).count("<image") == 1
    library.delete(library.keys_below(tmp_path))
    assert "No picture has been encoded yet" in map_page(library, column)
    with pytest.raises(NoLibraryError, match="no vectors of another"):
        library.column_of_model("another")


def test_a_map_shows_each_place_and_says_how_many_lie_there(folder: Path) -> None:
    library = library_of(folder)
    html = map_page(library, library.column_of_model(None))
    page = Page(html)
    assert page.tags["script"] == 0
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.sources)
    several = [int(number) for number in re.findall(r"<text[^>]*>(\d+)</text>", html)]
    assert len(page.sources) - len(several) + sum(several) == 32


def test_places_are_kept_until_a_share_of_the_pictures_changed(folder: Path) -> None:
    library = library_of(folder)
    column = library.column_of_model(None)
    before = places_of(library, column)
    kept = Path(library.location.base, f"map_{column}.npz")
    written = kept.stat().st_mtime_ns
    same = places_of(library, column)
    assert (same.places == before.places).all()
    assert kept.stat().st_mtime_ns == written

    write(folder / "new.png", picture(70))
    library = library_of(folder)
    more = places_of(library, column)
    at = dict(zip(more.digests, more.places.tolist(), strict=True))
    assert [at[digest] for digest in before.digests] == before.places.tolist()
    assert ((more.places >= 0) & (more.places <= 1)).all()

    for number in range(80, 90):
        write(folder / f"{number}.png", picture(number))
    again = places_of(library_of(folder), column)
    at = dict(zip(again.digests, again.places.tolist(), strict=True))
    assert [at[digest] for digest in before.digests] != before.places.tolist()
    for damage in (b"", b"PK no places"):
        kept.write_bytes(damage)
        assert (places_of(library_of(folder), column).places == again.places).all()


def test_of_a_large_library_some_are_drawn(folder: Path) -> None:
    library = library_of(folder)
    column = library.column_of_model(None)
    found = places_of(library, column, 10)
    assert (len(found.keys), found.total, found.is_drawn) == (10, 32, True)
    assert found.keys == places_of(library, column, 10).keys
    assert "of which 10, drawn by lot" in map_page(library, column, 10)


@pytest.mark.slow
def test_what_is_alike_lies_together() -> None:
    random = np.random.default_rng(1)
    centres = random.normal(size=(6, 32))
    of = np.repeat(np.arange(6), 120)
    vectors = unit_rows(centres[of] + 0.25 * random.normal(size=(len(of), 32)))
    places = laid_out(vectors)
    assert places.dtype == np.float32
    assert ((places >= 0) & (places <= 1)).all()
    assert (laid_out(vectors) == places).all()
    distances = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, 5, axis=1)[:, :5]
    assert (of[nearest] == of[:, None]).mean() > 0.97


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_few_pictures_have_places_too(count: int) -> None:
    vectors = unit_rows(np.random.default_rng(2).normal(size=(count, 8))) if count else np.empty((0, 8), np.float32)
    places = laid_out(vectors)
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    same = laid_out(np.repeat(vectors[:1], 5, axis=0)) if count else places
    assert np.isfinite(same).all()
    if count:
        assert placed(vectors, vectors[:1], places[:1]).shape == (count, 2)


# What stands in it twice.


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    for number in range(3):
        draw(replace(scene_of_seed(15_000_000 + 8 * number), shape="landscape"), 400, 300).save(
            place_of(place, f"{number}.png")
        )
    first = Image.open(place / "0.png")
    first.resize((200, 150), Image.Resampling.LANCZOS).save(place / "0 small.jpg", quality=90)
    first.crop((0, 0, 360, 300)).save(place / "0 cut.png")
    ImageOps.mirror(Image.open(place / "1.png")).save(place / "1 mirrored.png")
    shutil.copy(place / "2.png", place_of(place, "below/2 again.png"))
    packet = xmp("><dc:subject><rdf:Bag><rdf:li>boat</rdf:li></rdf:Bag></dc:subject>")
    Image.open(place / "2.png").resize((200, 150), Image.Resampling.LANCZOS).save(
        place / "2 tagged.jpg", quality=92, xmp=packet
    )
    return place


def place_of(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def groups_of(library: Library) -> list[DuplicateGroup]:
    with Memory(cache_directory()) as memory:
        return duplicate_groups(library, library.column_of_model(None), memory, ignore)


def verdicts(groups: list[DuplicateGroup]) -> dict[str, str]:
    return {Path(one.path).name: one.verdict for group in groups for one in group.copies}


def test_only_what_the_one_to_keep_has_all_of_is_safe(twice: Path) -> None:
    groups = groups_of(library_of(twice))
    found = verdicts(groups)
    assert found["2.png"] == "keep"
    assert found["2 again.png"] == "safe"
    assert found["0 small.jpg"] == "safe"
    assert found["2 tagged.jpg"] == "look"
    assert "safe" not in {found.get("0 cut.png"), found.get("1 mirrored.png")}
    why = {Path(one.path).name: one.why for group in groups for one in group.copies}
    assert "byte for byte" in why["2 again.png"]
    assert why["2 tagged.jpg"].endswith("keywords")
    assert all(group.copies[0].verdict == "keep" for group in groups)
    assert [group.bytes_safe for group in groups] == sorted((group.bytes_safe for group in groups), reverse=True)


def test_nothing_is_deleted_and_what_is_gone_saves_nothing(twice: Path) -> None:
    library = library_of(twice)
    before = sorted(path.name for path in twice.rglob("*"))
    groups_of(library)
    assert sorted(path.name for path in twice.rglob("*")) == before
    (twice / "2.png").unlink()
    assert verdicts(groups_of(library))["2 again.png"] == "keep"
    os.utime(twice / "0.png", ns=(1, 1))  # as if it had been edited since
    assert "0.png" not in verdicts(groups_of(library))


def test_a_link_takes_no_space(twice: Path) -> None:
    os.link(twice / "1.png", twice / "1 linked.png")
    groups = groups_of(library_of(twice))
    (why,) = [one.why for group in groups for one in group.copies if Path(one.path).name == "1 linked.png"]
    assert f"another name of {twice / '1.png'}" in why or f"another name of {twice / '1 linked.png'}" in why


def test_looks_that_are_not_remembered_are_compared(twice: Path) -> None:
    library = library_of(twice)
    expected = verdicts(groups_of(library))
    shutil.rmtree(cache_directory())
    assert verdicts(groups_of(library)) == expected


def test_the_commands_write_pages_and_list_what_stands_twice(twice: Path, tmp_path: Path) -> None:
    library_of(twice)
    for words in (["timeline"], ["map"]):
        page = tmp_path / f"{words[0]}.html"
        done = in_process.run("library", *words, str(page))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert f"Written: {page}" in done.stderr
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    done = in_process.run("library", "duplicates", "--header")
    head, *lines = done.stdout.splitlines()
    assert head == "group\tverdict\tpath\twhy"
    assert {line.split("\t")[1] for line in lines} >= {"keep", "safe"}
    listed = json.loads(in_process.run("library", "duplicates", "--json").stdout)
    assert len(lines) == sum(len(group["copies"]) for group in listed)
    missing = in_process.run("library", "map", str(tmp_path / "nowhere" / "map.html"))
    assert (missing.returncode, missing.stderr.count("\n")) == (3, 1), missing.stderr
    assert "cannot write" in missing.stderr


def test_on_a_terminal_what_stands_twice_is_shown_in_groups(twice: Path) -> None:
    library_of(twice)
    groups = json.loads(in_process.run("library", "duplicates", "--json").stdout)
    code, shown = on_a_terminal("library", "duplicates", columns=300)
    assert code == 0, shown
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "\t" not in plain
    assert f"Groups: {len(groups)}; what is safe to delete takes " in plain
    for copy in (copy for group in groups for copy in group["copies"]):
        assert re.search(rf"{copy['verdict']} +{re.escape(copy['path'])} \({copy['width']} × {copy['height']}", plain)
        assert copy["why"] in plain


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine to show the pages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.slow
def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_window(folder: Path, width: int, scheme: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    library = library_of(folder)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
        for html in (timeline_page(library), map_page(library, library.column_of_model(None))):
            page.set_content(html)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            grave = [
                (one["id"], [node["html"] for node in one["nodes"]])
                for one in axe.Axe().run(page).response["violations"]
                if one["impact"] in {"serious", "critical"}
            ]
            assert grave == []
        browser.close()
