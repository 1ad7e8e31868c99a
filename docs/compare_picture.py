"""The picture of a comparison in README and docs: `python -m docs.compare_picture` runs the command and photographs it.

Needs the extras `descriptors` and `efficientnet`. The pictures are the sample's, and two made of the first of them.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from phrasepix.sample.catalogue import PICTURES_DIRECTORY

_PICTURE = Path(__file__).parent / "compare.png"
_EVERY = 9
"""Of the sample's pictures; all of them would take minutes."""
_ASKED = "1002.jpg"
_BY = "sift,efficientnet-lite0,clip"
_WIDTH = 1280


def pictures(folder: Path) -> Path:
    """Fill a folder with some of the sample's pictures, a part and a turned copy of one of them; return that one."""
    drawn = sorted(PICTURES_DIRECTORY.glob("*.jpg"))
    for path in drawn[::_EVERY]:
        shutil.copy(path, folder)
    asked = PICTURES_DIRECTORY / _ASKED
    with Image.open(asked) as picture:
        width, height = picture.size
        part = picture.crop((width // 4, height // 4, width * 7 // 8, height * 7 // 8))
        part.save(folder / "a part.jpg", quality=90)
        picture.rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor="white").save(
            folder / "turned.jpg", quality=90
        )
    return asked


def take() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as place:
        folder, page = Path(place) / "drawings", Path(place) / "page.html"
        folder.mkdir()
        asked = pictures(folder)
        command = [sys.executable, "-m", "phrasepix", "compare", str(asked), "--source", str(folder), "--by", _BY]
        subprocess.run([*command, "--model", "sample", "-n", "5", "--page", str(page)], check=True)  # noqa: S603
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            window = browser.new_page(viewport={"width": _WIDTH, "height": 800}, color_scheme="light")
            window.goto(page.as_uri())
            shot = window.screenshot(full_page=True)
            browser.close()
    with Image.open(io.BytesIO(shot)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(_PICTURE, optimize=True)


if __name__ == "__main__":
    take()
