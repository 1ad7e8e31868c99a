"""The served finder: how fast an answer is, many clients at once, and what it keeps: `python -m benchmarks.serve`.

The real `phrasepix serve`, asked over HTTP by this process. In one run: a new phrase over 200 remembered pictures under
a model of ViT-B-32's size (random weights, exported once), warm, in turns with the fresh command; 32 clients at once,
beside the time that the text tower alone takes for a phrase in that run; the page in a browser, from Enter to the first
numbered slot; thousands of searches over the sample, with memory, open files and threads; start to listening, and
memory before a model is loaded. Clients and server share the cores. Writes `benchmarks/SERVE.md`; takes some ten
minutes.

`--quick` tries whether it runs.
"""

import argparse
import json
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import requests

from benchmarks.speed.pictures import prepare
from benchmarks.speed.site import running_site
from benchmarks.speed.weights import random_model
from tests.page_server import CHROMIUM
from tests.serve_process import ServeProcess
from tests.test_command_line import command

REPORT = Path(__file__).with_name("SERVE.md")
CLIENTS = 32
SETTLED_AFTER = 500
_PAUSE_S = 0.02
"""Between the phrases of somebody who is not alone."""
_FROM_ENTER_TO_SLOT = """
() => new Promise((resolve) => {
  for (const one of document.querySelectorAll("#grid > li")) one.dataset.before = "";
  let entered;
  const note = (event) => { if (event.key === "Enter") entered = performance.now(); };
  addEventListener("keydown", note, { once: true, capture: true });
  const watch = new MutationObserver(() => {
    if (!document.querySelector("#grid > li:not([data-before])")) return;
    watch.disconnect();
    requestAnimationFrame(() => { window.fromEnter = performance.now() - entered; });
  });
  watch.observe(document.documentElement, { subtree: true, childList: true });
  window.fromEnter = undefined;
  resolve();
})
"""
_TOWER = """
import json, statistics, sys, time
from pathlib import Path
from phrasepix import Config, Finder
finder = Finder(Config(both_towers=True, cache_directory=Path(sys.argv[2])))
encoder = finder.loaded_model("local-dir:" + sys.argv[1]).encoder
for number in range(10):
    encoder.encode_texts([f"a harbour before, number {number}"])
taken = []
for number in range(int(sys.argv[3])):
    begun = time.perf_counter()
    encoder.encode_texts([f"a lighthouse in fog, number {number}"])
    taken.append(time.perf_counter() - begun)
print(json.dumps(statistics.median(taken)))
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    pictures: int = 200
    phrases: int = 60
    commands: int = 7
    rounds: int = 12
    """Phrases of each of many clients: so many that the beginning and the end, with fewer under way, weigh little."""
    bouts: int = 9
    """How often many clients come, each time after the tower alone was timed."""
    searches: int = 10_000
    starts: int = 7


QUICK = Plan(pictures=20, phrases=3, commands=1, rounds=1, bouts=1, searches=20, starts=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the report."""

    what: str
    found: str
    wanted: str


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--work", type=Path, help="where models, pictures and caches are, and stay")
    parser.add_argument("--searches", type=int, default=10_000)
    options = parser.parse_args()
    plan = QUICK if options.quick else Plan(searches=options.searches)
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        rows = [*measure_starts(work, plan), *measure_phrases(work, plan), *measure_many(work, plan)]
    for row in rows:
        print(f"{row.what}: {row.found} (wanted: {row.wanted})")
    if not options.quick:
        REPORT.write_text(report(rows, sys.argv[1:]), encoding="utf-8")


def measure_starts(work: Path, plan: Plan) -> list[Row]:
    """Start to listening, and the memory of a server that nobody has searched with."""
    taken, resident = [], []
    for _ in range(plan.starts + 1):  # the first writes what Python keeps of modules
        begun = time.perf_counter()
        with ServeProcess(work / "root", environment(work)) as server:
            taken.append(time.perf_counter() - begun)
            server.get("/api/v1/sources")
            resident.append(memory_mib(server))
    return [
        Row("start to listening", f"{statistics.median(taken[1:]):.2f} s", "≤ 1.0 s"),
        Row("memory without a model loaded", f"{statistics.median(resident[1:]):.0f} MiB", "≤ 150 MB"),
    ]


def measure_phrases(work: Path, plan: Plan) -> list[Row]:
    """A new phrase over remembered pictures: one client beside the fresh command, then many clients."""
    model = random_model(work)
    pictures, _ = prepare(work, plan.pictures)
    with running_site(pictures, 0.0) as address:
        around = environment(work) | {"PIXABAY_API_URL": address, "PIXABAY_API_KEY": "benchmark-0000000000000000"}
        with ServeProcess(work, around) as server:
            asked = Asked(server, model.name, plan.pictures)
            answers, fresh = [], []
            with asked.connection() as one:
                for number in range(8):
                    asked.timed(one, f"a boat before, number {number}")
                for number in range(plan.commands):
                    share = plan.phrases // plan.commands + 1
                    answers += [asked.timed(one, f"a boat at night, {number} of {part}") for part in range(share)]
                    fresh.append(fresh_command(model, around, plan.pictures, f"a boat by day, number {number}", work))
            towers_s, many = [], []
            for bout in range(plan.bouts):  # by turns: a machine that others use is not as fast at all times
                towers_s.append(tower_alone(model, around, work, plan.phrases))
                many.append(many_clients(asked, plan.rounds, bout))
            meanwhile, first_s = beside_a_first_search(server, asked, model, pictures, work / "new-photographs")
            slots = from_enter_to_slot(server, model, plan.phrases, plan.pictures)
    p50, p95 = p50_of(answers), p95_of(answers)
    per_second = [len(one.taken) / one.wall_s for one in many]
    of_tower = [one * tower_s for one, tower_s in zip(per_second, towers_s, strict=True)]
    return [
        Row("a new phrase over remembered pictures, p50", ms(p50), "≤ 60 ms"),
        Row("… p95", ms(p95), "≤ 120 ms"),
        Row("the same by the fresh command", ms(statistics.median(fresh)), ""),
        Row("… the answer is of that", f"1/{statistics.median(fresh) / p50:.1f}", "≤ 1/6"),
        Row("the text tower for one phrase", spread([one * 1000 for one in towers_s], 1, " ms"), ""),
        Row(f"{CLIENTS} clients: answers a second", spread(per_second, 0), ""),
        Row("… of what the tower could give", spread(of_tower, 2), "≥ 0.8"),
        Row("… slowest ÷ median", spread([max(one.taken) / p50_of(one.taken) for one in many], 1), "≤ 3"),
        Row("… refused or lost", str(sum(one.failed for one in many)), "0"),
        Row(f"a new phrase while a first search encodes {plan.pictures} photographs, p50", ms(p50_of(meanwhile)), ""),
        Row("… p95", ms(p95_of(meanwhile)), ""),
        Row("… that search, with so many phrases beside it", f"{first_s:.1f} s, {len(meanwhile)} phrases", ""),
        Row("the page: from Enter to the first numbered slot, p50", ms(p50_of(slots)), "≤ 150 ms"),
        Row("… p95", ms(p95_of(slots)), ""),
    ]


def from_enter_to_slot(server: ServeProcess, model: Path, phrases: int, limit: int) -> list[float]:
    """Seconds, by the browser's clock, until a new phrase's first slot is painted; its pool is remembered."""
    from playwright.sync_api import sync_playwright

    settled = "() => document.querySelectorAll('#grid .is-settled').length && !document.body.matches('.is-searching')"
    taken = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(
            server.page(
                phrase="a boat on the page", tag="speed", source="pixabay", model=f"local-dir:{model}", limit=limit
            )
        )
        for number in range(phrases):
            page.wait_for_function(settled, timeout=120_000)
            box = page.get_by_role("textbox", name="What the picture shows")
            box.fill(f"a boat at dusk, number {number}")
            page.evaluate(_FROM_ENTER_TO_SLOT)
            box.press("Enter")
            page.wait_for_function("() => window.fromEnter !== undefined", timeout=120_000)
            taken.append(page.evaluate("window.fromEnter") / 1000)
        browser.close()
    return taken[len(taken) // 10 :]  # the first compile the page's scripts


@dataclass(frozen=True, slots=True)
class Answered:
    """The seconds until all of an answer had come, and the answer."""

    taken_s: float
    body: bytes

    def check(self) -> None:
        """Raise if it is no answer, or a picture is missing."""
        answer = json.loads(self.body)
        if answer["skipped"] or len(answer["matches"]) != 10:
            raise RuntimeError("a picture is missing")


class Asked:
    """Searches for the same pictures under new phrases.

    Over Python's own HTTP, which takes a third of what `requests` takes of the cores that the server needs.
    """

    def __init__(self, server: ServeProcess, model: str, limit: int) -> None:
        self._address = urlsplit(server.origin).netloc
        self._headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
        self._same = {"tag": "speed", "source": "pixabay", "model": f"local-dir:{model}", "limit": limit}

    def connection(self) -> "closing[HTTPConnection]":
        """Return a connection of one client's."""
        return closing(HTTPConnection(self._address, timeout=300))

    def search(self, connection: HTTPConnection, phrase: str) -> Answered:
        """Search once; what has come is to be checked."""
        body = json.dumps({"phrase": phrase, **self._same})
        begun = time.perf_counter()
        connection.request("POST", "/api/v1/search", body, self._headers)
        answer = connection.getresponse().read()
        return Answered(time.perf_counter() - begun, answer)

    def timed(self, connection: HTTPConnection, phrase: str) -> float:
        """Seconds of a search. Raises if a picture is missing."""
        answered = self.search(connection, phrase)
        answered.check()
        return answered.taken_s


def tower_alone(model: Path, around: Mapping[str, str], work: Path, phrases: int) -> float:
    """Seconds that the text tower takes for one phrase in a process of its own, on all cores; the median."""
    arguments = ["-c", _TOWER, str(model), str(work / "cache"), str(phrases)]
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, env=os.environ | around
    )
    return float(done.stdout)


def fresh_command(model: Path, around: Mapping[str, str], limit: int, phrase: str, work: Path) -> float:
    """Seconds that the command takes for a new phrase over the same pictures."""
    arguments = [
        phrase, "--tag", "speed", "--source", "pixabay", "--model", f"local-dir:{model}", "--limit", str(limit),
        "--json", "--gallery", str(work / "gallery.html"),
    ]  # fmt: skip
    begun = time.perf_counter()
    subprocess.run(command(*arguments), env=os.environ | around, capture_output=True, check=True)
    return time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Many:
    """What came of many clients at once."""

    wall_s: float
    taken: list[float]
    failed: int


def many_clients(asked: Asked, rounds: int, bout: int) -> Many:
    """Each client asks for one phrase after the other; none of them is that of another `bout`."""
    answers: list[Answered] = []
    barrier = threading.Barrier(CLIENTS + 1)

    def client(number: int) -> None:
        with asked.connection() as connection:
            barrier.wait()
            for one in range(rounds):
                try:
                    answers.append(asked.search(connection, f"a boat of client {number} on day {bout * rounds + one}"))
                except (OSError, HTTPException):  # refused or lost
                    connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - begun
    for answered in answers:
        answered.check()
    return Many(wall_s, [one.taken_s for one in answers], CLIENTS * rounds - len(answers))


def beside_a_first_search(
    server: ServeProcess, asked: Asked, model: Path, pictures: Path, folder: Path
) -> tuple[list[float], float]:
    """Seconds of new phrases over remembered pictures, while photographs that nobody has seen are encoded; those too.

    The photographs are in a `folder`, each with some bytes of chance behind its end.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for one in pictures.glob("*.jpg"):
        (folder / one.name).write_bytes(one.read_bytes() + secrets.token_bytes(8))
    body = {"phrase": "a boat", "source": str(folder), "model": f"local-dir:{model.name}", "limit": 1000}
    taken: list[float] = []
    with ThreadPoolExecutor(1) as thread, asked.connection() as connection:
        begun = time.perf_counter()
        first = thread.submit(server.post, "/api/v1/search", body)
        while not first.done():
            taken.append(asked.timed(connection, f"a boat meanwhile, {len(taken)}"))
            time.sleep(_PAUSE_S)
        ended = time.perf_counter()
    first.result()
    return taken, ended - begun


def measure_many(work: Path, plan: Plan) -> list[Row]:
    """What a server keeps after many searches."""
    kept: list[tuple[float, int, int]] = []
    with ServeProcess(work / "root", environment(work)) as server, requests.Session() as session:
        for number in range(1, plan.searches + 1):
            body = {"phrase": f"a boat of number {number} at night", "tag": "boat", "source": "sample"}
            headers = {"Authorization": f"Bearer {server.token}"}
            session.post(f"{server.origin}/api/v1/search", json=body, headers=headers, timeout=60).raise_for_status()
            if number in (min(SETTLED_AFTER, plan.searches), plan.searches):
                kept.append((memory_mib(server), files_of(server), threads_of(server)))
    (before, files_before, threads_before), (after, files_after, threads_after) = kept[0], kept[-1]
    return [
        Row(f"memory after {SETTLED_AFTER} → {plan.searches} searches", f"{before:.0f} → {after:.0f} MiB", ""),
        Row("… the one of the other", f"{after / before:.3f}", "≤ 1.05"),
        Row("… open files", f"{files_before} → {files_after}", "constant"),
        Row("… threads", f"{threads_before} → {threads_after}", "constant"),
    ]


def environment(work: Path) -> dict[str, str]:
    """Return the variables of a server whose caches are below `work`; Python keeps its modules there, too."""
    return {"PHRASEPIX_CACHE_DIR": str(work / "cache"), "PYTHONPYCACHEPREFIX": str(work / "pycache"),
            "PYTHONDONTWRITEBYTECODE": ""}  # fmt: skip


def _status(server: ServeProcess, name: str) -> int:
    for line in Path(f"/proc/{server.process_id}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"Linux says nothing of {name}")


def memory_mib(server: ServeProcess) -> float:
    """MiB resident."""
    return _status(server, "VmRSS") / 1024


def threads_of(server: ServeProcess) -> int:
    """How many threads it has."""
    return _status(server, "Threads")


def files_of(server: ServeProcess) -> int:
    """How many files it has open."""
    return len(list(Path(f"/proc/{server.process_id}/fd").iterdir()))


def p50_of(seconds: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(seconds)


def p95_of(seconds: Sequence[float]) -> float:
    """Return what 95 of a hundred do not exceed."""
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


def spread(found: Sequence[float], decimals: int, unit: str = "") -> str:
    """Return the median, and in brackets the least and the most."""
    middle, least, most = (f"{one:.{decimals}f}" for one in (statistics.median(found), min(found), max(found)))
    return f"{middle}{unit} ({least}–{most})"


def ms(seconds: float) -> str:
    """Milliseconds as people read them."""
    return f"{seconds * 1000:.0f} ms"


def report(rows: Sequence[Row], arguments: Sequence[str]) -> str:
    """Return the report."""
    loads = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    made_by = " ".join(["python -m benchmarks.serve", *arguments])
    lines = [
        "# The served finder",
        "",
        f"Made by `{made_by}` on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} on {platform.machine()}, "
        f"{os.cpu_count()} CPUs, Python {platform.python_version()}; load over the last 1, 5 and 15 minutes when it "
        f"ended: {loads}.",
        "",
        "Times are by the clock, over HTTP, of whole answers; clients, server and whatever else ran share the cores.",
        "",
        "| what | found | must reach |",
        "|---|---:|---:|",
        *(f"| {row.what} | {row.found} | {row.wanted} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
