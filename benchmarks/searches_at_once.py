"""Several searches of one process at once, beside one after the other: `python -m benchmarks.searches_at_once`.

Measures on the built-in sample, each part in a process of its own: eight searches at once with a warm model, eight
first searches on an empty cache, eight that start 0.1 s apart, and how many connections to a host and threads eight
searches have. Times are CPU seconds of the process and its children beside wall-clock seconds: those of a busy machine
say little. Writes `benchmarks/AT_ONCE.md`; takes some minutes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from PIL import Image

from phrasepix import Results, find_images
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix_core.candidate import Candidate, Rendition
from reranker.testing import ColourEncoder
from retriever.filters import Filters

REPORT = Path(__file__).with_name("AT_ONCE.md")
SEARCHES = 8
ROUNDS = 9
STAGGERED_BY_S = 0.1
PLACES = ("at night", "in fog", "by day", "on land", "in rain", "at sea", "on ice", "in a harbour")
PICTURES_OF_A_SEARCH = 40
ANSWERS_AFTER_S = 0.02


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and of CPUs."""

    wall_s: float
    cpu_s: float


def search(phrase: str) -> Results:
    """One search of the sample."""
    return find_images(phrase, tag="boat", source="sample", top=5)


def at_once(phrases: Sequence[str], apart_s: float = 0.0) -> list[Results]:
    """The results of all phrases, each searched by a thread of its own, started `apart_s` seconds apart."""

    def begin(number: int, phrase: str) -> Results:
        time.sleep(number * apart_s)
        return search(phrase)

    with ThreadPoolExecutor(len(phrases)) as threads:
        return list(threads.map(begin, range(len(phrases)), phrases))


def one_by_one(phrases: Sequence[str]) -> list[Results]:
    """The results of all phrases, searched one after the other."""
    return [search(phrase) for phrase in phrases]


def timed(work: Callable[[], Any]) -> tuple[Took, Any]:
    """What it took, with the processes that it started and waited for, and what came of it."""
    before, began = os.times(), time.perf_counter()
    outcome = work()
    after, wall_s = os.times(), time.perf_counter() - began
    return Took(wall_s, sum(after[:4]) - sum(before[:4])), outcome


def phrases_of(round_number: int) -> list[str]:
    """Phrases that no other round asks for."""
    return [f"boat number {round_number} {place}" for place in PLACES]


@dataclass
class Counted:
    """How often models were loaded and exported, and towers compiled, in this process."""

    loads: int = 0
    exports: int = 0
    towers: int = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count as long as the context."""
        from phrasepix import models
        from reranker.engine import choice, runtime

        def counted(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
            def work(*arguments: Any, **options: Any) -> Any:
                setattr(self, name, getattr(self, name) + 1)
                return of(*arguments, **options)

            return work

        places = (
            (models, "load_encoder", "loads"),
            (choice, "export_in_child", "exports"),
            (runtime, "compile_tower", "towers"),
        )
        with ExitStack() as patched:
            for module, function, name in places:
                patched.enter_context(patch.object(module, function, counted(name, getattr(module, function))))
            yield


def first(searches: int) -> dict[str, Any]:
    """So many first searches at once on an empty cache."""
    counted = Counted()
    with counted.counting():
        took, _ = timed(lambda: at_once(phrases_of(0)[:searches]))
    return {"wall_s": took.wall_s, "cpu_s": took.cpu_s, "loads": counted.loads, "exports": counted.exports}


def warm() -> dict[str, Any]:
    """Rounds of eight new phrases at once and of the same ones, in other words, one after the other."""
    search("a boat")
    rounds: dict[str, list[Took]] = {"at_once": [], "one_by_one": []}
    for number in range(ROUNDS):
        for name, work in (("at_once", at_once), ("one_by_one", one_by_one)):
            phrases = [f"{phrase} {name}" for phrase in phrases_of(number)]
            rounds[name].append(timed(lambda work=work, phrases=phrases: work(phrases))[0])  # type: ignore[misc]
    phrases = phrases_of(ROUNDS)
    ranked = [[[(match.candidate.id, round(match.score, 4)) for match in one] for one in work(phrases)]
              for work in (at_once, one_by_one)]  # fmt: skip
    clock = {name: median(one.wall_s for one in taken) for name, taken in rounds.items()}
    cpus = {name: median(one.cpu_s for one in taken) for name, taken in rounds.items()}
    return {"wall_s": clock, "cpu_s": cpus, "equal": ranked[0] == ranked[1]}


def staggered() -> dict[str, Any]:
    """Eight searches that start one after the other, 0.1 s apart: how many towers are loaded again."""
    search("a boat")
    counted = Counted()
    with counted.counting():
        took, _ = timed(lambda: at_once(phrases_of(0), STAGGERED_BY_S))
    return {"wall_s": took.wall_s, "cpu_s": took.cpu_s, "towers": counted.towers}


class Served:
    """A source whose pictures are served by a host of another process."""

    on_loopback = True

    def __init__(self, name: str, host: str) -> None:
        self.name = name
        self._host = host

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        """The same number of pictures for each tag."""
        for number in range(min(limit, PICTURES_OF_A_SEARCH)):
            url = f"{self._host}/{self.name}/{number}.jpg"
            yield Candidate(
                source=self.name, id=str(number), page_url="", renditions=(Rendition(url, 640, 426),), width=640,
                height=426, media_type="photo", tags=(), creator="", creator_url="", licence="", licence_url="",
                credit="", found_by=tag,
            )  # fmt: skip


def crowd(host: str) -> dict[str, Any]:
    """The most threads that eight searches have at once, their eight callers among them."""
    over = threading.Event()
    most: dict[str, int] = {"python": 0, "all": 0}

    def watch() -> None:
        while not over.wait(0.002):
            most["python"] = max(most["python"], threading.active_count() - 1)
            if sys.platform == "linux":
                most["all"] = max(most["all"], sum(1 for _ in Path("/proc/self/task").iterdir()) - 1)

    encoder = ColourEncoder()
    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(SEARCHES) as threads:
        sources = [Served(f"own{number}", host) for number in range(SEARCHES)]
        list(threads.map(lambda source: find_images("red", tag="x", source=source, model=encoder), sources))
    over.set()
    watching.join()
    return most


@dataclass
class Host:
    """Serves one picture at every path, and counts its connections."""

    picture: bytes
    open: int = 0
    most: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve as long as the context."""
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with host.lock:
                    host.open += 1
                    host.most = max(host.most, host.open)

            def finish(self) -> None:
                with host.lock:
                    host.open -= 1
                super().finish()

            def do_GET(self) -> None:
                time.sleep(ANSWERS_AFTER_S)
                self.send_response(200)
                self.send_header("Content-Length", str(len(host.picture)))
                self.end_headers()
                self.wfile.write(host.picture)

            def log_message(self, *arguments: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


def measured(part: str, *arguments: str, engines: Path | None = None) -> dict[str, Any]:
    """A part, in a process and with a cache of its own; with `engines`, its models are exported already."""
    with tempfile.TemporaryDirectory() as cache:
        if engines is not None:
            shutil.copytree(engines, Path(cache) / "engines")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.searches_at_once", "--part", part, *arguments],
            env=os.environ | {"PHRASEPIX_CACHE_DIR": cache}, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        if part == "first" and arguments == ("1",):
            shutil.copytree(Path(cache) / "engines", Path(os.environ["AT_ONCE_ENGINES"]))
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def report() -> str:
    """All parts, as the text of AT_ONCE.md."""
    with tempfile.TemporaryDirectory() as kept:
        engines = Path(kept) / "engines"
        os.environ["AT_ONCE_ENGINES"] = str(engines)
        alone = measured("first", "1")
        together = measured("first", str(SEARCHES))
        warmed, apart = (measured(part, engines=engines) for part in ("warm", "staggered"))
    file = BytesIO()
    Image.open(next(PICTURES_DIRECTORY.rglob("*.jpg"))).convert("RGB").save(file, "JPEG")
    with (host := Host(file.getvalue())).serving():
        threads = measured("crowd", host.url)
    times = together["cpu_s"] / alone["cpu_s"], together["wall_s"] / alone["wall_s"]
    clock, cpus = warmed["wall_s"], warmed["cpu_s"]
    return f"""# Searches at once

Made by `python -m benchmarks.searches_at_once` on {os.cpu_count()} CPUs, with the built-in sample and its model. CPU
seconds are those of the process and of the export that it starts; on a busy machine the clock says little.

| what | CPU | clock |
|---|---:|---:|
| one first search on an empty cache | {alone["cpu_s"]:.1f} s | {alone["wall_s"]:.1f} s |
| eight first searches at once on an empty cache | {together["cpu_s"]:.1f} s | {together["wall_s"]:.1f} s |
| … as a multiple of one | {times[0]:.2f} | {times[1]:.2f} |
| eight warm searches one by one, median of {ROUNDS} | {cpus["one_by_one"]:.2f} s | {clock["one_by_one"]:.2f} s |
| eight warm searches at once, median of {ROUNDS} | {cpus["at_once"]:.2f} s | {clock["at_once"]:.2f} s |
| … throughput as a multiple of that one by one | {cpus["one_by_one"] / cpus["at_once"]:.2f} | \
{clock["one_by_one"] / clock["at_once"]:.2f} |
| eight warm searches, {STAGGERED_BY_S:g} s apart | {apart["cpu_s"]:.2f} s | {apart["wall_s"]:.2f} s |

| what | how many |
|---|---:|
| loads of the model by eight first searches | {together["loads"]} |
| exports by eight first searches | {together["exports"]} |
| towers loaded (again) by eight warm searches, {STAGGERED_BY_S:g} s apart | {apart["towers"]} |
| connections to one host by eight searches at once | {host.most} |
| Python threads of eight searches at once, the callers among them | {threads["python"]} |
| … with those of libraries | {threads["all"]} |

Results of searches at once and one by one are equal: {"yes" if warmed["equal"] else "NO"}.
"""


def main() -> None:
    """Measure a part and print it, or all of them and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", metavar=("PART", "ARGUMENT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    match arguments.part:
        case None:
            REPORT.write_text(report(), encoding="utf-8")
            print(REPORT.read_text(encoding="utf-8"))
        case ["first", searches]:
            print(json.dumps(first(int(searches))))
        case ["warm"]:
            print(json.dumps(warm()))
        case ["staggered"]:
            print(json.dumps(staggered()))
        case ["crowd", host]:
            print(json.dumps(crowd(host)))


if __name__ == "__main__":
    main()
