"""The gallery page: self-contained, escaped, credited, and fit for a phone."""

import html
import http.server
import io
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from phrasepix import find_images
from phrasepix.errors import NotWrittenError
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.results import Failure, Origin, Skipped
from phrasepix.views.gallery import gallery_cards
from phrasepix.views.terminal import results_lines
from phrasepix_core.candidate import Rendition
from reranker.calibration import PartShown
from retriever.testing import made_candidate
from tests.first_often import first_often

pytestmark = pytest.mark.own_export  # no test here runs the sample's model

HOSTILE = """"><script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}{% raw %}[red]&amp;'"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def results_with(text: str, page_url: str = "https://example.org/photos/1/", *, siblings: int = 0) -> LiveResults:
    candidate = made_candidate(
        source="pixabay",
        page_url=page_url,
        size=(640, 426),
        tags=(text, *(f"tag{number}" for number in range(20))),
        creator=text,
        creator_url=page_url,
        licence="Pixabay Content License",
        licence_url="https://example.org/licence",
        credit=text,
        found_by="tag",
        ai_generated=True,
    )
    return LiveResults(
        phrase=text,
        tags=(text,),
        origins=(Origin("pixabay", "Pixabay", "Pictures from Pixabay", "https://pixabay.com/"),),
        model=text,
        matches=(
            LiveMatch(
                1,
                0.31,
                candidate,
                Image.new("RGB", (640, 426), "teal"),
                siblings=tuple(replace(candidate, id=f"{n}", source="library") for n in range(2, 2 + siblings)),
                stands_out=3.0,
                fit="clear",
                share=0.75,
                parts=(PartShown(text, 0.2, "weak", 0.1),),
            ),
        ),
        skipped=(Skipped("pixabay", text, text),),
        pool_size=2,
    )


def test_what_folded_into_a_match_is_listed_with_links_and_credits_everywhere(tmp_path: Path) -> None:
    results = results_with("A sailor <3", siblings=3)
    for shown in (results.save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"), gallery_cards(results)):
        page = Page(shown)
        assert "and 3 alike" in page.text
        for number in (2, 3, 4):
            assert f"library:{number}" in page.text
        assert page.text.count("Pixabay Content License") == 4, "a licence each"
        assert [link["href"] for link in page.all("a")].count("https://example.org/photos/1/") == 2 + 2 * 3
    assert "<summary>and" not in gallery_cards(results_with("A sailor"))
    listed = json.loads(results.to_json())["matches"][0]["siblings"]
    assert [(one["source"], one["id"]) for one in listed] == [("library", "2"), ("library", "3"), ("library", "4")]
    assert {(one["page_url"], one["credit"]) for one in listed} == {("https://example.org/photos/1/", "A sailor <3")}
    assert results_lines(results).split("\t")[7] == "library:2, library:3, library:4"
    console = Console(file=io.StringIO(), width=160)
    console.print(results)
    assert "+3 alike: library:2, library:3, library:4" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_table_of_eighty_columns_keeps_tags_page_and_creator_however_long_an_id_is() -> None:
    results = results_with("sailor")
    (match,) = results.matches
    long = replace(match.candidate, source="openverse", id="4bc43a04-ef46-4544-a0c1-0123456789ab")
    untagged = replace(long, tags=(), title="Two sailors")
    console = Console(file=io.StringIO(), width=80)
    console.print(replace(results, matches=(replace(match, candidate=long), replace(match, candidate=untagged))))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "openverse:4bc43a04…89ab by sailor" in shown
    assert "https://example.org/photos/1/" in shown
    assert "sailor, tag0, tag1" in shown
    assert "Two sailors" in shown


def test_nothing_from_outside_becomes_markup(tmp_path: Path) -> None:
    results = results_with(HOSTILE, siblings=1)
    page = Page(results.save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    assert page.all("script") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert [str(image["src"])[:23] for image in page.all("img")] == ["data:image/jpeg;base64,"]
    assert "{{7*7}}" in page.text, "shown as it is, not evaluated"
    assert page.all("img")[0]["alt"] == ", ".join(results_with(HOSTILE)[0].candidate.tags)


class Directions(HTMLParser):
    """Texts in a script from right to left, each with the elements around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, list[tuple[str, dict[str, str | None]]]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img", "br"}:
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if any("\u0590" <= letter <= "\u06ff" for letter in data):
            self.texts.append((data, list(self._open)))


def test_what_is_written_from_right_to_left_turns_nothing_around_it(tmp_path: Path) -> None:
    results = results_with("نمر (في) الثلج!", siblings=1)
    page = results.save_gallery(tmp_path / "page.html").read_text(encoding="utf-8")
    texts = Directions(page).texts
    assert len(texts) >= 6
    for text, around in texts:
        isolated = [name for name, attributes in around if name in {"bdi", "title"} or "dir" in attributes]
        assert isolated, f"{text.strip()} stands in {[name for name, _ in around]}"
    nothing = replace(results, matches=()).save_gallery(tmp_path / "none.html").read_text(encoding="utf-8")
    assert all(any(name in {"bdi", "title", "h1"} for name, _ in around) for _, around in Directions(nothing).texts)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "http://127.0.0.1:1/", "file:///etc/passwd", ""]
)
def test_an_address_that_must_not_be_one_becomes_no_link(url: str) -> None:
    bundle = results_with("a tiger", page_url=url)._repr_mimebundle_()
    links = [str(link["href"]) for link in Page(bundle["text/html"]).all("a")]
    assert links
    assert all(link.startswith("https://") for link in links)


def test_the_page_loads_nothing_and_says_so_to_the_browser(tmp_path: Path) -> None:
    page = Page(results_with("a tiger").save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'")
    assert page.all("link") == []


def test_source_credit_and_licence_stand_on_the_page_with_links(tmp_path: Path) -> None:
    page = Page(results_with("a tiger").save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    links = {str(link["href"]) for link in page.all("a")}
    assert {"https://pixabay.com/", "https://example.org/licence", "https://example.org/photos/1/"} <= links
    assert "Pictures from Pixabay" in page.text
    assert "AI-generated" in page.text
    assert page.all("html")[0]["lang"] == "en"
    meters = [attributes for _, attributes in page.elements if attributes.get("role") == "meter"]
    assert [(one["aria-valuenow"], one["aria-valuetext"]) for one in meters] == [("75", "clear"), ("10", "weak")]
    assert "0.310" in page.text


def test_what_nothing_is_known_of_has_no_bar_and_no_word() -> None:
    results = results_with("a tiger")
    (match,) = results.matches
    unknown = replace(results, matches=(replace(match, stands_out=None, fit="", parts=()),))
    page = Page(gallery_cards(unknown))
    assert not any(attributes.get("role") == "meter" for _, attributes in page.elements)
    assert "0.310" in page.text
    assert unknown.fits_well is None
    assert results_lines(unknown).endswith("\t\t0.000000\t0.000000\n")


def test_a_number_without_a_word_is_shown_as_a_number() -> None:
    results = results_with("a tiger")
    (match,) = results.matches
    unmeasured = replace(results, matches=(replace(match, fit="", share=0.0, parts=()),))
    assert unmeasured.fits_well is None
    assert not any(attributes.get("role") == "meter" for _, attributes in Page(gallery_cards(unmeasured)).elements)
    console = Console(file=io.StringIO(), width=100)
    console.print(unmeasured)
    assert "+3.0 σ" in console.file.getvalue()  # type: ignore[attr-defined]


def test_every_face_shows_what_a_rank_is_made_of() -> None:
    results = results_with("a tiger")
    (match,) = results.matches
    ranked = replace(results, matches=(replace(match, nearness=0.123, bonus=-0.045),))
    assert ranked[0].total == pytest.approx(0.31 - 0.123 - 0.045)
    page = Page(gallery_cards(ranked))
    assert "nearness −0.123" in page.text
    assert "words −0.045" in page.text
    assert "Less nearness: a picture that is near every caption" in page.text
    assert "Less nearness" not in Page(gallery_cards(results)).text
    console = Console(file=io.StringIO(), width=120)
    console.print(ranked)
    table = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(text in table for text in ("nearness", "words", "−0.123", "−0.045"))
    told = json.loads(ranked.to_json())["matches"][0]
    assert (told["nearness"], told["bonus"]) == (0.123, -0.045)
    assert results_lines(ranked).endswith("\t0.123000\t-0.045000\n")


def test_every_face_says_when_nothing_fits_and_still_shows_the_order() -> None:
    results = results_with("a tiger")
    (match,) = results.matches
    unfit = replace(results, matches=(replace(match, stands_out=0.4, fit="weak", share=0.1, first_score=0.21),))
    page = Page(gallery_cards(unfit))
    assert "Nothing here fits well." in page.text
    assert "Nothing here fits well." not in Page(gallery_cards(results)).text
    assert "first 0.210" in page.text
    assert len(page.all("img")) == 1
    assert json.loads(unfit.to_json())["fits_well"] is False
    console = Console(file=io.StringIO(), width=100)
    console.print(unfit)
    table = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0.310 █░░░░░░░" in table
    assert "weak · first 0.210" in table
    assert "a tiger weak" in table


def hotlinked_results(*files: str) -> LiveResults:
    """A match for each file that its source wants shown by its own address, and one that is copied."""
    copied = results_with("a tiger")
    matches = [copied[0]]
    for number, file in enumerate(files, start=2):
        sizes = ((200, 133), (400, 267), (1080, 720), (3000, 2000))
        candidate = replace(
            copied[0].candidate,
            source="unsplash",
            id=str(number),
            title="Two boats, <b>at night</b>",
            hotlink=True,
            renditions=(
                *(Rendition(f"{file}&w={width}", width, height) for width, height in sizes[:2]),
                Rendition(f"{file}&w=640&made", 640, 427, as_given=False),
                *(Rendition(f"{file}&w={width}", width, height) for width, height in sizes[2:]),
            ),
        )
        matches.append(LiveMatch(number, 0.3, candidate, Image.new("RGB", (400, 267), "navy")))
    return replace(copied, matches=tuple(matches))


def policy_of(page: Page) -> dict[str, list[str]]:
    content = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    return {name: values for name, *values in (rule.split() for rule in str(content).split(";"))}


def test_a_picture_that_must_be_hotlinked_is_shown_by_its_address_and_not_copied(tmp_path: Path) -> None:
    results = hotlinked_results("https://images.example/photo-1?ixid=A&x=1")
    page = Page(results.save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    copied, shown = page.all("img")
    assert str(copied["src"]).startswith("data:image/jpeg;base64,")
    assert shown["src"] == "https://images.example/photo-1?ixid=A&x=1&w=1080", (
        "the smallest given one that fills a card"
    )
    assert (shown["width"], shown["height"], shown["alt"]) == ("1080", "720", "Two boats, <b>at night</b>")
    assert page.all("b") == []


def test_the_page_may_load_pictures_from_exactly_the_hosts_it_shows_them_from(tmp_path: Path) -> None:
    files = ["https://images.example/1?a", "https://images.example/2?a", "https://other.example:8443/3?a"]
    page = Page(hotlinked_results(*files).save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    assert policy_of(page) == {
        "default-src": ["'none'"],
        "img-src": ["data:", "https://images.example", "https://other.example:8443"],
        "style-src": ["'unsafe-inline'"],
    }
    alone = Page(results_with("a tiger").save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    assert policy_of(alone)["img-src"] == ["data:"]


@pytest.mark.parametrize(
    "file",
    [
        "http://127.0.0.1:8000/1?a",
        "javascript:alert(1)",
        "https://images.example;script-src *;/1?a",
        "https://a@images.example/1?a",
        "https://*/1?a",
    ],
)
def test_an_address_that_must_not_be_shown_from_leaves_the_copy_and_the_policy_alone(file: str, tmp_path: Path) -> None:
    page = Page(hotlinked_results(file).save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert policy_of(page)["img-src"] == ["data:"]


def test_in_a_notebook_too_it_is_shown_by_its_address() -> None:
    results = hotlinked_results("https://images.example/photo-1?ixid=A")
    images = Page(results._repr_mimebundle_()["text/html"]).all("img")
    assert [str(image["src"]).partition(":")[0] for image in images] == ["data", "https"]


def test_a_gallery_that_cannot_be_written_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match=r"cannot write .*missing"):
        results_with("a tiger").save_gallery(tmp_path / "missing" / "g.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(NotWrittenError, match="taken"):
        results_with("a tiger").save_gallery(tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_empty_result_says_what_to_try() -> None:
    empty = find_images("a dragon", tag="dragon", source="sample")
    assert "Nothing was found under dragon" in Page(empty._repr_mimebundle_()["text/html"]).text


def test_the_heading_is_a_sentence_with_its_spaces() -> None:
    results = results_with("a sailor")
    heading = " ".join(Page(gallery_cards(results)).text.partition(", ranked")[0].split())
    assert heading.endswith("The best 1 of 2 pictures tagged a sailor")
    untagged = " ".join(Page(gallery_cards(replace(results, tags=(), is_final=False))).text.split())
    assert "The best 1 of 2 pictures so far, ranked by the model a sailor." in untagged


def test_a_title_stands_on_the_card_beside_the_tags_and_apart_from_them() -> None:
    results = results_with("a sailor")
    (match,) = results.matches
    titled = replace(results, matches=(replace(match, candidate=replace(match.candidate, title="Sailors " * 60)),))
    page = Page(gallery_cards(titled))
    (title,) = [one for one in page.all("div") if one.get("class") == "title"]
    assert (title["dir"], title["title"]) == ("auto", "Sailors " * 60)
    assert "tags" in [one.get("class") for one in page.all("div")]
    assert "title" not in [one.get("class") for one in Page(gallery_cards(results)).all("div")]


def test_a_source_that_failed_is_named_on_the_page() -> None:
    failed = replace(results_with("a sailor"), failures=(Failure("pexels", "Pexels", "Pexels <cannot> be reached"),))
    text = Page(gallery_cards(failed)).text
    assert "Pexels <cannot> be reached" in text


def test_an_empty_folder_is_not_told_of_tags() -> None:
    text = Page(gallery_cards(replace(results_with("a sailor"), matches=(), tags=()))).text
    assert "There are no pictures that could be looked at." in text
    assert "Nothing was found under" not in text


def results_with_a_video(duration_s: float | None) -> LiveResults:
    shown = results_with("a tiger")
    [match] = shown.matches
    of_a_video = replace(match.candidate, media_type="video", duration_s=duration_s)
    return replace(shown, matches=(replace(match, candidate=of_a_video),))


@pytest.mark.parametrize(
    ("duration_s", "note"),
    [(23, "0:23 video"), (0.4, "0:01 video"), (59.6, "1:00 video"), (3723, "1:02:03 video"), (None, "video")],
)
def test_a_video_says_its_length_on_the_card_and_on_the_terminal(duration_s: float | None, note: str) -> None:
    results = results_with_a_video(duration_s)
    page = Page(results._repr_mimebundle_()["text/html"])
    assert [span.get("class") for span in page.all("span")].count("video") == 1
    assert note in page.text
    assert page.all("video") == [], "no clip is embedded"
    assert "https://example.org/photos/1/" in {link["href"] for link in page.all("a")}
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(results)
    assert f"{note} a tiger, tag0" in console.export_text()


def test_a_picture_says_nothing_of_a_length() -> None:
    results = results_with("a tiger")
    page = Page(results._repr_mimebundle_()["text/html"])
    assert "video" not in [span.get("class") for span in page.all("span")]
    assert json.loads(results.to_json())["matches"][0]["duration_s"] is None


def test_json_has_every_field_a_program_needs() -> None:
    answer = json.loads(results_with("a tiger").to_json())
    told = {"phrase", "query", "tags", "sources", "model", "pool_size", "matches", "skipped", "failures", "asked"}
    assert set(answer) == told | {"fits_well", "refined_by", "language", "notices"}
    match = answer["matches"][0]
    assert (answer["fits_well"], match["stands_out"], match["fit"], match["first_score"]) == (True, 3.0, "clear", None)
    assert match["parts"] == [{"text": "a tiger", "stands_out": 0.2, "fit": "weak"}]
    required = {
        "rank",
        "score",
        "penalty",
        "source",
        "id",
        "page_url",
        "image_url",
        "width",
        "height",
        "tags",
        "creator",
    }
    assert required | {"creator_url", "licence", "credit"} <= set(answer["matches"][0])
    filtered_by = {"title", "colours", "taken_on", "uploaded_on", "commercial_use", "modification", "credit_owed"}
    assert filtered_by <= set(answer["matches"][0])
    assert answer["skipped"] == [{"id": "a tiger", "source": "pixabay", "reason": "a tiger"}]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=5000",
    "--window-size=1400,900",
    "--dump-dom",
)


def measured(directory: Path, url: str, width: int, expression: str, *flags: str) -> Any:
    """What a script finds in `gallery.html` of a window so wide, as `d`, in a real browser.

    It looks from outside, through a frame: the gallery itself may run no script.
    """
    (directory / "measure.html").write_text(
        f"""<iframe id="f" src="gallery.html" style="width:{width}px;height:800px;border:0"></iframe><script>
        onload = () => {{ const d = f.contentDocument; document.title = JSON.stringify({expression}); }}
        </script>""",
        encoding="utf-8",
    )
    command = [str(CHROMIUM), *FLAGS, *flags, f"--user-data-dir={directory / 'profile'}", f"{url}/measure.html"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return json.loads(html.unescape(shown.split("<title>")[1].split("</title>")[0]))


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine to lay the page out")


@needs_chromium
@pytest.mark.parametrize("width", first_often(1, [360, 1280]))
def test_the_page_fits_its_window_in_a_real_browser(served: tuple[Path, str], width: int) -> None:
    directory, url = served
    results_with("a_very_long_word_" * 12 + " " + HOSTILE).save_gallery(directory / "gallery.html")
    scroll_width, natural, client, heading = measured(
        directory,
        url,
        width,
        "[d.documentElement.scrollWidth, d.images[0].naturalWidth, d.images[0].clientWidth, d.title]",
    )
    assert scroll_width <= width
    assert natural == 640
    assert 200 < client <= width
    assert heading.endswith("· phrasepix")


@needs_chromium
def test_a_real_browser_loads_the_pictures_the_page_names_and_no_other(served: tuple[Path, str]) -> None:
    directory, url = served
    Image.new("RGB", (1080, 720), "navy").save(directory / "boat.jpg")
    page = hotlinked_results("http://images.example/boat.jpg?a").save_gallery(directory / "gallery.html")
    strange = '<img src="http://other.example/boat.jpg"></footer>'
    page.write_text(page.read_text(encoding="utf-8").replace("</footer>", strange), encoding="utf-8")
    here = f"--host-resolver-rules=MAP *.example:80 {url.removeprefix('http://')}"
    images = "[...d.images].map(i => [i.src.slice(0, 22), i.naturalWidth])"
    assert measured(directory, url, 1280, images, here) == [
        ["data:image/jpeg;base64", 640],
        ["http://images.example/", 1080],
        ["http://other.example/b", 0],
    ]
