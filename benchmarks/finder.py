"""Searches inside one process: how fast a phrase is, and what many at once cost: `python -m benchmarks.finder`.

Each part runs in processes of its own: a new phrase over the built-in sample and over remembered pictures under a model
of ViT-B-32's size (random weights, exported once); eight searches at once beside one after the other; eight that start
0.1 s apart; the connections and threads of eight; the memory after many. CPU seconds stand beside those of the clock,
for the clock of a busy machine says little. Writes `benchmarks/FINDER.md`; takes some ten minutes.

`--beside DIRECTORY` measures another checkout in turns with this one. `--quick` tries whether it runs.
"""

import argparse
import importlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "benchmarks" / "FINDER.md"
SEARCHES = 8
STAGGERED_BY_S = 0.1
PLACES = ("at night", "in fog", "by day", "on land", "in rain", "at sea", "on ice", "in a harbour")
PICTURES_OF_A_SEARCH = 40
ANSWERS_AFTER_S = 0.02
SETTLED_AFTER = 500
"""Searches after which a process's memory is compared with that at the end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; without `pictures` the part of the large model is left out."""

    phrases: int = 60
    pictures: int = 200
    rounds: int = 9
    searches: int = 10_000
    repeats: int = 3


QUICK = Plan(phrases=2, pictures=0, rounds=1, searches=3, repeats=1)


# What is measured, in a process of its own. Of phrasepix only what any checkout has is used.


def sample_search(phrase: str) -> Any:
    """Search the sample."""
    from phrasepix import find_images

    return find_images(phrase, tag="boat", source="sample")


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the clock, those of CPUs (with processes it waited for), and what came of it."""
    before, begun = os.times(), time.perf_counter()
    outcome = work()
    wall_s, after = time.perf_counter() - begun, os.times()
    return wall_s, sum(after[:4]) - sum(before[:4]), outcome


def new_phrases(search: Callable[[str], Any], phrases: int) -> dict[str, Any]:
    """Milliseconds of phrases that were never asked, once the pool is remembered."""
    for number in range(5):
        search(f"a boat before, number {number}")
    taken = []
    for number in range(phrases):
        process = time.process_time()
        wall_s, _, results = timed(partial(search, f"a boat {PLACES[number % len(PLACES)]}, number {number}"))
        taken.append((wall_s * 1000, (time.process_time() - process) * 1000))
        if results.skipped or not results.matches:
            raise RuntimeError("a picture is missing")
    return {"wall_ms": [one for one, _ in taken], "cpu_ms": [one for _, one in taken], "pool": results.pool_size}


def phrases_part(phrases: str) -> dict[str, Any]:
    """A new phrase over the sample."""
    return new_phrases(sample_search, int(phrases))


def large_part(phrases: str, model: str, pictures: str) -> dict[str, Any]:
    """A new phrase over remembered pictures under a large model."""
    from phrasepix import find_images

    def search(phrase: str) -> Any:
        return find_images(phrase, tag="speed", source="pixabay", model=f"local-dir:{model}", limit=int(pictures))

    return new_phrases(search, int(phrases))


def at_once(phrases: Sequence[str], apart_s: float = 0.0) -> list[Any]:
    """The results of all phrases, each searched by a thread of its own, started `apart_s` seconds apart."""

    def begin(number: int, phrase: str) -> Any:
        time.sleep(number * apart_s)
        return sample_search(phrase)

    with ThreadPoolExecutor(len(phrases)) as threads:
        return list(threads.map(begin, range(len(phrases)), phrases))


def one_by_one(phrases: Sequence[str]) -> list[Any]:
    """The results of all phrases, searched one after the other."""
    return [sample_search(phrase) for phrase in phrases]


def warm_part(rounds: str) -> dict[str, Any]:
    """Rounds of eight new phrases at once and of the same ones, in other words, one after the other."""
    for number in range(5):  # so that what they share was compared before
        one_by_one([f"boat before {place}, number {number}" for place in PLACES])
    found: dict[str, Any] = {"wall": {}, "cpu": {}}
    ways = {"at_once": at_once, "one_by_one": one_by_one}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(int(rounds)):
        for name, work in ways.items():
            phrases = [f"boat number {number} {place} {name}" for place in PLACES]
            taken[name].append(timed(partial(work, phrases))[:2])
    for name, times in taken.items():
        found["wall"][name] = statistics.median(wall_s for wall_s, _ in times)
        found["cpu"][name] = statistics.median(cpu_s for _, cpu_s in times)
    phrases = [f"boat of all {place}" for place in PLACES]
    ranked = [
        [[(match.candidate.id, match.score) for match in results] for results in work(phrases)]
        for work in ways.values()
    ]
    return {**found, "equal": ranked[0] == ranked[1]}


@contextmanager
def counted_towers() -> Iterator[list[object]]:
    """What grows by one for each tower that is compiled."""
    runtime = importlib.import_module("reranker.engine.runtime")
    compiled: list[object] = []
    compile_tower = runtime.compile_tower

    def counting(*arguments: Any, **options: Any) -> Any:
        compiled.append(arguments)
        return compile_tower(*arguments, **options)

    with patch.object(runtime, "compile_tower", counting):
        yield compiled


def staggered_part(towers: str) -> dict[str, Any]:
    """Eight searches that start one after the other, 0.1 s apart: how many towers are loaded again."""
    phrases = [f"boat apart {place}" for place in PLACES]
    with ExitStack() as opened:
        search = sample_search
        if towers == "both":
            from phrasepix import Config, Finder, SearchRequest

            finder = opened.enter_context(Finder(Config(both_towers=True)))
            search = lambda phrase: finder.search(SearchRequest(phrase, tag="boat", source="sample"))  # noqa: E731
        search("a boat")
        compiled = opened.enter_context(counted_towers())

        def begin(number: int, phrase: str) -> Any:
            time.sleep(number * STAGGERED_BY_S)
            return search(phrase)

        with ThreadPoolExecutor(len(phrases)) as threads:
            wall_s, cpu_s, _ = timed(lambda: list(threads.map(begin, range(len(phrases)), phrases)))
    return {"wall_s": wall_s, "cpu_s": cpu_s, "towers": len(compiled)}


def first_part(searches: str) -> dict[str, Any]:
    """So many first searches at once: on an empty cache they export the model."""
    wall_s, cpu_s, _ = timed(lambda: at_once([f"boat first {place}" for place in PLACES[: int(searches)]]))
    return {"wall_s": wall_s, "cpu_s": cpu_s}


@dataclass
class Host:
    """Serves one picture at every path, and counts its connections."""

    picture: bytes
    open: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve as long as the context; its address."""
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
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


class Served:
    """A source whose pictures are served by a host of another process."""

    on_loopback = True

    def __init__(self, name: str, host: str) -> None:
        self.name = name
        self._host = host

    def retrieve(self, tag: str, *, limit: int, filters: object) -> Iterator[Any]:
        """The same number of pictures for each tag."""
        from retriever import Candidate, Rendition

        for number in range(min(limit, PICTURES_OF_A_SEARCH)):
            url = f"{self._host}/{self.name}/{number}.jpg"
            yield Candidate(
                source=self.name, id=str(number), page_url="", renditions=(Rendition(url, 640, 426),), width=640,
                height=426, media_type="photo", tags=(), creator="", creator_url="", licence="", licence_url="",
                credit="", found_by=tag,
            )  # fmt: skip


class PlainEncoder:
    """Knows a picture by its mean colour, and a text by nothing."""

    name = "benchmark"
    dimensions = 4
    input_side = 32

    def encode_texts(self, texts: Sequence[str]) -> Any:
        """One unit row a text."""
        import numpy as np

        return np.tile(np.array([0.5, 0.5, 0.5, 0.5], dtype=np.float32), (len(texts), 1))

    def encode_pictures(self, pictures: Sequence[Any]) -> Any:
        """One unit row a picture."""
        import numpy as np

        rows = np.array([[*np.asarray(one).reshape(-1, 3).mean(axis=0) / 255, 1] for one in pictures])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32).reshape(-1, 4)


def crowd_part(host: str) -> dict[str, Any]:
    """The most threads that eight searches have at once, their eight callers among them."""
    from phrasepix import find_images

    over = threading.Event()
    most = 0

    def watch() -> None:
        nonlocal most
        while not over.wait(0.002):
            most = max(most, threading.active_count() - 1)

    encoder = PlainEncoder()
    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(SEARCHES) as threads:
        sources = [Served(f"own{number}", host) for number in range(SEARCHES)]
        list(threads.map(lambda source: find_images("red", tag="x", source=source, model=encoder), sources))
    over.set()
    watching.join()
    return {"threads": most}


def memory_part(searches: str) -> dict[str, Any]:
    """MiB resident after some searches, and after all."""
    found: dict[str, Any] = {}
    for number in range(1, int(searches) + 1):
        sample_search(f"a boat of number {number} at night")
        if number in (min(SETTLED_AFTER, int(searches)), int(searches)):
            found[str(number)] = resident_mib()
    return {"resident_mib": found}


def resident_mib() -> float:
    """The memory of this process that is in use, on Linux; elsewhere the most it ever was."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "phrases": phrases_part, "large": large_part, "warm": warm_part, "staggered": staggered_part,
    "first": first_part, "crowd": crowd_part, "memory": memory_part,
}  # fmt: skip


# Who measures it, and the report.


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout, by the directory it is imported from; the `title` stands in the report."""

    title: str
    directory: Path

    def measured(self, part: str, *arguments: object, cache: Path, **variables: str) -> dict[str, Any] | None:
        """What a part measures in a process of its own; None where this checkout cannot be measured so."""
        own = {"PYTHONPATH": str(self.directory), "PHRASEPIX_CACHE_DIR": str(cache), "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, str(Path(__file__)), "--part", part, *map(str, arguments)]
        print(f"{self.title}: {part}", file=sys.stderr)
        done = subprocess.run(
            command, env={**os.environ, **own, **variables}, cwd=self.directory, capture_output=True, text=True
        )
        if done.returncode:
            if self.directory == ROOT:
                raise RuntimeError(f"the part {part} failed: {done.stderr[-2000:]}")
            print(done.stderr[-500:], file=sys.stderr)
            return None
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


Measured = dict[str, Any]
"""What one checkout's parts measured, by their names."""


def measure(plan: Plan, checkouts: Sequence[Checkout], work: Path) -> Iterator[list[Measured]]:
    """All parts of each of the checkouts, in turns: what is measured by now, after each part."""
    measured: list[Measured] = [{} for _ in checkouts]
    caches = [work / f"cache-{number}" for number in range(len(checkouts))]

    def part(title: str, name: str, *arguments: object, **variables: str) -> None:
        for checkout, cache, found in zip(checkouts, caches, measured, strict=True):
            if (came := checkout.measured(name, *arguments, cache=cache, **variables)) is not None:
                found.setdefault(title, []).append(came)

    for _ in range(plan.repeats):
        part("phrases", "phrases", plan.phrases)
    yield measured
    part("warm", "warm", plan.rounds)
    part("one tower", "staggered", "one")
    part("both towers", "staggered", "both")
    yield measured
    picture = next((ROOT / "phrasepix" / "sample").rglob("*.jpg")).read_bytes()
    for checkout, cache, found in zip(checkouts, caches, measured, strict=True):
        with (host := Host(picture)).serving() as url:
            shutil.rmtree(empty := cache.with_name(f"crowd-{cache.name}"), ignore_errors=True)
            came = checkout.measured("crowd", url, cache=empty)
        if came is not None:
            found["crowd"] = [{**came, "connections": host.most}]
    yield measured
    part("memory", "memory", plan.searches)
    yield measured
    if plan.pictures:
        sys.path.insert(0, str(ROOT))
        from benchmarks.speed.pictures import prepare
        from benchmarks.speed.site import running_site
        from benchmarks.speed.weights import random_model

        pictures, _ = prepare(work, plan.pictures)
        model = random_model(work)
        with running_site(pictures, 0.0) as address:
            asking = {"PIXABAY_API_URL": address, "PIXABAY_API_KEY": "12345678-benchmark"}
            for _ in range(plan.repeats):
                part("large", "large", plan.phrases, model, plan.pictures, **asking)
        yield measured
    for searches in (1, SEARCHES):
        caches = [work / f"empty-{searches}-{number}" for number in range(len(checkouts))]
        for cache in caches:
            shutil.rmtree(cache, ignore_errors=True)
        part("first" if searches == 1 else "eight first", "first", searches)
    yield measured


Row = tuple[str, Callable[[Measured], str]]


def _spread(name: str, unit: str) -> Callable[[Measured], str]:
    def text(found: Measured) -> str:
        values = sorted(value for run in found[name] for value in run[unit])
        low, high = values[len(values) // 10], values[-1 - len(values) // 10]
        return f"{statistics.median(values):.1f} ms ({low:.1f} to {high:.1f})"

    return text


def _ratio(unit: str) -> Callable[[Measured], str]:
    def text(found: Measured) -> str:
        taken = found["warm"][0][unit]
        return f"{taken['one_by_one'] / taken['at_once']:.2f}"

    return text


def _memory(found: Measured) -> str:
    before, *_, after = list(found["memory"][0]["resident_mib"].values()) * 2
    return f"{before:.0f} MiB → {after:.0f} MiB ({after / before:.2f})"


def _firsts(unit: str) -> Callable[[Measured], str]:
    return lambda found: f"{found['eight first'][0][unit] / found['first'][0][unit]:.2f}"


ROWS: tuple[Row, ...] = (
    ("a new phrase over the sample, clock", _spread("phrases", "wall_ms")),
    ("… CPU", _spread("phrases", "cpu_ms")),
    ("a new phrase over remembered pictures, ViT-B-32, clock", _spread("large", "wall_ms")),
    ("… CPU", _spread("large", "cpu_ms")),
    ("eight warm searches: throughput at once over one by one, clock", _ratio("wall")),
    ("… CPU", _ratio("cpu")),
    ("… results are equal", lambda found: "yes" if found["warm"][0]["equal"] else "NO"),
    ("eight first searches at once over one, clock", _firsts("wall_s")),
    ("… CPU", _firsts("cpu_s")),
    ("towers loaded by eight searches 0.1 s apart, one kept", lambda found: str(found["one tower"][0]["towers"])),
    ("… both kept", lambda found: str(found["both towers"][0]["towers"])),
    ("connections to one host over eight searches", lambda found: str(found["crowd"][0]["connections"])),
    ("Python threads over eight searches, callers included", lambda found: str(found["crowd"][0]["threads"])),
    ("memory: after some searches → after all", _memory),
)


def report(plan: Plan, checkouts: Sequence[Checkout], measured: Sequence[Measured], command: str) -> str:
    """The figures as the text of FINDER.md."""

    def cell(text: Callable[[Measured], str], found: Measured) -> str:
        try:
            return text(found)
        except KeyError:
            return "not measured"

    titles = " | ".join(one.title for one in checkouts)
    rows = [f"| {title} | {' | '.join(cell(text, found) for found in measured)} |" for title, text in ROWS]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return "\n".join(
        [
            "# Searches inside one process",
            "",
            f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} on {platform.machine()}, "
            f"{os.cpu_count()} CPUs, Python {platform.python_version()}; load over the last 1, 5 and 15 minutes when "
            f"it ended: {load}.",
            "",
            f"Milliseconds are medians of {plan.phrases * plan.repeats} phrases, over {plan.repeats} process(es), and "
            "in brackets where the middle eight of ten lie. CPU is what a process used on all cores: beside other work "
            f"the clock says little. Pools are the sample's 43 pictures and {plan.pictures} of 640 pixels. Memory is "
            f"that after {min(SETTLED_AFTER, plan.searches)} searches and after {plan.searches}.",
            "",
            f"| what | {titles} |",
            f"|---|{'---:|' * len(checkouts)}",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Measure a part and print it, or all of them and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", metavar=("PART", "ARGUMENT"), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="whether it runs, not how fast")
    parser.add_argument("--beside", type=Path, metavar="DIRECTORY", help="another checkout to measure in turns")
    parser.add_argument("--work", type=Path, metavar="DIRECTORY", help="where models and pictures are found again")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE", help="where the report is written")
    for name in ("phrases", "pictures", "rounds", "searches", "repeats"):
        parser.add_argument(f"--{name}", type=int, help="instead of the usual number")
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part[0]](*options.part[1:])))
        return
    usual = QUICK if options.quick else Plan()
    plan = Plan(
        **{
            name: getattr(usual, name) if getattr(options, name) is None else getattr(options, name)
            for name in ("phrases", "pictures", "rounds", "searches", "repeats")
        }
    )
    checkouts = [Checkout("this checkout", ROOT)]
    if options.beside is not None:
        checkouts.append(Checkout(options.beside.name, options.beside.resolve()))
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        for measured in measure(plan, checkouts, work):  # written after each part: it takes long
            text = report(plan, checkouts, measured, _command(plan, options.beside))
            options.output.write_text(text, encoding="utf-8")
    print(text)


def _command(plan: Plan, beside: Path | None) -> str:
    changed = [f"--{name} {value}" for name, value in asdict(plan).items() if value != getattr(Plan(), name)]
    return " ".join(["python -m benchmarks.finder", *([f"--beside {beside.name}"] if beside else []), *changed])


if __name__ == "__main__":
    main()
