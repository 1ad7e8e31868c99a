"""How much memory a whole search takes, and saving, if every picture of a site is built to cost.

`python -m benchmarks.hostile_memory` writes `benchmarks/HOSTILE.md`. For each kind of picture a site on loopback offers
forty of it, the real command searches it, then saves one. Each figure is the peak of the resident memory of the
command and its children, as Linux counts it (`VmHWM`), nothing taken off. `--kinds WORD` measures the kinds
whose names hold the word; `--pictures N` offers so many.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from benchmarks.hostile_pictures import png
from phrasepix.sample.server import HOST, Answer, LoopbackServer, plain_text

LARGEST_PEAK = 1_500_000_000
"""In bytes: what no search may exceed."""

_PAGE = 20
_LONGEST_S = 1200
_OUTPUT = Path(__file__).with_name("HOSTILE.md")


class HostileSite:
    """Pictures in Openverse's protocol: each of `files` again and again, `pictures` in all.

    With `saved_instead` the small renditions are harmless, and that is the file behind them.
    """

    def __init__(self, files: Sequence[tuple[str, int, bytes]], pictures: int, saved_instead: bytes = b"") -> None:
        self._files = files
        self._pictures = pictures
        self._saved_instead = saved_instead
        self._harmless = png(640)
        self.server = LoopbackServer(0, self._respond)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.server.port}"

    def _respond(self, target: str) -> Answer:
        path, _, query = target.partition("?")
        if path.startswith("/v1"):
            page = next((int(one[5:]) for one in query.split("&") if one.startswith("page=")), 1)
            numbers = range((page - 1) * _PAGE, min(page * _PAGE, self._pictures))
            found = {"result_count": self._pictures, "page_count": -(-self._pictures // _PAGE)}
            body = json.dumps(found | {"results": [self._hit(number) for number in numbers]})
            return Answer(HTTPStatus.OK, "application/json", body.encode())
        kind, _, name = path.strip("/").partition("/")
        if not name:
            return plain_text(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        if self._saved_instead:
            return Answer(HTTPStatus.OK, "image/png", self._saved_instead if kind == "whole" else self._harmless)
        number = int(name.partition(".")[0])
        return Answer(HTTPStatus.OK, "image/png", self._files[number % len(self._files)][2])

    def _hit(self, number: int) -> dict[str, object]:
        suffix, side, _ = self._files[number % len(self._files)]
        return {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "title": f"boat {number}",
            "creator": "Ana",
            "creator_url": "https://people.example/ana",
            "url": f"{self.origin}/whole/{number}{suffix}",
            "thumbnail": f"{self.origin}/small/{number}{suffix}",
            "foreign_landing_url": f"https://site.example/{number}",
            "license": "by",
            "license_version": "4.0",
            "license_url": "https://creativecommons.org/licenses/by/4.0/",
            "width": side,
            "height": side,
            "tags": [{"name": "boat"}],
            "mature": False,
            "category": "photograph",
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """The peak of the memory of one command in bytes, its time in seconds, and how many pictures it showed or saved, and skipped.

    `said` is its output for people.
    """

    peak: int
    seconds: float
    used: int
    skipped: int
    said: str


def measured(site: HostileSite, cache: Path, arguments: Sequence[str]) -> Measured:
    """Run a search of the site in a process of its own, with a copy of the `cache`."""
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home) / "cache"
        shutil.copytree(cache, directory)
        environment = os.environ | {
            "PHRASEPIX_CACHE_DIR": str(directory),
            "PHRASEPIX_CONFIG_DIR": home,
            "OPENVERSE_API_URL": f"{site.origin}/v1/",
        }
        find = [sys.executable, "-m", "phrasepix", "a boat", "--tag", "boat", "--model", "sample", "--json"]
        command = [*find, "--source", "openverse", "--no-fold", *arguments]
        output, said = Path(home) / "output", Path(home) / "said"
        began = time.monotonic()
        with output.open("wb") as out, said.open("wb") as err:
            process = subprocess.Popen(command, cwd=home, env=environment, stdout=out, stderr=err)
            peak = 0
            while process.poll() is None:
                if time.monotonic() - began > _LONGEST_S:
                    process.kill()
                beside = sum(_memory(pid, "VmRSS") for pid in _children(process.pid))
                peak = max(peak, _memory(process.pid, "VmHWM"), _memory(process.pid, "VmRSS") + beside)
                time.sleep(0.02)
        seconds = time.monotonic() - began
        try:
            found = json.loads(output.read_text())
        except ValueError:
            found = {}
        used = (
            len(found.get("saved", {}).get("pictures", ())) if "--save" in arguments else len(found.get("matches", ()))
        )
        return Measured(peak, seconds, used, len(found.get("skipped", ())), said.read_text())


def _memory(pid: int, field: str) -> int:
    """What Linux says of a process's memory, in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_children(child)]
    except OSError:
        pass
    return found


if __name__ == "__main__":
    pass
