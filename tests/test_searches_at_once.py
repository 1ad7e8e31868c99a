"""Several searches in one process: at once, one after the other, offline and online, and in forked processes."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from phrasepix import find_images, stream_images
from phrasepix.live_results import LiveResults
from phrasepix.models.model_cache import ModelCache
from reranker.errors import WeightsUnavailableError
from reranker.memory.embedding_store import EmbeddingStore
from reranker.models.weights import find_weights
from reranker.testing import ColourEncoder
from reranker.text_cache import TextEmbeddingCache
from retriever.directories import cache_directory
from tests.picture_server import PictureServer
from tests.servers import ScriptedServer, plain
from tests.test_several_sources import OwnSource, pool_of

PHRASES = [
    f"a boat {where}" for where in ("at night", "in fog", "by day", "on land", "in rain", "at sea", "on ice", "")
]


def all_at_once(jobs: list[Callable[[], object]]) -> list[object]:
    outcomes: list[object] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int, job: Callable[[], object]) -> None:
        barrier.wait(30)
        try:
            outcomes[number] = job()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    return outcomes


def ranked(results: object) -> list[tuple[str, float]]:
    assert isinstance(results, LiveResults), results
    return [(match.candidate.id, round(match.score, 4)) for match in results]


def search(phrase: str, **options: object) -> LiveResults:
    return find_images(phrase or "a boat", tag="boat", source="sample", top=5, **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_eight_searches_at_once_find_what_they_find_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = all_at_once([lambda phrase=phrase: search(phrase) for phrase in PHRASES])  # type: ignore[misc]
    shutil.copytree(cache_directory() / "engines", tmp_path / "other" / "engines")
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(tmp_path / "other"))
    one_by_one = [search(phrase) for phrase in PHRASES]
    assert [ranked(results) for results in at_once] == [ranked(results) for results in one_by_one]


@pytest.mark.own_export
@pytest.mark.slow
def test_first_searches_at_once_prepare_the_model_once() -> None:
    code = (
        "import logging, threading\n"
        "from phrasepix import find_images\n"
        "steps = []\n"
        "handler = logging.Handler()\n"
        "handler.emit = lambda record: steps.append(record.getMessage())\n"
        "logging.getLogger('reranker.steps').addHandler(handler)\n"
        "logging.getLogger('reranker.steps').setLevel(logging.INFO)\n"
        "def search(): find_images('a boat', tag='boat', source='sample', top=1)\n"
        "threads = [threading.Thread(target=search) for _ in range(3)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(steps.count('writing the text tower'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == "1", done.stderr


def test_a_model_is_loaded_once_however_many_ask() -> None:
    models: ModelCache[object] = ModelCache(most=2)
    loads: list[object] = []
    slow = threading.Event()

    def load() -> object:
        loads.append(object())
        slow.wait(0.2)
        return loads[-1]

    assert len({id(one) for one in all_at_once([lambda: models.get("a", load)] * 6)}) == 1
    assert len(loads) == 1


def test_who_waits_for_a_load_that_fails_shares_its_error_but_under_other_terms_tries_too() -> None:
    models: ModelCache[str] = ModelCache(most=2)
    begun, tries = threading.Event(), []

    def offline() -> str:
        tries.append("offline")
        begun.set()
        threading.Event().wait(0.3)
        raise WeightsUnavailableError("not here")

    def online() -> str:
        tries.append("online")
        return "the model"

    def later(load: Callable[[], str], terms: str) -> str:
        begun.wait(10)
        return models.get("a", load, terms=terms)

    first, second, third = all_at_once(
        [
            lambda: models.get("a", offline, terms="offline"),
            lambda: later(offline, "offline"),
            lambda: later(online, "online"),
        ]
    )
    assert isinstance(first, WeightsUnavailableError)
    assert second is first or second == "the model"
    assert third == "the model"
    assert tries == ["offline", "online"]


def test_the_least_recently_used_model_goes_first() -> None:
    models: ModelCache[str] = ModelCache(most=2)
    loads: list[str] = []

    def get(name: str) -> None:
        models.get(name, lambda: loads.append(name) or name)  # type: ignore[func-returns-value]

    for name in ("a", "b", "a", "c", "a", "b"):
        get(name)
    assert loads == ["a", "b", "c", "b"]


class TwoTowers(ColourEncoder):
    """Says what it is told of its towers."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bool] = []

    def keep_both_towers(self, both: bool) -> None:
        self.told.append(both)


def test_both_towers_are_held_while_searches_overlap_and_one_by_one_again_afterwards() -> None:
    encoder = TwoTowers()
    texts = TextEmbeddingCache(encoder)
    one, other = object(), object()
    with texts.search(one), texts.search(one):
        assert True not in encoder.told
        with texts.search(other):
            assert encoder.told[-1]
        assert encoder.told[-1]  # the next search may come at any moment
    assert not encoder.told[-1]


def test_offline_changes_nothing_of_the_environment_while_results_come(server: PictureServer) -> None:
    before = dict(os.environ)
    source = OwnSource("own", pool_of(server, "own", [1, 5, 9]))
    results = stream_images("red", tag="x", source=source, model=ColourEncoder(), offline=True)
    next(results)
    assert dict(os.environ) == before
    results.close()  # type: ignore[attr-defined]
    assert dict(os.environ) == before


@pytest.mark.slow
def test_after_an_offline_search_an_online_one_asks_the_hub(tmp_path: Path) -> None:
    with ScriptedServer() as hub:
        hub.otherwise = lambda asked: plain(404, "no such model")
        code = (
            "from phrasepix import find_images\n"
            "from reranker.errors import WeightsUnavailableError\n"
            "for offline in (True, False):\n"
            "    try:\n"
            "        find_images('a boat', tag='boat', source='sample', model='hf-hub:some/clip', offline=offline)\n"
            "    except WeightsUnavailableError as error:\n"
            "        print(error)\n"
        )
        environment = os.environ | {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": hub.origin}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
        )
        assert done.stdout.count("\n") == 2, done.stderr
        offline, online = done.stdout.splitlines()
        assert "an offline search downloads nothing" in offline
        assert "offline" not in online
        assert hub.asked


def test_weights_are_not_downloaded_unless_they_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model, pretrained in (("hf-hub:some/clip-of-nobody", None), ("RN50", "yfcc15m")):
        with pytest.raises(WeightsUnavailableError, match="an offline search downloads nothing"):
            find_weights(model, pretrained, download=False)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


FORK = """
import multiprocessing, warnings
warnings.simplefilter("ignore")  # Python's own, of threads and forks
from phrasepix import find_images
def search(said):
    try:
        said.put(repr(find_images("a boat at night", tag="boat", source="sample", top=1)))
    except Exception as error:
        said.put(f"{type(error).__name__}: {error}")
if __name__ == "__main__":
    find_images("a boat", tag="boat", source="sample", top=1)
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        said = context.Queue()
        process = context.Process(target=search, args=(said,))
        process.start()
        print(said.get(timeout=60))
        process.join(60)
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="Windows does not fork")
@pytest.mark.slow
def test_a_process_forked_after_a_search_is_told_of_the_fork_and_a_spawned_one_searches(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(FORK)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    forked, spawned = done.stdout.splitlines()
    assert forked.startswith("ForkedProcessError: this process was forked")
    assert 'get_context("spawn")' in forked
    assert spawned.startswith("<Results for 'a boat at night'")


FORK_WHILE_LOADING = """
import os, threading, warnings
warnings.simplefilter("ignore")
from phrasepix.models.model_cache import ModelCache
from reranker.testing import ColourEncoder
begun, end = threading.Event(), threading.Event()
models = ModelCache(most=2)
encoder = ColourEncoder()
def load():
    begun.set()
    end.wait(60)
    return "loaded"
threading.Thread(target=lambda: models.get("a", load), daemon=True).start()
begun.wait(10)
if not (child := os.fork()):
    os._exit(7 if models.get("a", lambda: "by the child") == "by the child" else 1)
end.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_process_forked_while_a_thread_loads_a_model_waits_for_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", FORK_WHILE_LOADING], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "7", done.stderr


def test_a_read_does_not_wait_for_a_writer_that_waits_for_another_process(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "embeddings.sqlite", busy_timeout_s=20.0)
    row = np.array([1, 0], dtype=np.float32)
    store.put_many("model", {("s", "1"): row})
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer = threading.Thread(target=lambda: store.put_many("model", {("s", "2"): row}))
        writer.start()
        while writer.is_alive() and not store.get_many("model", 2, [("s", "1")]):
            pass
        assert writer.is_alive(), "the read waited for the writer"
        other.execute("ROLLBACK")
    writer.join(30)
    assert len(store.get_many("model", 2, [("s", "1"), ("s", "2")])) == 2
    store.close()
