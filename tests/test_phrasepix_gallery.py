"""The gallery page: self-contained, escaped, credited, and fit for a phone."""

import html
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from phrasepix import find_images
from phrasepix.errors import NotWrittenError
from phrasepix.results import Origin, Results, Skipped
from reranker.match import Match
from retriever.candidate import Candidate, Rendition

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


def results_with(text: str, page_url: str = "https://example.org/photos/1/") -> Results:
    candidate = Candidate(
        source="pixabay",
        id="1",
        page_url=page_url,
        renditions=(Rendition("https://example.org/1.jpg", 640, 426),),
        width=640,
        height=426,
        media_type="photo",
        tags=(text, *(f"tag{number}" for number in range(20))),
        creator=text,
        creator_url=page_url,
        licence="Pixabay Content License",
        licence_url="https://example.org/licence",
        credit=text,
        found_by="tag",
        ai_generated=True,
    )
    return Results(
        phrase=text,
        tags=(text,),
        origins=(Origin("pixabay", "Pixabay", "Pictures from Pixabay", "https://pixabay.com/"),),
        model=text,
        matches=(Match(1, 0.31, candidate, Image.new("RGB", (640, 426), "teal")),),
        skipped=(Skipped("pixabay", text, text),),
        pool_size=2,
    )


def test_nothing_from_outside_becomes_markup(tmp_path: Path) -> None:
    page = Page(results_with(HOSTILE).save_gallery(tmp_path / "g.html").read_text(encoding="utf-8"))
    assert page.all("script") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert [str(image["src"])[:23] for image in page.all("img")] == ["data:image/jpeg;base64,"]
    assert "{{7*7}}" in page.text, "shown as it is, not evaluated"
    assert page.all("img")[0]["alt"] == ", ".join(results_with(HOSTILE)[0].candidate.tags)


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
    meter = next(attributes for _, attributes in page.elements if attributes.get("role") == "meter")
    assert meter["aria-valuenow"] == "0.310"


def test_a_gallery_that_cannot_be_written_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match=r"cannot write .*missing"):
        results_with("a tiger").save_gallery(tmp_path / "missing" / "g.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(NotWrittenError, match="taken"):
        results_with("a tiger").save_gallery(tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_empty_result_says_what_to_try() -> None:
    empty = find_images("a dragon", tag="dragon", source="sample")
    assert "Nothing was found under dragon" in empty._repr_mimebundle_()["text/html"]


def test_json_has_every_field_a_program_needs() -> None:
    answer = json.loads(results_with("a tiger").to_json())
    assert set(answer) == {"phrase", "tags", "sources", "model", "pool_size", "matches", "skipped", "failures"}
    required = {"rank", "score", "source", "id", "page_url", "image_url", "width", "height", "tags", "creator"}
    assert required | {"creator_url", "licence", "credit"} <= set(answer["matches"][0])
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


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine to lay the page out")
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_window_in_a_real_browser(served: tuple[Path, str], width: int) -> None:
    directory, url = served
    results_with("a_very_long_word_" * 12 + " " + HOSTILE).save_gallery(directory / "gallery.html")
    # A frame of the width wanted, measured from outside: the gallery itself may run no script.
    (directory / "measure.html").write_text(
        f"""<iframe id="f" src="gallery.html" style="width:{width}px;height:800px;border:0"></iframe><script>
        onload = () => {{ const d = f.contentDocument; const i = d.images[0];
        document.title = JSON.stringify([d.documentElement.scrollWidth, i.naturalWidth, i.clientWidth, d.title]); }}
        </script>""",
        encoding="utf-8",
    )
    flags = [
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
    ]
    profile = f"--user-data-dir={directory / 'profile'}"
    shown = subprocess.run(
        [str(CHROMIUM), *flags, profile, f"{url}/measure.html"], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    title = shown.split("<title>")[1].split("</title>")[0]
    scroll_width, natural, client, heading = json.loads(html.unescape(title))
    assert scroll_width <= width
    assert natural == 640
    assert 200 < client <= width
    assert heading.endswith("· phrasepix")
