"""Turns: whoever asks a source, in whichever search, thread or process, keeps its interval and its budget."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from phrasepix_core.user_agent import CONTACT_VARIABLE
from retriever.commons import SOURCE as COMMONS
from retriever.errors import RateLimitError
from retriever.filters import NO_FILTERS
from retriever.http import RequestPolicy
from retriever.openverse import SOURCE as OPENVERSE
from retriever.pixabay import PixabayRetriever
from retriever.source import Opening
from tests.servers import KEY, QUICK, Asked, ScriptedServer, Step, hit, of_hits, plain
from tests.source_servers.base import Picture, SourceServer
from tests.source_servers.commons import CommonsServer
from tests.source_servers.openverse import OpenverseServer

INTERVAL_S = 0.8
SLOW = replace(QUICK, interval_s=INTERVAL_S, keep_answers_for=timedelta(0))


class Arrivals:
    """When requests came in, and how many were being answered at once at most."""

    def __init__(self, answer: Callable[[Asked], Step], takes_s: float = 0.0) -> None:
        self.times: list[float] = []
        self.most_at_once = 0
        self._answer = answer
        self._takes_s = takes_s
        self._here = 0
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Step:
        with self._lock:
            self.times.append(time.monotonic())
            self._here += 1
            self.most_at_once = max(self.most_at_once, self._here)
        time.sleep(self._takes_s)
        with self._lock:
            self._here -= 1
        return self._answer(asked)

    def demand_interval(self) -> None:
        """A busy machine notes a request late, and so too near to the next: all of them together are hardly moved."""
        times = sorted(self.times)
        assert times[-1] - times[0] >= 0.9 * INTERVAL_S * (len(times) - 1)
        assert min(later - earlier for earlier, later in pairwise(times)) >= 0.5 * INTERVAL_S


@pytest.fixture
def openverse() -> Iterator[OpenverseServer]:
    with OpenverseServer() as server:
        server.held = [Picture(number=number) for number in range(1, 4)]
        yield server


def search(server: SourceServer, tag: str, policy: RequestPolicy, cache: Path | None = None) -> int:
    """A search of its own: it opens the source and closes it."""
    with server.connect(policy=policy, cache_directory=cache) as retriever:
        return len(list(retriever.retrieve(tag, limit=20)))


def all_at_once(jobs: list[Callable[[], object]]) -> None:
    failures: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


def test_searches_one_after_the_other_keep_the_interval(openverse: OpenverseServer) -> None:
    openverse.otherwise = arrivals = Arrivals(openverse.answer)
    for tag in ("boat", "sea", "night"):
        search(openverse, tag, SLOW)
    assert len(arrivals.times) == 3
    arrivals.demand_interval()


def test_searches_at_once_keep_the_interval(openverse: OpenverseServer) -> None:
    openverse.otherwise = arrivals = Arrivals(openverse.answer)
    all_at_once([lambda tag=tag: search(openverse, tag, SLOW) for tag in ("boat", "sea", "night", "boat sea")])  # type: ignore[misc]
    assert len(arrivals.times) == 4
    arrivals.demand_interval()


def test_processes_that_share_a_cache_directory_keep_the_interval(openverse: OpenverseServer, tmp_path: Path) -> None:
    openverse.otherwise = arrivals = Arrivals(openverse.answer)
    code = (
        "import sys\n"
        "from retriever.api.source import ApiSource\n"
        "from retriever.openverse import OPENVERSE, OpenverseAdapter\n"
        "from retriever.source import Opening\n"
        f"source = ApiSource(OPENVERSE, OpenverseAdapter, interval_s={INTERVAL_S})\n"
        "with source.open(Opening(base_url=sys.argv[1])) as retriever:\n"
        "    for tag in sys.argv[2:]:\n"
        "        list(retriever.retrieve(tag, limit=20))\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, openverse.api_url, f"boat {number}", f"sea {number}"])
        for number in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(arrivals.times) == 4
    arrivals.demand_interval()


def test_requests_in_series_never_overlap_whoever_sends_them() -> None:
    with CommonsServer() as server:
        server.held = [Picture(number=1)]
        server.otherwise = arrivals = Arrivals(server.answer, takes_s=0.05)
        policy = replace(SLOW, interval_s=0.0, in_series=True)
        all_at_once([lambda tag=tag: search(server, tag, policy) for tag in ("boat", "sea", "night", "harbour")])  # type: ignore[misc]
        assert len(arrivals.times) == 4
        assert arrivals.most_at_once == 1


def test_openverse_and_commons_are_asked_as_they_wish() -> None:
    assert OPENVERSE.interval_s == 1.0
    assert COMMONS.in_series


def test_the_same_question_of_several_searches_is_sent_once(openverse: OpenverseServer, tmp_path: Path) -> None:
    openverse.otherwise = arrivals = Arrivals(openverse.answer, takes_s=0.05)
    policy = replace(SLOW, keep_answers_for=timedelta(hours=1), in_series=True)
    all_at_once([lambda: search(openverse, "boat", policy, tmp_path) for _ in range(4)])
    assert len(arrivals.times) == 1


def ask(server: ScriptedServer, tag: str, key: str = KEY) -> int:
    policy = replace(QUICK, keep_answers_for=timedelta(0))
    with PixabayRetriever(key, base_url=server.url, policy=policy) as retriever:
        return len(list(retriever.retrieve(tag, limit=20)))


def test_a_spent_budget_is_remembered_by_the_next_search(api: ScriptedServer) -> None:
    api.play(of_hits([hit(1)], X_RateLimit_Remaining="0", X_RateLimit_Reset="3000"))
    assert ask(api, "boat") == 1
    with pytest.raises(RateLimitError, match="renewed in"):
        ask(api, "sea")
    assert len(api.asked) == 1


def test_another_keys_budget_is_its_own(api: ScriptedServer) -> None:
    api.play(of_hits([hit(1)], X_RateLimit_Remaining="0", X_RateLimit_Reset="3000"), of_hits([hit(2)]))
    assert ask(api, "boat") == 1
    assert ask(api, "boat", "another-key-of-somebody-else") == 1


def test_a_pause_that_a_refusal_asks_for_is_kept_by_the_next_search(api: ScriptedServer) -> None:
    api.play(plain(429, "slow down", Retry_After="2000"))
    for _ in range(2):
        with pytest.raises(RateLimitError):
            ask(api, "boat")
    assert len(api.asked) == 1


def test_no_more_are_sent_at_once_than_the_budget_has(api: ScriptedServer) -> None:
    def answer(asked: Asked) -> Step:
        time.sleep(0.05)
        return of_hits([hit(3)], X_RateLimit_Remaining="0", X_RateLimit_Reset="3000")

    api.play(of_hits([hit(1)], X_RateLimit_Remaining="2", X_RateLimit_Reset="3000"))
    assert ask(api, "boat") == 1
    api.otherwise = answer
    outcomes: list[bool] = []

    def try_asking(tag: str) -> None:
        try:
            outcomes.append(ask(api, tag) == 1)
        except RateLimitError:
            outcomes.append(False)

    all_at_once([lambda tag=tag: try_asking(tag) for tag in ("a", "b", "c", "d", "e")])  # type: ignore[misc]
    assert outcomes.count(True) == 2
    assert len(api.asked) == 3


def test_a_kept_answer_waits_for_no_turn(openverse: OpenverseServer, tmp_path: Path) -> None:
    policy = replace(QUICK, interval_s=40.0)
    with ExitStack() as stack:
        retrievers = [stack.enter_context(openverse.connect(policy=policy, cache_directory=tmp_path)) for _ in range(2)]
        for retriever in (*retrievers, retrievers[0]):  # would take more than a minute
            assert len(list(retriever.retrieve("boat", limit=20))) == 3
    assert len(openverse.asked) == 1


def test_the_key_is_in_no_name_of_a_lock_file(api: ScriptedServer, tmp_path: Path) -> None:
    api.play(of_hits([hit(1)]))
    policy = replace(QUICK, interval_s=0.01)
    with PixabayRetriever(KEY, base_url=api.url, policy=policy, cache_directory=tmp_path) as retriever:
        list(retriever.retrieve("boat"))
    names = [path.name for path in (tmp_path / "limits").iterdir()]
    assert names
    assert not [name for name in names if KEY in name]


def test_the_contact_is_read_when_a_source_is_opened(api: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from retriever.pixabay import SOURCE

    for contact in ("one@example.org", "two@example.org"):
        monkeypatch.setenv(CONTACT_VARIABLE, contact)
        api.play(of_hits([hit(1)]), of_hits([hit(1)]))
        with PixabayRetriever(KEY, base_url=api.url) as retriever:
            list(retriever.retrieve(f"boat of {contact}"))
        with SOURCE.open(Opening(key=KEY, base_url=api.url)) as opened:
            list(opened.retrieve(f"sea of {contact}", limit=20, filters=NO_FILTERS))
        assert [contact in asked.headers["User-Agent"] for asked in api.asked[-2:]] == [True, True]
