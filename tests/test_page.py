"""The page of `phrasepix serve`, in a real browser, over the real command and sources on loopback."""

import io
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests.hub_server import HubServer
from tests.page_server import CHROMIUM, Sources
from tests.serve_process import ServeProcess
from tests.servers import Step
from tests.tiny_models import TINY

playwright = pytest.importorskip("playwright.sync_api", reason="the page is looked at with playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe looks for barriers")
pytest.importorskip("fastapi", reason="the server wants fastapi")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.flaky(reruns=1),  # a browser on a busy machine
]

Open = Callable[..., Any]
PHRASE = "two red boats at night in the rain"
SAMPLE = {"phrase": PHRASE, "tag": "boat", "source": "sample"}
PATIENCE_MS = 90_000
"""For the first search: a model is loaded, on a machine that may be busy."""

WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shifts.push([entry.value, entry.sources.map((one) => one.node?.className ?? "")]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
RECORD_SLOTS = """
window.seen = [];
new MutationObserver(() => {
  const slots = document.querySelectorAll("#grid > li");
  const filled = document.querySelectorAll("#grid > li:not(.slot)");
  window.seen.push([slots.length, filled.length, document.querySelectorAll("#grid > .is-settled").length]);
}).observe(document.documentElement, { subtree: true, childList: true });
"""


@pytest.fixture(scope="module")
def sources() -> Iterator[Sources]:
    """Pixabay answers; Pexels refuses the key, Commons has no requests left, Openverse is not there."""
    with Sources() as sources:
        sources.hold(sources.pixabay, 43)
        sources.pexels.otherwise = lambda asked: sources.pexels.key_refused()
        sources.commons.otherwise = lambda asked: Step(429, headers={"Retry-After": "3000"})
        yield sources


@pytest.fixture(scope="module")
def served(
    sources: Sources, tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]
) -> Iterator[ServeProcess]:
    place = tmp_path_factory.mktemp("served")
    link_export(place / "cache")
    shutil.copytree(PICTURES_DIRECTORY, place / "root" / "own", ignore=shutil.ignore_patterns("*.jsonl"))
    environment = {
        "PHRASEPIX_CACHE_DIR": str(place / "cache"),
        "PHRASEPIX_CONFIG_DIR": str(place / "config"),
        "HF_HOME": str(place / "hub"),
        "HF_HUB_OFFLINE": "1",
    }
    with ServeProcess(place / "root", environment | sources.environment) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, served: ServeProcess) -> Iterator[Open]:
    """Opens the page that asks for something. What the browser complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_at(asked: dict[str, Any] | None = None, *, server: ServeProcess = served, **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH_SHIFTS)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.page(**(asked or {})))
        page.wait_for_selector("body.is-ready")
        return page

    yield open_at
    for context in contexts:
        context.close()
    # A status that is no success is told by the browser, too; the page says it in its own words.
    assert [said for said in complaints if "Failed to load resource" not in said] == []


@pytest.fixture
def found(open_page: Open) -> Any:
    """The page with what the sample has for a phrase."""
    page = open_page(SAMPLE)
    wait_for_results(page)
    return page


def wait_for_results(page: Any, count: int = 10) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('#grid .is-settled').length === count"
        " && !document.body.classList.contains('is-searching')",
        arg=count,
    )


def wait_for_rest(page: Any) -> None:
    page.wait_for_selector("body:not(.is-searching)")


def wait_for_message(page: Any, text: str) -> None:
    page.locator(".toast", has_text=text).first.wait_for()


def ranks(page: Any) -> list[str]:
    """The pictures' addresses, in the order of the page."""
    found = page.eval_on_selector_all("#grid .look img", "images => images.map((image) => image.src)")
    return [re.search(r"of=(\w+)", one)[1] for one in found]  # type: ignore[index]


def barriers(page: Any) -> list[str]:
    """What axe finds that is serious or critical: in light, and of contrast in the dark too."""
    found = []
    for scheme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for one in axe.Axe().run(page, options=options).response["violations"]:
            if one["impact"] in {"serious", "critical"}:
                found += [f"{scheme} {one['id']}: {node['html'][:200]}" for node in one["nodes"]]
    return found


def wait_for_focus(page: Any, title: str) -> None:
    """Wait until what is called so has the focus: it comes back after a dialog's close, which is told later."""
    page.wait_for_function("title => document.activeElement?.ariaLabel?.startsWith(title)", arg=title)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_from_a_sentence_to_files_with_their_credit_and_back(open_page: Open, served: ServeProcess) -> None:
    page = open_page()
    page.get_by_role("button", name="the built-in sample").click()
    for other in ("Pixabay", "Openverse", "Wikimedia Commons"):
        chip = page.get_by_role("button", name=re.compile(f"^{other}"))
        if chip.get_attribute("aria-pressed") == "true":
            chip.click()
    page.get_by_role("textbox", name="What the picture shows").fill(PHRASE)
    page.get_by_role("button", name="Search", exact=True).click()
    wait_for_results(page)
    assert page.locator("#model option:checked").inner_text() == "sample (default)"
    page.get_by_label("Pick picture 2").click()
    page.get_by_label("Pick picture 1", exact=True).click()
    assert page.locator(".picks img").count() == 2
    page.get_by_label("Project folder").fill("posts/boats")
    page.get_by_role("button", name="Save 2").click()
    wait_for_message(page, "Saved 2 pictures into posts/boats, with CREDITS.md.")
    folder = served.root / "posts" / "boats"
    saved = [path for path in folder.iterdir() if path.suffix == ".jpg"]
    assert len(saved) == 2
    assert (folder / "CREDITS.md").read_text(encoding="utf-8").count("built-in sample") >= 2
    assert page.locator(".badge.is-used:visible").count() == 2
    page.get_by_role("button", name="Undo").click()
    wait_for_message(page, "is undone")
    assert not [path for path in folder.iterdir() if path.suffix == ".jpg"]
    assert page.locator(".badge.is-used:visible").count() == 0


@pytest.mark.slow
def test_all_of_it_by_keys_alone(open_page: Open, served: ServeProcess) -> None:
    page = open_page({"source": "sample"})
    press(page, "Escape", "/")
    page.keyboard.type(PHRASE)
    press(page, "Enter")
    wait_for_results(page)
    press(page, "ArrowDown")
    wait_for_focus(page, "Picture 1, ")
    press(page, " ", "ArrowRight", " ", "ArrowDown")
    page.wait_for_function("() => /^Picture (?![12],)/.test(document.activeElement.ariaLabel)")
    press(page, "ArrowUp", "Home", "Enter")
    page.get_by_role("dialog").wait_for()
    press(page, "?")
    assert page.get_by_role("dialog").count() == 1, "a dialog has the keys to itself"
    press(page, "ArrowRight", "ArrowRight", " ", "Escape")
    wait_for_focus(page, "Picture 3, ")
    press(page, "m")
    page.get_by_role("group", name="Steered by").get_by_text("More like").wait_for()
    wait_for_results(page)
    press(page, "x")
    page.get_by_role("group", name="Steered by").get_by_text("Less like").wait_for()
    wait_for_results(page)
    press(page, "s")
    page.keyboard.type("by-keys")
    press(page, "Enter")
    wait_for_message(page, "Saved 3 pictures into by-keys")
    assert len([path for path in (served.root / "by-keys").iterdir() if path.suffix == ".jpg"]) == 3
    page.locator("#grid .look").first.focus()
    press(page, "?")
    page.get_by_role("heading", name="Keys").wait_for()
    press(page, "Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    page.wait_for_function("() => document.activeElement.className === 'look'")


@pytest.mark.slow
def test_slots_are_there_at_once_fill_up_and_move_nothing(open_page: Open, sources: Sources) -> None:
    # Nobody has seen these: what is remembered comes at once.
    with sources.holding(sources.pixabay, (replace(one, number=1000 + one.number) for one in sources.drawn("new", 43))):
        sources.slowly("new", 0.02)
        page = open_page({"source": "pixabay", "model": "sample", "tag": "fleet"})
        page.evaluate(f"window.shifts = []; window.seen = [];{RECORD_SLOTS}")
        page.get_by_label("What the picture shows").fill("many boats, one after the other")
        press(page, "Enter")
        wait_for_results(page)
    page.wait_for_timeout(400)
    seen = [tuple(one) for one in page.evaluate("window.seen")]
    assert seen[0][:2] == (10, 0), "ten numbered slots before anything has come"
    assert {slots for slots, _, _ in seen} == {10}
    fillings = sorted({filled for _, filled, _ in seen})
    assert fillings[0] == 0
    assert fillings[-1] == 10
    assert any(filled and not settled for _, filled, settled in seen), "pictures come before the ranks are final"
    assert page.evaluate("window.shifts") == []


STATES: dict[str, tuple[dict[str, Any], str]] = {
    "first": ({}, "Try it with the built-in sample, which asks nobody"),
    "nothing": (SAMPLE | {"tag": "zebra", "filters.orientation": "vertical"}, "Nothing found under zebra"),
    "all-failed": (SAMPLE | {"source": ["pexels", "commons"], "model": "sample"}, "None of the sources could be asked"),
    "spent": (SAMPLE | {"source": "commons", "model": "sample"}, "No more requests for now"),
    "unreachable": (SAMPLE | {"source": "openverse", "model": "sample"}, "No source can be reached"),
    "offline": (
        SAMPLE | {"source": "pixabay", "tag": "cat", "model": "sample", "offline": "true"},
        "Offline, and nothing of this is remembered",
    ),
    "key": (SAMPLE | {"source": "unsplash", "model": "sample"}, "A key is missing"),
    "model": (SAMPLE | {"source": "pixabay"}, "The model is not on this machine"),
    "failed": (SAMPLE | {"top": "0"}, "This cannot be asked"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one == "model" else one for one in STATES]
)
@pytest.mark.slow
def test_each_state_is_said_with_what_to_do_and_without_barriers(open_page: Open, name: str) -> None:
    asked, heading = STATES[name]
    page = open_page(asked)
    page.get_by_role("heading", name=heading).wait_for()
    panel = page.locator(f'[data-state="{name}"]')
    assert panel.get_by_role("button").count() or panel.get_by_role("link").count()
    said = panel.inner_text()
    expected = {
        "all-failed": "Pexels",
        "spent": r"asked again at \d",
        "key": "https://unsplash.com/oauth/applications",
        "nothing": r"--orientation vertical",
        "model": "ViT-B-32",
        "unreachable": "refused",
    }
    assert re.search(expected.get(name, ""), said), said
    assert barriers(page) == []


@pytest.mark.slow
def test_one_source_that_fails_is_told_beside_the_pictures_of_the_others(open_page: Open) -> None:
    page = open_page(SAMPLE | {"source": ["pixabay", "pexels"], "model": "sample"})
    wait_for_results(page)
    note = page.get_by_role("button", name="Not all that Pexels has")
    note.click()
    assert "key" in page.locator("#all-notes").inner_text()
    page.get_by_role("button", name=re.compile("Pexels, did not answer")).wait_for()
    assert barriers(page) == []


def test_that_nothing_fits_is_said(open_page: Open) -> None:
    page = open_page(SAMPLE | {"phrase": "a quarterly tax report on a desk"})
    wait_for_results(page)
    page.get_by_role("button", name="Nothing here fits well").wait_for()
    assert "Nothing here fits well" in page.locator("#live").inner_text()


@pytest.mark.slow
def test_the_grid_the_zoom_and_the_drawer_have_no_barriers(found: Any) -> None:
    found.get_by_label("Pick picture 1", exact=True).click()
    assert barriers(found) == []
    found.get_by_role("button", name="Picture 1, boat").click()
    found.get_by_text("How it shows each part").wait_for()
    assert barriers(found) == []
    press(found, "Escape")
    found.get_by_role("button", name="Filters").click()
    assert barriers(found) == []


@pytest.mark.slow
def test_the_address_holds_the_search(found: Any, open_page: Open) -> None:
    first = ranks(found)
    found.get_by_label("More like picture 4").click()
    found.wait_for_url("**more=**")
    wait_for_results(found)
    steered = ranks(found)
    assert steered != first
    found.get_by_label("What the picture shows").fill("a green boat")
    press(found, "Enter")
    found.wait_for_url("**green**")
    wait_for_results(found)
    found.go_back()
    wait_for_results(found)
    assert ranks(found) == steered
    assert found.get_by_label("What the picture shows").input_value() == PHRASE
    found.go_back()
    assert ranks(found) == first
    found.go_forward()
    found.reload()
    wait_for_results(found)
    assert ranks(found) == steered
    assert "token" not in found.url
    other = found.context.new_page()
    other.goto(found.url)
    wait_for_results(other)
    assert ranks(other) == steered


@pytest.mark.slow
def test_tags_are_found_dropped_retyped_and_added(open_page: Open) -> None:
    page = open_page({"phrase": PHRASE, "source": "sample"})
    wait_for_results(page)
    tags = page.get_by_role("group", name="Tags")
    found = tags.locator(".chip.found")
    assert found.count() > 1
    assert found.first.locator(".note").inner_text().isdigit(), "what it has brought"
    tags.get_by_role("button", name="Take away the tag rain").click()
    wait_for_results(page)
    assert "rain" not in page.url.split("&", 1)[1]
    tags.get_by_role("button", name="Change the tag night").click()
    page.keyboard.type("house")
    press(page, "Enter")
    page.wait_for_url("**tag=house**")
    tags.get_by_label("Add a tag").fill("balloon")
    press(page, "Enter")
    page.wait_for_url("**tag=balloon**")
    wait_for_results(page)
    assert "house" in page.locator("#summary").inner_text()
    tags.get_by_role("button", name="find them").click()
    wait_for_results(page)
    assert "tag=" not in page.url


@pytest.mark.slow
def test_what_is_not_wanted_is_kept_away_from(found: Any) -> None:
    before = ranks(found)
    found.get_by_label("Add a thing that should not be there").fill("a red boat")
    press(found, "Enter")
    found.wait_for_url("**minus=a+red+boat**")
    wait_for_results(found)
    assert ranks(found) != before
    found.get_by_role("button", name="Take away the unwanted thing a red boat").click()
    wait_for_results(found)
    assert ranks(found) == before


@pytest.mark.slow
def test_each_filter_is_called_as_on_the_command_line_and_narrows(found: Any) -> None:
    found.get_by_role("button", name="Filters").click()
    drawer = found.get_by_role("dialog")
    names = set(drawer.locator("code").all_inner_texts())
    assert {"--type", "--orientation", "--aspect", "--colour", "--licence", "--since", "--no-ai", "--top"} <= names
    drawer.get_by_label("--orientation").select_option("vertical")
    drawer.get_by_label("red", exact=True).check()
    drawer.get_by_role("button", name="Apply").click()
    found.wait_for_url("**filters.orientation=vertical**")
    wait_for_rest(found)
    shapes = found.eval_on_selector_all(
        "#grid .card", "cards => cards.map((card) => [card.card.match.width, card.card.match.height])"
    )
    assert shapes
    assert all(width < height for width, height in shapes)
    assert found.get_by_role("button", name=re.compile("Filters")).inner_text().endswith("2")


@pytest.mark.slow
def test_a_picture_that_is_chosen_dropped_or_pasted_is_the_question(open_page: Open) -> None:
    page = open_page({"source": "sample", "tag": "boat"})
    picture = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[0]
    page.set_input_files("#file", picture)
    wait_for_results(page)
    assert page.locator(".example").inner_text() == picture.name
    assert "like=upload" in page.url
    alone = ranks(page)
    page.get_by_label("What the picture shows").fill("a yellow balloon")
    press(page, "Enter")
    page.wait_for_url("**balloon**")
    wait_for_results(page)
    assert ranks(page) != alone
    data = list(picture.read_bytes())
    for kind, target in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([kind, target, data]) => {
              const carried = new DataTransfer();
              carried.items.add(new File([new Uint8Array(data)], `${kind}.jpg`, { type: "image/jpeg" }));
              const Made = kind === "drop" ? DragEvent : ClipboardEvent;
              document.body.dispatchEvent(new Made(kind, { [target]: carried, bubbles: true, cancelable: true }));
            }""",
            [kind, target, data],
        )
        page.get_by_text(f"{kind}.jpg").wait_for()
        wait_for_results(page)
    assert page.locator(".example").count() == 3


@pytest.mark.slow
def test_steering_asks_no_source(open_page: Open, sources: Sources) -> None:
    page = open_page(SAMPLE | {"source": "pixabay", "model": "sample"})
    wait_for_results(page)
    asked, fetched = len(sources.pixabay.asked), sources.pictures.asked_in_all
    page.get_by_label("Less like picture 1", exact=True).click()
    page.wait_for_url("**less=**")
    wait_for_results(page)
    page.get_by_label("More like picture 3").click()
    page.wait_for_url("**more=**")
    wait_for_results(page)
    assert (len(sources.pixabay.asked), sources.pictures.asked_in_all) == (asked, fetched)
    page.get_by_role("button", name=re.compile("No longer less like")).click()
    wait_for_results(page)
    assert "less=" not in page.url
    page.get_by_role("slider", name="Diverse").fill("1")
    page.wait_for_url("**diverse=1**")
    wait_for_results(page)


@pytest.mark.slow
def test_a_picture_of_the_results_is_the_question(found: Any) -> None:
    found.get_by_role("button", name="Picture 2, boat").click()
    found.get_by_role("button", name="Ask with this picture").click()
    found.wait_for_url("**as=sample**")
    wait_for_results(found)
    assert found.get_by_role("group", name="Steered by").inner_text().startswith("Asked with")


def test_the_zoom_tells_all_facts_and_each_part_of_the_phrase(found: Any) -> None:
    found.get_by_role("button", name="Picture 1, boat").click()
    dialog = found.get_by_role("dialog")
    dialog.get_by_text("How it shows each part").wait_for()
    parts = dialog.get_by_role("meter", name="how well it shows").evaluate_all(
        "meters => meters.map((meter) => [meter.ariaValueText, Number(meter.ariaValueNow)])"
    )
    assert len(parts) >= 2
    assert all((word == "clear") == (share >= 50) for word, share in parts), "what is clear fills half of its bar"
    facts = dict(zip(dialog.locator("dt").all_inner_texts(), dialog.locator("dd").all_inner_texts(), strict=True))
    assert facts["Licence"] == "MIT License"
    assert facts["Found by"] == "boat"
    assert "pixels" in facts["Size"]
    assert dialog.locator("img").first.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 300
    press(found, "ArrowRight")
    assert dialog.get_by_role("heading", level=2).inner_text().startswith("2. ")


@pytest.mark.slow
def test_ways_of_seeing_a_picture_are_compared(found: Any) -> None:
    found.get_by_role("button", name="Picture 2, boat").click()
    found.get_by_role("button", name="Compare ways of seeing").click()
    dialog = found.get_by_role("dialog", name="Ways of seeing")
    dialog.get_by_text("marks what no other row has").wait_for(timeout=3 * PATIENCE_MS)  # several encoders, in turn
    assert {"colour", "hog", "phash", "clip"} <= {*dialog.locator(".way h3").all_inner_texts()}
    rows = dialog.locator(".way:has(ol)")
    assert [rows.nth(place).locator("li").count() for place in range(rows.count())] == [8] * rows.count()
    widths = "(images) => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth)))"
    dialog.locator(".way li img").evaluate_all("(images) => images.forEach((image) => { image.loading = 'eager'; })")
    assert min(dialog.locator(".way li img").evaluate_all(widths)) > 50
    credited = dialog.locator(".way li .way-credit").all_inner_texts()
    assert len(credited) == 8 * rows.count(), "wherever a picture is shown its credit is"
    assert all("built-in sample" in credit for credit in credited)
    for drawing in dialog.get_by_role("img", name=re.compile("key points agree")).all():
        assert drawing.locator("image").count() == 2
        assert drawing.locator("path").count() == 6
    assert barriers(found) == []
    found.keyboard.press("Escape")
    assert found.get_by_role("dialog").count() == 0


@pytest.mark.slow
def test_ways_of_seeing_the_question_are_compared_on_a_phone(open_page: Open) -> None:
    page = open_page({"source": "sample", "tag": "boat"}, viewport={"width": 360, "height": 740})
    picture = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[0]
    page.set_input_files("#file", picture)
    wait_for_results(page)
    page.get_by_label(f"Compare ways of seeing {picture.name}").click()
    dialog = page.get_by_role("dialog", name="Ways of seeing")
    dialog.get_by_text("marks what no other row has").wait_for(timeout=3 * PATIENCE_MS)  # several encoders, in turn
    assert dialog.locator(".way ol").count() >= 4
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert dialog.locator(".dialog-body").evaluate("(body) => body.scrollWidth - body.clientWidth") <= 0


def test_what_is_copied_has_its_credit(found: Any) -> None:
    for number in (3, 1):
        found.get_by_label(f"Pick picture {number}", exact=True).click()
    clipboard = "navigator.clipboard.readText()"
    found.get_by_role("button", name="Credits").click()
    wait_for_message(found, "2 credits copied as Markdown")
    assert found.evaluate(clipboard).count("[MIT License](") == 2
    found.get_by_label("Project folder").fill("copied")
    found.get_by_role("button", name="Save 2").click()
    wait_for_message(found, "Saved 2 pictures into copied")
    forms = (("markdown", "Markdown", "![boat"), ("html", "HTML", "<figure><img"), ("text", "text", "MIT License"))
    for form, title, mark in forms:
        found.get_by_label("Form of what is copied").select_option(form)
        found.get_by_role("button", name="Copy", exact=True).click()
        wait_for_message(found, f"2 pictures copied as {title}, with credit.")
        text = found.evaluate(clipboard)
        assert text.count(mark) == 2
        assert text.count("MIT License") == 2
    picks = found.eval_on_selector_all(".picks img", "images => images.map((image) => image.src)")
    assert [ranks(found).index(re.search(r"of=(\w+)", one)[1]) for one in picks] == [2, 0]  # type: ignore[index]


def test_a_zip_has_the_pictures_and_their_credit(found: Any) -> None:
    for number in (1, 2):
        found.get_by_label(f"Pick picture {number}", exact=True).click()
    with found.expect_download() as download:
        found.get_by_role("button", name="Zip").click()
    with ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        names = archive.namelist()
    assert "CREDITS.md" in names
    assert len([name for name in names if name.endswith(".jpg")]) == 2


@pytest.mark.slow
def test_more_are_loaded_behind_those_that_stay(found: Any) -> None:
    before = ranks(found)
    found.evaluate("window.shifts = []")
    found.get_by_role("button", name="Load more").click()
    wait_for_results(found, 20)
    assert ranks(found)[:10] == before
    wait_for_focus(found, "Picture 11, ")
    found.wait_for_timeout(300)
    assert found.evaluate("window.shifts") == []


@pytest.mark.slow
def test_what_others_wrote_is_text_alone(open_page: Open, sources: Sources) -> None:
    evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    drawn = sources.drawn("evil", 4, creator=evil, tags=("evil", evil), page_url="javascript:alert(1)")
    with sources.holding(sources.pixabay, (replace(one, number=2000 + one.number) for one in drawn)):
        page = open_page({"phrase": evil, "tag": "evil", "source": "pixabay", "model": "sample"})
        wait_for_results(page, 4)
    assert "<img src=x" in page.locator("#grid .credit").first.inner_text()
    page.locator("#grid .look").first.click()
    assert evil in page.get_by_role("dialog").inner_text()
    assert page.locator("script:not([src])").count() == 0
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.title().startswith("<img")


@pytest.mark.slow
def test_pictures_that_are_alike_are_shown_once_and_unfold(open_page: Open, sources: Sources) -> None:
    drawn = list(sources.drawn("pixabay", 3))
    with sources.holding(sources.pixabay, (*drawn, *(replace(one, number=3000 + one.number) for one in drawn))):
        page = open_page({"phrase": PHRASE, "tag": "twin", "source": "pixabay", "model": "sample"})
        wait_for_results(page, 3)
    assert page.locator(".alike").all_inner_texts() == ["+1 alike"] * 3
    page.locator(".alike").first.click()
    assert page.get_by_role("dialog").get_by_role("link").count() == 1


@pytest.mark.parametrize("width", [360, *(pytest.param(one, marks=pytest.mark.slow) for one in (768, 1280)), 2560])
def test_nothing_hangs_over_the_edge_at_any_width(open_page: Open, width: int) -> None:
    page = open_page(SAMPLE, viewport={"width": width, "height": 800})
    wait_for_results(page)
    page.get_by_label("Pick picture 1", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.eval_on_selector_all(
        "#grid .card", "cards => cards.map((card) => card.getBoundingClientRect().toJSON())"
    )
    order = [(round(box["top"]), round(box["left"])) for box in boxes]
    assert order == sorted(order), "rows that read in the order of the tab key"
    assert all(box["left"] >= 0 and box["right"] <= width for box in boxes)
    chip = page.get_by_role("button", name="the built-in sample")
    asked = chip.evaluate("chip => chip.getBoundingClientRect().toJSON()")
    assert asked["x"] >= 0, "where the row is too narrow, what is asked is in view"
    assert asked["x"] + asked["width"] <= width


def test_whoever_wants_no_motion_gets_none(open_page: Open) -> None:
    page = open_page(SAMPLE, reduced_motion="reduce")
    wait_for_results(page)
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.eval_on_selector("#grid .card", "card => getComputedStyle(card).transitionDuration") == "0s"


@pytest.mark.parametrize(
    "phrase",
    [
        "سفينتان حمراوان في الليل",
        pytest.param("夜の雨の中の赤い船", marks=pytest.mark.slow),
        pytest.param("две красные лодки", marks=pytest.mark.slow),
    ],
)
def test_a_phrase_of_any_script_is_asked_and_kept(open_page: Open, phrase: str) -> None:
    page = open_page({"source": "sample", "tag": "boat"})
    page.get_by_label("What the picture shows").fill(phrase)
    press(page, "Enter")
    wait_for_results(page)
    assert page.title().startswith(phrase)
    direction = page.get_by_label("What the picture shows").evaluate("(box) => getComputedStyle(box).direction")
    assert direction == ("rtl" if "س" in phrase else "ltr")


@pytest.mark.slow
def test_recent_searches_are_listed_and_forgotten(found: Any) -> None:
    found.get_by_role("button", name="Recent searches").click()
    entry = found.get_by_role("dialog").get_by_role("button", name=PHRASE).first
    entry.click()
    wait_for_results(found)
    found.get_by_role("button", name="Recent searches").click()
    found.get_by_role("button", name="Forget them all").click()
    wait_for_message(found, "Recent searches are forgotten.")
    found.get_by_role("button", name="Recent searches").click()
    found.get_by_text("None yet.").wait_for()


@pytest.mark.slow
def test_the_tray_outlives_a_reload(found: Any) -> None:
    found.get_by_label("Pick picture 2", exact=True).click()
    found.reload()
    wait_for_results(found)
    assert found.locator(".picks img").count() == 1
    assert found.get_by_label("Pick picture 2", exact=True).get_attribute("aria-pressed") == "true"
    assert json.loads(found.evaluate("sessionStorage.getItem('phrasepix-picks')"))


def test_a_source_without_its_key_says_where_to_get_one(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Unsplash, not ready").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="https://unsplash.com/oauth/applications").wait_for()
    assert dialog.locator("input").count() == 0, "no key is entered in the page"


@pytest.mark.slow
def test_a_server_that_is_gone_is_said_and_keeps_no_list_if_told(open_page: Open, tmp_path: Path) -> None:
    with ServeProcess(tmp_path, {}, "--no-history") as server:
        page = open_page({}, server=server)
        page.get_by_role("button", name="Recent searches").click()
        page.get_by_text("it lists none").wait_for()
        press(page, "Escape")
        assert server.end() == 0
        page.get_by_label("What the picture shows").fill(PHRASE)
        press(page, "Enter")
        page.get_by_role("heading", name="phrasepix does not answer").wait_for()
        assert "phrasepix serve" in page.locator("[data-state=gone]").inner_text()
        assert barriers(page) == []


@pytest.mark.slow
def test_loading_weights_says_what_and_how_far(open_page: Open, sources: Sources, tmp_path: Path) -> None:
    may_go_on = threading.Event()

    def amid(path: str) -> None:
        if path.endswith(".safetensors"):
            may_go_on.wait(60)

    # Never read as weights: that they are none is told once they have come.
    files = {"open_clip_config.json": json.dumps(TINY).encode(), "open_clip_model.safetensors": bytes(24_000_000)}
    with HubServer(files, amid=amid) as hub:
        environment = sources.environment | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hub")}
        with ServeProcess(tmp_path / "root", environment) as server:
            try:
                page = open_page(SAMPLE | {"source": "pixabay", "model": "hf-hub:somebody/tiny"}, server=server)
                told = re.compile(r"Downloading the weights \(.*tiny.*\), \d+ of 24 MB")
                page.locator("#summary").get_by_text(told).wait_for()
                assert page.locator("#progress.known").count() == 1
                assert page.locator("#grid .slot").count() == 10
                assert barriers(page) == []
            finally:
                may_go_on.set()
            page.get_by_role("alert").get_by_text("tiny").first.wait_for()
