"""The grid of the tools for assistants in a real browser, within a host that speaks the protocol of MCP Apps."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phrasepix import Config, Finder
from phrasepix.assistant.grid import grid_page
from phrasepix.assistant.toolbox import Toolbox
from phrasepix.kept_searches import KeptSearches
from tests.assistants import call

playwright = pytest.importorskip("playwright.sync_api", reason="the grid is looked at with playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe looks for barriers")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine to show the grid"),
    pytest.mark.flaky(reruns=1),  # a browser on a busy machine
]

STRICT = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'"
"""What a host allows a page that declares no origin (the specification's restrictive default)."""
INJECTION = "<img src=x onerror=parent.postMessage('broken','*')>"

HOST = """<!DOCTYPE html><title>host</title>
<iframe sandbox="allow-scripts" style="width: 700px; height: 700px"></iframe>
<script>
const told = [];
const frame = document.querySelector("iframe");
const post = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
let result;
window.addEventListener("message", async ({ data, source }) => {
  if (source !== frame.contentWindow) return;
  told.push(data);
  if (data.method === "ui/initialize") {
    post({ id: data.id, result: { protocolVersion: "2026-01-26", hostInfo: { name: "test", version: "1" },
      hostCapabilities: { serverTools: {} }, hostContext: { theme: "dark" } } });
  } else if (data.method === "ui/notifications/initialized") {
    post({ method: "ui/notifications/tool-input", params: { arguments: {} } });
    post({ method: "ui/notifications/tool-result", params: result });
  } else if (data.method === "tools/call") {
    post({ id: data.id, result: await window.callTool(data.params) });
  } else if (data.id !== undefined) {
    post({ id: data.id, result: {} });
  }
});
function begin(page, answer) { result = answer; frame.srcdoc = page; }
</script>"""
"""What stands for an assistant's application: it passes calls of tools on, and notes what it is told."""


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]
) -> tuple[dict[str, Any], dict[int, Any]]:
    """A search over the built-in sample as a client gets it, and a look at each match by its rank."""
    cache = tmp_path_factory.mktemp("cache")
    link_export(cache)
    with Finder(Config(cache_directory=cache)) as finder:
        toolbox = Toolbox(finder, KeptSearches())
        answer = call(toolbox, "search", phrase="a red boat", tag=["boat"], source=["sample"], top=4)
        search = answer.structured_content["id"]
        looks = {rank: call(toolbox, "look", search=search, rank=rank, size=320) for rank in range(1, 5)}
    return plain(answer), {rank: plain(look) for rank, look in looks.items()}


def plain(answer: Any) -> dict[str, Any]:
    """An answer as it is sent."""
    sent: dict[str, Any] = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
    return sent


@pytest.fixture(scope="module")
def browser(found: Any) -> Iterator[Any]:
    """One for all; what is found comes first, for no event loop can begin in this thread while playwright's runs."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages that share nothing and are closed after the test."""
    pages = []

    def opened(**options: Any) -> Any:
        pages.append(browser.new_page(**options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    return open_page(viewport={"width": 800, "height": 800})


def shown(page: Any, answer: dict[str, Any], looks: dict[int, Any]) -> Any:
    """The frame of the grid, once it shows an answer."""
    page.set_content(HOST)
    page.expose_function("callTool", lambda asked: looks[asked["arguments"]["rank"]])
    strict = grid_page().replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{STRICT}">', 1)
    page.evaluate("([page, answer]) => begin(page, answer)", [strict, answer])
    frame = page.frame_locator("iframe")
    frame.locator("#said").get_by_text("picture").wait_for()
    return frame


def told(page: Any, method: str, times: int) -> list[dict[str, Any]]:
    """What the host was told by one method, once it was told so often: messages arrive later than keys and clicks."""
    of_method = "told.filter((one) => one.method === method)"
    page.wait_for_function(f"([method, times]) => {of_method}.length >= times", arg=[method, times])
    heard: list[dict[str, Any]] = page.evaluate(f"method => {of_method}", method)
    return [one["params"] for one in heard]


@pytest.mark.slow
def test_picks_come_back_in_the_order_in_which_they_were_picked(page: Any, found: Any) -> None:
    answer, looks = found
    frame = shown(page, answer, looks)
    search = answer["structuredContent"]["id"]
    for rank in (3, 1, 4):
        frame.locator(f'.pick[data-rank="{rank}"]').click()
    assert [frame.locator(f'.pick[data-rank="{rank}"] .order').inner_text() for rank in (3, 1, 4)] == ["1", "2", "3"]
    frame.locator('.pick[data-rank="1"]').click()
    assert [one["structuredContent"] for one in told(page, "ui/update-model-context", 4)] == [
        {"search": search, "picks": picks} for picks in ([3], [3, 1], [3, 1, 4], [3, 4])
    ]
    frame.locator("#use").click()
    frame.locator("#picked").get_by_text("Sent").wait_for()
    (message,) = told(page, "ui/message", 1)
    assert message == {
        "role": "user",
        "content": [
            {"type": "text", "text": f"I picked these pictures of search {search}, in this order: 3, 4."},
        ],
    }


def test_pictures_come_from_the_tool_and_nothing_is_loaded_from_anywhere(page: Any, found: Any) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    answer, looks = found
    frame = shown(page, answer, looks)
    frame.locator('.pick[data-rank="4"] img').wait_for()
    assert frame.locator(".pick img").count() == 4
    for image in frame.locator(".pick img").all():
        image.evaluate("image => image.decode()")
        assert image.evaluate("image => image.naturalWidth") > 100
    assert {url.partition(":")[0] for url in requested} <= {"about", "data"}
    assert wrong == []
    assert [one["arguments"]["rank"] for one in told(page, "tools/call", 4)] == [1, 2, 3, 4]


def test_everything_is_done_by_keyboard(page: Any, found: Any) -> None:
    answer, looks = found
    frame = shown(page, answer, looks)
    frame.locator('.pick[data-rank="2"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert told(page, "ui/open-link", 1) == [{"url": answer["structuredContent"]["matches"][1]["page_url"]}]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert told(page, "ui/update-model-context", 2)[-1]["structuredContent"]["picks"] == [2, 3]


def test_what_third_parties_wrote_is_shown_as_text(page: Any, found: Any) -> None:
    answer, looks = found
    matches = [match | {"title": INJECTION} for match in answer["structuredContent"]["matches"]]
    hostile = answer | {"structuredContent": answer["structuredContent"] | {"matches": matches}}
    frame = shown(page, hostile, looks)
    assert frame.get_by_text(INJECTION).count() == 4
    assert page.evaluate("told.includes('broken')") is False
    frame.locator('.pick[data-rank="1"]').click()
    frame.locator("#use").click()
    assert "onerror" not in str(told(page, "ui/message", 1) + told(page, "ui/update-model-context", 1))


def test_a_picture_that_its_source_shows_alone_is_not_shown(page: Any, found: Any) -> None:
    answer, looks = found
    alone = looks | {1: looks[1] | {"structuredContent": {"hotlink": "https://images.example/1"}}}
    frame = shown(page, answer, alone)
    frame.locator('.pick[data-rank="4"] img').wait_for()
    assert frame.locator(".pick img").count() == 3
    assert "see its page" in frame.locator('.pick[data-rank="1"]').inner_text()


def test_an_error_is_said(page: Any, found: Any) -> None:
    page.set_content(HOST)
    error = {"isError": True, "content": [{"type": "text", "text": "phrase 7 is not a text"}]}
    page.evaluate("([page, answer]) => begin(page, answer)", [grid_page(), error])
    frame = page.frame_locator("iframe")
    frame.get_by_text("phrase 7 is not a text").wait_for()
    assert frame.locator("#use").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 800])
@pytest.mark.slow
def test_axe_finds_no_barrier(open_page: Callable[..., Any], found: Any, scheme: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.set_content(grid_page())
    page.evaluate("answer => show(answer)", found[0])
    page.evaluate("toggle(2)")
    results = axe.Axe().run(page)
    grave = [one for one in results.response["violations"] if one["impact"] in {"serious", "critical"}]
    assert grave == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
