"""What the searches of a process share: threads, pairs that were compared, answers that were read, decoded pictures."""

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phrasepix import Config, Finder, SearchRequest, find_images, stream_images
from phrasepix.sample.source import sample_retriever
from reranker.background_thread import BackgroundThread
from reranker.dedup.compared import Compared, ComparedLooks, Numbers
from reranker.engine import runtime
from reranker.pictures.later import DecodedWhenUsed
from reranker.prefetch import Prefetcher
from reranker.testing import ColourEncoder
from reranker.threads import MOST_WORKERS, Threads
from retriever.filters import NO_FILTERS
from retriever.read_pages import ReadPages
from retriever.source import Opening
from tests.picture_server import PictureServer
from tests.test_several_sources import OwnSource, pool_of


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


def named(*names: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name in names]


def wait_until_none(*names: str) -> None:
    patience_ends = time.monotonic() + 30
    while named(*names) and time.monotonic() < patience_ends:
        time.sleep(0.005)
    assert not named(*names)


def test_what_is_remembered_is_given_to_no_worker_and_loads_no_tower(server: PictureServer) -> None:
    class Loading(ColourEncoder):
        loaded = 0

        def load_image_tower(self) -> None:
            self.loaded += 1

    encoder = Loading()
    own = OwnSource("own", pool_of(server, "own", [1, 2, 3, 4, 5, 6]))
    before = find_images("red", tag="x", source=own, model=encoder, fold=False)
    assert len(before) == 6
    assert encoder.loaded == 1
    wait_until_none("look-ahead")
    seen: list[int] = []
    for results in stream_images("blue", tag="x", source=own, model=encoder, fold=False):
        seen.append(results.pool_size)
        assert not named("look-ahead")
    assert seen[-1] == 6
    assert encoder.loaded == 1, "no picture was to be encoded"


def test_eight_searches_at_once_have_the_workers_of_one_process(server: PictureServer) -> None:
    pools = [pool_of(server, f"own{number}", list(range(1, 13))) for number in range(8)]
    over = threading.Event()
    most = {"look-ahead": 0, "encode": 0, "ahead": 0}

    def watch() -> None:
        while not over.wait(0.001):
            for name in ("look-ahead", "encode"):
                most[name] = max(most[name], len(named(name)))
            most["ahead"] = max(most["ahead"], len(named("look-ahead", "encode", "read-ahead", "look-ahead-feeder")))

    encoder = ColourEncoder()
    found: list[int] = []

    def search(number: int) -> None:
        own = OwnSource(f"own{number}", pools[number])
        found.append(len(find_images("red", tag="x", source=own, model=encoder, top=12, fold=False)))

    callers = [threading.Thread(target=search, args=[number]) for number in range(8)]
    watching = threading.Thread(target=watch)
    for thread in (watching, *callers):
        thread.start()
    for thread in callers:
        thread.join(60)
    over.set()
    watching.join(60)
    assert found == [12] * 8
    assert 1 <= most["look-ahead"] <= MOST_WORKERS
    assert most["encode"] <= 1, "one encoder has one thread, whoever asks"
    assert most["ahead"] <= 8 + 8 + 1 + MOST_WORKERS


def test_threads_are_used_again_and_no_more_are_begun_than_may_be() -> None:
    threads = Threads(most=3)
    lock, release = threading.Lock(), threading.Event()
    done: list[int] = []
    at_once = most = 0

    def work(number: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        release.wait(30)
        with lock:
            at_once -= 1
            done.append(threading.get_ident())

    for number in range(20):
        threads.do(lambda number=number: work(number), "bounded")  # type: ignore[misc]
    release.set()
    patience_ends = time.monotonic() + 30
    while len(done) < 20 and time.monotonic() < patience_ends:
        time.sleep(0.002)
    assert len(done) == 20
    assert most <= 3
    assert len(set(done)) <= 3


def test_work_that_raises_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    threads, done = Threads(most=1), threading.Event()

    def fail() -> None:
        raise ArithmeticError("no number")

    threads.do(fail, "failing")
    threads.do(done.set, "working")
    assert done.wait(30)
    assert "the thread failing failed" in caplog.text


def test_what_is_at_hand_is_handed_out_beside_what_is_worked_on() -> None:
    worked: list[int] = []

    def work(item: int) -> int:
        worked.append(item)
        return -item

    chunks: list[Sequence[int]] = [range(1, 60), range(60, 100)]
    with Prefetcher(work, chunks, threads=2, ahead=3, at_hand=lambda item: item if item % 5 else None) as arriving:
        taken = [one for batch in iter(lambda: arriving.take(2), []) for one in batch]
    assert sorted(worked) == list(range(5, 100, 5))
    assert sorted(taken) == [(item, item if item % 5 else -item) for item in range(1, 100)]


def test_what_is_taken_aside_comes_as_soon_as_it_is_done_and_is_over_when_closed() -> None:
    release = threading.Event()

    def work(item: int) -> int:
        release.wait(30)
        return item + 1

    with BackgroundThread("use") as aside, Prefetcher(work, [[1, 2]], threads=1, ahead=2) as arriving:
        first = arriving.take_aside(1, aside, lambda taken: (taken, threading.current_thread().name))
        assert not first.done()
        release.set()
        assert first.result(30) == ([(1, 2)], "use")
        assert arriving.take_aside(5, aside, list).result(30) == [(2, 3)]
        assert arriving.take_aside(5, aside, list).result(30) == []
    go_on = threading.Event()
    with Prefetcher(work, [[1], iter(lambda: go_on.wait(30), True)], threads=1, ahead=1) as arriving:
        arriving.take(1)
        waiting = arriving.take_aside(1, aside, list)
        arriving.close()
        assert waiting.result(30) == []
        go_on.set()  # the reader of chunks, which waited for the second one, ends too


FORKED = """
import os, threading
from reranker.background_thread import BackgroundThread
from reranker.prefetch import Prefetcher
from reranker.threads import WORKERS
stuck = threading.Event()
aside = BackgroundThread("aside")
begun = aside.begin(stuck.wait)
with Prefetcher(lambda item: stuck.wait() if item else 0, [range(40)], threads=10, ahead=40) as arriving:
    arriving.take(1)
    child = os.fork()
    if not child:
        with Prefetcher(lambda item: item * 2, [range(30)], threads=4, ahead=8) as own:
            taken = [one for batch in iter(lambda: own.take(4), []) for one in batch]
        ok = sorted(taken) == [(n, 2 * n) for n in range(30)] and aside.begin(lambda: 7).result(30) == 7
        os._exit(0 if ok else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stuck.set()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_threads_of_its_own_though_all_were_busy() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "0", done.stderr


def test_a_process_ends_though_work_is_stuck() -> None:
    script = (
        "import threading; from reranker.prefetch import Prefetcher\n"
        "with Prefetcher(lambda item: threading.Event().wait(), [range(3)], threads=2, ahead=3) as arriving: pass\n"
        "raise KeyboardInterrupt"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "KeyboardInterrupt" in done.stderr


def test_a_picture_is_decoded_when_it_is_used_and_is_like_any_other(server: PictureServer) -> None:
    pixels = np.random.default_rng(5).integers(0, 255, (30, 50, 3), dtype=np.uint8)
    plain = Image.fromarray(pixels)
    decoded: list[int] = []

    def decode() -> Image.Image:
        decoded.append(1)
        return plain.copy()

    def later() -> DecodedWhenUsed:
        return DecodedWhenUsed((50, 30), decode)

    picture = later()
    assert (picture.size, picture.mode, picture.width) == ((50, 30), "RGB", 50)
    assert not decoded
    together = [threading.Thread(target=picture.load) for _ in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(30)
    assert len(decoded) == 1
    assert np.array_equal(np.asarray(later()), pixels)
    assert later() == plain
    assert plain == later()
    assert later() == later()
    assert later() != plain.resize((50, 31))
    assert later().resize((7, 5)).tobytes() == plain.resize((7, 5)).tobytes()
    kept = pickle.loads(pickle.dumps(later()))
    assert type(kept) is Image.Image
    assert kept == plain
    files = []
    for one in (later(), plain):
        file = BytesIO()
        one.save(file, "PNG")
        files.append(file.getvalue())
    assert files[0] == files[1]


def test_who_searches_again_is_shown_the_same_pictures_without_their_server(server: PictureServer) -> None:
    own = OwnSource("own", pool_of(server, "own", [1, 2, 3, 4, 5, 6]))
    encoder = ColourEncoder()
    first = find_images("red", tag="x", source=own, model=encoder, fold=False)
    asked = server.asked.total()
    again = find_images("red", tag="x", source=own, model=encoder, fold=False)
    assert server.asked.total() == asked
    assert all(isinstance(match.picture, DecodedWhenUsed) for match in again)
    assert [match.picture.size for match in again] == [match.picture.size for match in first]
    assert [match.picture.tobytes() for match in pickle.loads(pickle.dumps(again))] == [
        match.picture.tobytes() for match in first
    ]


def test_a_pair_is_compared_once_and_nothing_is_remembered_beyond_the_room() -> None:
    looks = ComparedLooks(most=3)
    numbers = np.array([looks.number(bytes([one])) for one in range(5)])
    assert numbers.tolist() == [0, 1, 2, -1, -1]
    asked: list[list[int]] = []

    def compare(open_ones: Numbers) -> Numbers:
        asked.append(open_ones.tolist())
        odd: Numbers = open_ones[open_ones % 2 == 1]
        return odd

    assert looks.alike(0, numbers, compare).tolist() == [1, 3]
    assert looks.alike(0, numbers, compare).tolist() == [1, 3]
    assert asked == [[0, 1, 2, 3, 4], [3, 4]]
    assert looks.alike(2, numbers[:1], compare).tolist() == [], "the other way round it is the same pair"
    assert len(asked) == 2
    compared = Compared()
    before = compared.looks()
    assert compared.looks() is before
    for one in range(2000):
        before.number(one.to_bytes(2, "big"))
    assert compared.looks() is not before, "a new search begins with room"


def test_entries_of_an_answer_are_read_again_only_if_they_changed() -> None:
    pages: ReadPages[list[int]] = ReadPages(most=2)
    read: list[Sequence[dict[str, int]]] = []

    def reading(entries: Sequence[dict[str, int]]) -> list[int]:
        read.append(entries)
        return [entry["id"] for entry in entries]

    for entries in ([{"id": 4}, {"id": 5}], [{"id": 4}, {"id": 5}]):
        assert pages.read("boat", entries, reading) == [4, 5]
    assert len(read) == 1
    assert pages.read("boat", [{"id": 4}, {"id": 6}], reading) == [4, 6]
    assert len(read) == 2
    for other in ("ship", "sail"):
        pages.read(other, [], reading)
    pages.read("boat", [{"id": 4}, {"id": 6}], reading)
    assert len(read) == 5, "the longest unused is gone"


def test_the_sample_is_asked_once_while_it_is_open_and_tells_each_search(tmp_path: Path) -> None:
    skipped: list[object] = []
    with sample_retriever(Opening(cache_directory=tmp_path)) as retriever:
        first = list(retriever.retrieve("boat", limit=20, filters=NO_FILTERS))
        other = retriever.reporting_to(skipped.append, lambda message: None)
        again = list(other.retrieve("boat", limit=20, filters=NO_FILTERS))
        assert [one is two for one, two in zip(first, again, strict=True)] == [True] * 20
        assert list(retriever.retrieve("boat", limit=20, filters=replace(NO_FILTERS, orientation="vertical"))) != first


@pytest.mark.slow
def test_with_both_towers_kept_none_is_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Path] = []
    compile_tower = runtime.compile_tower

    def counting(tower: Path, *arguments: Any, **options: Any) -> object:
        compiled.append(tower)
        return compile_tower(tower, *arguments, **options)

    monkeypatch.setattr(runtime, "compile_tower", counting)
    with Finder(Config(both_towers=True)) as finder:
        for number in range(8):  # NumPy reads the first few
            finder.search(SearchRequest(f"a boat at night, {number}", tag="boat", source="sample", top=3))
        # What earlier tests have begun may still load theirs.
        ours = [tower for tower in compiled if tower.is_relative_to(finder.config.directory)]
    assert sorted(tower.stem for tower in ours) == ["image", "text"]


@pytest.mark.slow
def test_the_benchmark_of_a_finder_runs_whole_and_small(tmp_path: Path) -> None:
    report = tmp_path / "FINDER.md"
    command = [sys.executable, "-m", "benchmarks.finder", "--quick", "--output", str(report), "--work", str(tmp_path)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    text = report.read_text(encoding="utf-8")
    assert "| … results are equal | yes |" in text
    assert text.count("not measured") == 2, "the large model is left out"
