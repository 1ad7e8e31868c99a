"""The pictures of the page in README and docs: `python -m docs.page_pictures` runs the command and photographs it."""

import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

_HERE = Path(__file__).parent
_ASKED = urlencode({"phrase": "two red boats at night in the rain", "tag": "boat", "source": "sample"})
_PICKED = (1, 4, 2)


@dataclass(frozen=True)
class Shot:
    """A picture to take: its file, the window's size in CSS pixels, and light or dark."""

    file: str
    width: int
    height: int
    scheme: str


SHOTS = (
    Shot("page.png", 1280, 860, "light"),
    Shot("page-dark.png", 1280, 860, "dark"),
    Shot("page-phone.png", 360, 740, "light"),
)


def take(browser: Browser, address: str, shot: Shot) -> None:
    """Write one of the pictures."""
    viewport = {"width": shot.width, "height": shot.height}
    context = browser.new_context(viewport=viewport, color_scheme=shot.scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # as strings
    page = context.new_page()
    page.goto(f"{address}&{_ASKED}")
    page.locator("#grid .is-settled .has-picture").nth(4).wait_for()
    for number in _PICKED:
        page.get_by_label(f"Pick picture {number}", exact=True).click()
    page.mouse.move(0, 0)
    page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => {})))")
    page.evaluate("scrollTo(0, 0)")
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(_HERE / shot.file, optimize=True)
    context.close()


def take_all() -> None:
    """Start the server and write all pictures."""
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-m", "phrasepix", "serve", "--root", root]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
            assert server.stdout is not None  # noqa: S101
            address = server.stdout.readline().strip()
            try:
                with sync_playwright() as driver:
                    browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
                    for shot in SHOTS:
                        take(browser, address, shot)
                    browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    take_all()
