"""How much memory a whole search takes, and saving, if every picture of a site is built to cost.

`python -m benchmarks.hostile_memory` writes `benchmarks/HOSTILE.md`. For each kind of picture a site on loopback offers
six or twelve of it, twice as many as are decoded at a time; the real command searches it, then saves one. Each figure
is the peak of the resident memory of the command and its children, as Linux counts it (`VmHWM`), nothing taken off.
`--kinds WORD` measures the kinds whose names hold the word; `--pictures N` offers so many.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from benchmarks.hostile_pictures import KINDS, Kind, png
from phrasepix.sample.server import HOST, Answer, LoopbackServer, plain_text

LARGEST_PEAK = 1_500_000_000
"""In bytes: what no search may exceed."""

_MEMORY_GB = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
_PAGE = 20
_LARGE = 5000
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
    """The peak of the memory of one command in bytes, its time in seconds, and how many pictures it used and skipped.

    `said` is its output for people.
    """

    peak: int
    seconds: float
    used: int
    skipped: int
    said: str


def measured(site: HostileSite, cache: Path, saved_in: Path | None = None) -> Measured:
    """Run a search of the site in a process of its own, with a copy of the `cache`; it may save what it finds."""
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home) / "cache"
        shutil.copytree(cache, directory)
        environment = os.environ | {
            "PHRASEPIX_CACHE_DIR": str(directory),
            "PHRASEPIX_CONFIG_DIR": home,
            "OPENVERSE_API_URL": f"{site.origin}/v1/",
        }
        find = [sys.executable, "-m", "phrasepix", "a boat", "--tag", "boat", "--model", "sample", "--json"]
        command = [
            *find,
            "--source",
            "openverse",
            "--no-fold",
            *([] if saved_in is None else ["--save", str(saved_in)]),
        ]
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
                time.sleep(0.05)
        seconds = time.monotonic() - began
        try:
            found = json.loads(output.read_text())
        except ValueError:
            found = {}
        used = len(found.get("matches", ())) if saved_in is None else _saved(saved_in)
        return Measured(peak, seconds, used, len(found.get("skipped", ())), said.read_text())


def _saved(directory: Path) -> int:
    return sum(not one.name.startswith((".", "CREDITS", "credits")) for one in directory.iterdir())


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


def table(rows: Sequence[tuple[str, int, Measured, Measured | None]]) -> str:
    """The table, in Markdown: of each kind its name, the bytes of a picture, a search, and a saving."""
    lines = [
        "# Pictures that are built to cost",
        "",
        "`python -m benchmarks.hostile_memory`. The peak of the memory of the whole command, with the sample's model; "
        f"at most {LARGEST_PEAK / 1e9:g} GB are allowed. See the module for what is counted. "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {_MEMORY_GB} GB.",
        "",
        "| pictures | kB each | shown | search, GB | s | saved | saving, GB | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, size, search, saving in rows:
        line = f"| {name} | {size / 1000:,.0f} | {search.used} | {search.peak / 1e9:.2f}"
        line += f" | {search.seconds:.0f} | "
        line += "| | |" if saving is None else f"{saving.used} | {saving.peak / 1e9:.2f} | {saving.seconds:.0f} |"
        lines.append(line)
    return "\n".join([*lines, ""])


def measured_kind(kind: Kind, pictures: int, cache: Path) -> tuple[str, int, Measured, Measured]:
    """A search over pictures of a kind, and saving one that lies behind a harmless rendition."""
    data = kind.make(kind.side)
    with running(HostileSite([(kind.suffix, kind.side, data)], pictures)) as site:
        search = measured(site, cache)
    side = kind.side_saved or kind.side
    behind = data if side == kind.side else kind.make(side)
    with (
        running(HostileSite([(kind.suffix, side, data)], 1, saved_instead=behind)) as site,
        tempfile.TemporaryDirectory() as directory,
    ):
        saving = measured(site, cache, Path(directory))
    return kind.name, len(data), search, saving


def _pictures(kind: Kind) -> int:
    """How many fill the budget twice, or all threads."""
    return 6 if kind.side >= _LARGE else 12


@contextmanager
def running(site: HostileSite) -> Iterator[HostileSite]:
    """The site, as long as the context."""
    site.server.start()
    try:
        yield site
    finally:
        site.server.stop()


def warm_cache(directory: Path) -> Path:
    """A cache with the sample's model in it, so that its export is not measured."""
    environment = os.environ | {"PHRASEPIX_CACHE_DIR": str(directory), "PHRASEPIX_CONFIG_DIR": str(directory)}
    command = [sys.executable, "-m", "phrasepix", "a boat", "--tag", "boat", "--source", "sample", "--model", "sample"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return directory


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kinds", default="", metavar="WORD", help="only kinds whose names hold the word")
    parser.add_argument("--pictures", type=int, metavar="N", help="how many the site offers, in place of 6 or 12")
    options = parser.parse_args()
    rows: list[tuple[str, int, Measured, Measured | None]] = []
    with tempfile.TemporaryDirectory() as place:
        cache = warm_cache(Path(place))
        for kind in KINDS:
            if options.kinds in kind.name:
                rows.append(measured_kind(kind, options.pictures or _pictures(kind), cache))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
        if options.kinds in "all kinds in turn":
            files = [(kind.suffix, kind.side, kind.make(kind.side)) for kind in KINDS]
            with running(HostileSite(files, options.pictures or len(files))) as site:
                rows.append(("all kinds in turn", 0, measured(site, cache), None))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    if not options.kinds:
        _OUTPUT.write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
