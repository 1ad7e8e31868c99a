"""A finder over many searches: what it opens once, shares, tells and gives back, with real servers and folders."""

import json
import logging
import logging.handlers
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from phrasepix import Config, Filters, Finder, SearchRequest, find_images
from phrasepix.errors import WrongPickError
from phrasepix.events import Notice, SearchProgress, Stage
from phrasepix.live_results import LiveResults
from reranker.encoder import Embeddings
from reranker.testing import ColourEncoder
from retriever.directories import config_directory
from retriever.errors import KeyMissingError, RateLimitError, SourceUnreachableError
from retriever.http.rate_limiter import LIMITERS
from tests.first_often import first_often
from tests.picture_server import PictureServer, encoded, file, stripes
from tests.picture_tree import picture, write
from tests.servers import KEY, ScriptedServer, hit, of_hits
from tests.test_searches_at_once import all_at_once
from tests.test_several_sources import OwnSource, pool_of

ENCODER = ColourEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(6):
        write(tmp_path / "pictures" / f"{seed}.png", picture(seed))
    return tmp_path / "pictures"


@pytest.fixture
def finder() -> Iterator[Finder]:
    with Finder() as finder:
        yield finder


class Stock:
    """A server that speaks Pixabay's protocol and whose pictures are really there."""

    def __init__(self, api: ScriptedServer, pictures: PictureServer, count: int = 4) -> None:
        self.api = api
        self.hits = []
        for number in range(count):
            body = encoded(stripes(["red"] * (number + 1) + ["blue"] * 6), "PNG")
            url = pictures.put(f"/stock/{number}.png", file(body, "image/png"))
            self.hits.append(hit(number, previewURL=url, webformatURL=url, largeImageURL=url))
        api.otherwise = lambda asked: of_hits(self.hits if asked.query["page"] == "1" else [])

    @property
    def keys(self) -> list[str]:
        """The key of each request."""
        return [asked.query["key"] for asked in self.api.asked]


@pytest.fixture
def stock(api: ScriptedServer, pictures: PictureServer, monkeypatch: pytest.MonkeyPatch) -> Stock:
    monkeypatch.setenv("PIXABAY_API_URL", api.url)
    monkeypatch.setenv("PIXABAY_API_KEY", KEY)
    return Stock(api, pictures)


def asked(phrase: str = "red", **changes: Any) -> SearchRequest:
    options: dict[str, Any] = {"tag": "boat", "source": "pixabay", "model": ENCODER} | changes
    return SearchRequest(phrase, **options)


def of_folder(folder: Path, phrase: str = "red", **changes: Any) -> SearchRequest:
    return asked(phrase, **{"source": folder, "tag": None} | changes)


def ranked(results: object) -> list[tuple[str, float]]:
    assert isinstance(results, LiveResults), results
    return [(match.candidate.id, round(match.score, 5)) for match in results]


# Sources stay open.


def opened_sources(finder: Finder, *requests: SearchRequest) -> list[object]:
    """The connection of each search, as the retriever of a source has it."""
    sources = finder._shared.resources(finder.config).sources  # what nobody else sees: that it is one
    clients = []
    for request in requests:
        finder.search(request)
        clients.append(next(reversed(sources._open.values())).retriever._client)  # type: ignore[attr-defined]
    return clients


def test_a_source_is_opened_once_for_several_searches(stock: Stock, finder: Finder) -> None:
    one, other, third = opened_sources(finder, asked(), asked("blue"), asked("red", tag="sea"))
    assert one is other is third


def test_a_key_that_is_set_later_takes_effect(stock: Stock, finder: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIXABAY_API_KEY")
    with pytest.raises(KeyMissingError):
        finder.search(asked())
    assert stock.api.asked == []
    for number, key in enumerate((KEY, "27182818-another")):
        monkeypatch.setenv("PIXABAY_API_KEY", key)
        assert len(finder.search(asked(tag=f"boat {number}"))) == 4
    assert stock.keys == [KEY, "27182818-another"]


def test_a_key_that_is_written_to_the_config_file_later_takes_effect(
    stock: Stock, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIXABAY_API_KEY")
    config_directory().mkdir(parents=True)
    for number, key in enumerate((KEY, "27182818-another")):
        path = config_directory() / "config.toml"
        path.write_text(f'pixabay_api_key = "{key}"\n')
        path.chmod(0o600)
        finder.search(asked(tag=f"boat {number}"))
    assert stock.keys == [KEY, "27182818-another"]


def test_an_address_that_is_set_later_takes_effect(
    stock: Stock, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder.search(asked())
    with ScriptedServer() as other:
        other.otherwise = lambda asked: of_hits(stock.hits[:1])
        monkeypatch.setenv("PIXABAY_API_URL", other.url)
        assert len(finder.search(asked())) == 1
        assert len(other.asked) == len(stock.api.asked) == 1


def test_another_cache_directory_takes_effect_and_has_answers_of_its_own(
    stock: Stock, finder: Finder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finder.search(asked())
    finder.search(asked("blue"))
    assert len(stock.api.asked) == 1
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(tmp_path / "elsewhere"))
    finder.search(asked())
    assert len(stock.api.asked) == 2
    assert (tmp_path / "elsewhere").is_dir()


def test_what_is_configured_goes_before_the_environment(stock: Stock, tmp_path: Path) -> None:
    with ScriptedServer() as other:
        other.otherwise = lambda asked: of_hits(stock.hits[:2])
        config = Config(key="16180339-given", base_url=other.url, cache_directory=tmp_path / "given")
        with Finder(config) as finder:
            assert len(finder.search(asked(source=None))) == 2
        assert [one.query["key"] for one in other.asked] == ["16180339-given"]
    assert stock.api.asked == []
    assert [path.name for path in (tmp_path / "given").iterdir()]
    assert not (tmp_path / "cache" / "embeddings.sqlite").exists()


def test_a_configured_finder_shares_models_and_memory_and_keys_stay_apart(stock: Stock, finder: Finder) -> None:
    other = finder.configured(key="16180339-other")
    first, second = opened_sources(finder, asked())[0], opened_sources(other, asked(tag="sea"))[0]
    assert first is not second
    assert stock.keys == [KEY, "16180339-other"]
    assert other.models is finder.models
    assert other._resources().memory is finder._resources().memory


def test_searches_of_all_finders_and_threads_take_turns_by_one_limiter(stock: Stock, finder: Finder) -> None:
    with Finder() as other:
        jobs: list[Callable[[], object]] = [
            partial(one.search, asked(tag=tag)) for one in (finder, other) for tag in ("sea", "fog")
        ]
        assert [len(found) for found in all_at_once(jobs)] == [4, 4, 4, 4]  # type: ignore[arg-type]
    assert len(LIMITERS._limiters) == 1


def test_a_spent_budget_holds_for_the_next_search_too(stock: Stock, finder: Finder) -> None:
    stock.api.play(of_hits(stock.hits, X_RateLimit_Remaining="0", X_RateLimit_Reset="3600"))
    finder.search(asked())
    with pytest.raises(RateLimitError, match="it is renewed in"):
        finder.search(asked(tag="sea"))
    assert len(stock.api.asked) == 1


# Models.


class CountingEncoder(ColourEncoder):
    """Counts what it encodes."""

    def __init__(self, name: str = "counting") -> None:
        super().__init__()
        self.called = name
        self.texts: list[str] = []
        self.pictures = 0

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.called

    def encode_texts(self, texts: Any) -> Embeddings:
        self.texts += texts
        return super().encode_texts(texts)

    def encode_pictures(self, pictures: Any) -> Embeddings:
        self.pictures += len(pictures)
        return super().encode_pictures(pictures)


def test_what_was_encoded_for_one_search_is_not_encoded_for_the_next(folder: Path, finder: Finder) -> None:
    encoder = CountingEncoder()
    for phrase in ("red", "blue", "red"):
        finder.search(of_folder(folder, phrase, model=encoder))
    assert encoder.pictures == 6
    assert encoder.texts.count("red") == 1


def test_a_memory_is_shared_by_finders_of_one_directory(folder: Path, finder: Finder) -> None:
    encoder = CountingEncoder()
    finder.search(of_folder(folder, model=encoder))
    with Finder() as other:
        other.search(of_folder(folder, "blue", model=encoder))
    assert encoder.pictures == 6


def sample(phrase: str = "a boat", **changes: Any) -> SearchRequest:
    return asked(phrase, **{"source": "sample", "model": None, "top": 3} | changes)


def loaded(finder: Finder) -> list[object]:
    return list(finder.models._named._loaded.values())


def test_a_model_stays_loaded_and_is_unloaded_by_close() -> None:
    finder = Finder()
    before = ranked(finder.search(sample()))
    (model,) = loaded(finder)
    finder.search(sample("a boat at night"))
    assert loaded(finder) == [model]
    finder.close()
    assert loaded(finder) == []
    assert ranked(finder.search(sample())) == before
    finder.close()


@pytest.mark.slow
def test_a_model_that_nobody_asks_for_is_unloaded_and_loaded_again_when_asked_for() -> None:
    with Finder(Config(unload_after_s=0.2)) as finder:
        before = ranked(finder.search(sample()))
        waiting = threading.Event()
        for _ in range(200):
            if not loaded(finder):
                break
            waiting.wait(0.1)
        assert loaded(finder) == []
        assert ranked(finder.search(sample())) == before


@pytest.mark.slow
def test_no_more_models_are_kept_than_configured(tmp_path: Path, link_export: Callable[[Path], None]) -> None:
    link_export(tmp_path / "other")
    with Finder(Config(models_kept=1)) as finder:
        finder.search(sample())
        (first,) = loaded(finder)
        finder.configured(cache_directory=tmp_path / "other").search(sample())
        (second,) = loaded(finder)
        assert second is not first


def test_a_finder_that_keeps_both_towers_says_so_to_the_model() -> None:
    told: list[bool] = []

    class Towers(CountingEncoder):
        def keep_both_towers(self, both: bool) -> None:
            told.append(both)

    for both in (True, False):
        told.clear()
        with Finder(Config(both_towers=both)) as finder:
            finder.search(sample(model=Towers()))
        assert (True in told) == both


def test_searches_at_once_by_one_finder_find_what_finders_of_their_own_find(folder: Path, stock: Stock) -> None:
    phrases = ("red", "blue", "green")
    requests = [*(asked(phrase) for phrase in phrases), *(of_folder(folder, phrase) for phrase in phrases)]
    alone = []
    for request in requests:
        with Finder() as finder:
            alone.append(ranked(finder.search(request)))
    with Finder() as finder:
        together = all_at_once([lambda request=request: finder.search(request) for request in requests])  # type: ignore[misc]
        streamed = [list(finder.stream(request))[-1] for request in requests]
    assert [ranked(one) for one in together] == alone
    assert [ranked(one) for one in streamed] == alone
    assert all(one.is_final for one in streamed)


# Warm.


def test_a_warm_search_has_nothing_left_to_encode_and_warming_up_asks_nobody(stock: Stock, finder: Finder) -> None:
    finder.warm_up(sample("a boat at night"))
    assert len(loaded(finder)) == 1
    texts = loaded(finder)[0].texts  # type: ignore[attr-defined]
    before = dict(texts._kept)
    finder.search(sample("a boat at night"))
    assert list(before) == ["a boat at night"]
    assert texts._kept == before
    finder.warm_up(asked(source="pixabay", model="sample"))
    assert stock.api.asked == []


@pytest.mark.own_export
def test_warming_up_downloads_and_exports_nothing_and_raises_nothing(tmp_path: Path) -> None:
    with ScriptedServer() as hub, Finder() as finder:
        for request in (sample(), sample(model="hf-hub:some/clip"), sample(model="nosuch"), sample(device="nosuch")):
            finder.warm_up(request)
        assert hub.asked == []
        assert loaded(finder) == []
    assert not list((tmp_path / "cache").glob("engines/*"))


# On from results.


def test_results_are_refined_and_saved_and_searched_on_by_their_finder(
    folder: Path, finder: Finder, tmp_path: Path
) -> None:
    results = finder.search(of_folder(folder))
    nearer = finder.refine(results, prefer=[3], avoid="1")
    assert nearer.request is not None
    assert ranked(nearer) == ranked(results.refined(prefer=[3], avoid="1")) != ranked(results)
    assert {one for one, _ in ranked(nearer)} == {one for one, _ in ranked(results)}
    alike = finder.more_like(results[1], of_folder(folder))
    assert ranked(alike) == ranked(results[1].more_like_this())
    assert results[1].candidate.id not in {one for one, _ in ranked(alike)}
    saved = finder.save(results, tmp_path / "saved", "1-2")
    assert len(saved.pictures) == 2
    with pytest.raises(WrongPickError, match="both preferred and to be avoided"):
        finder.refine(results, prefer="2", avoid="1-2")
    with pytest.raises(WrongPickError, match="give ranks such as"):
        finder.refine(results)


def test_results_that_are_not_final_cannot_be_refined(folder: Path, finder: Finder) -> None:
    stream = finder.stream(of_folder(folder))
    first = next(stream)
    assert not first.is_final
    with pytest.raises(WrongPickError, match="not over"):
        finder.refine(first, prefer="1")
    *_, last = stream
    assert finder.refine(last, prefer="2")


# Closing.


def test_a_finder_may_be_closed_twice_and_searches_again(stock: Stock) -> None:
    finder = Finder()
    before = ranked(finder.search(asked()))
    for _ in range(2):
        finder.close()
    assert ranked(finder.search(asked())) == before
    assert ranked(finder.search(asked(tag="sea"))) == before
    finder.close()
    assert len(stock.api.asked) == 2


def test_a_search_that_runs_while_its_finder_is_closed_goes_on_to_its_end(pictures: PictureServer) -> None:
    came, go_on = threading.Event(), threading.Event()
    pool = pool_of(pictures, "own", [1, 5, 9])

    class Slow(OwnSource):
        def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Any]:
            yield pool[0]
            came.set()
            assert go_on.wait(30)
            yield from pool[1:]

    finder = Finder()
    found: list[LiveResults] = []
    search = threading.Thread(target=lambda: found.append(finder.search(asked(source=Slow("own", pool)))))
    search.start()
    assert came.wait(30)
    finder.close()
    go_on.set()
    search.join(60)
    assert [len(one) for one in found] == [3]
    assert len(finder.search(asked(source=OwnSource("own", pool)))) == 3
    finder.close()


def test_a_source_that_is_closed_while_a_stream_reads_it_answers_to_the_end(stock: Stock) -> None:
    finder = Finder()
    stream = finder.stream(asked())
    next(stream)
    finder.close()
    *_, last = stream
    assert len(last) == 4
    finder.close()


def test_no_thread_is_left_by_a_closed_finder(folder: Path) -> None:
    before = {*threading.enumerate()}
    with Finder(Config(unload_after_s=60)) as finder:
        finder.search(of_folder(folder))
    for thread in {*threading.enumerate()} - before:
        if thread.name == "unload-idle":
            thread.join(30)
            assert not thread.is_alive()


FORK = """
import os, sys, warnings
warnings.simplefilter("ignore")  # Python's own, of threads and forks
from phrasepix import Finder, SearchRequest
from reranker.testing import ColourEncoder
finder = Finder()
def search(phrase):
    request = SearchRequest(phrase, source=sys.argv[1], model=ColourEncoder())
    return [match.candidate.id for match in finder.search(request)]
before = search("red")
if not (child := os.fork()):
    code = 1
    try:
        code = 7 if search("red") == before and search("blue") else 1
        finder.close()
    finally:
        os._exit(code)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(status, search("red") == before)
finder.close()
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="Windows does not fork")
@pytest.mark.slow
def test_a_forked_child_searches_with_nothing_of_its_parent_open_and_the_parent_goes_on(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORK, str(folder)], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["7", "True"], done.stderr


# Nothing of the process is changed.


OURS = ("phrasepix", "phrasepix_core", "retriever", "reranker")


def state_of_the_process() -> dict[str, object]:
    umask = os.umask(0o022)
    os.umask(umask)
    logs = [logging.getLogger(), *(logging.getLogger(name) for name in OURS)]
    return {
        "environment": dict(os.environ),
        "warnings": list(warnings.filters),
        "umask": umask,
        "signals": [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)],
        "logs": [(log.name, log.level, list(log.handlers), log.propagate, log.disabled) for log in logs],
        "directory": Path.cwd(),
        "threads' excepthook": threading.excepthook,
        "excepthook": sys.excepthook,
        "recursion": sys.getrecursionlimit(),
    }


@pytest.mark.parametrize("offline", [False, True])
def test_a_search_changes_nothing_of_the_process(folder: Path, stock: Stock, tmp_path: Path, offline: bool) -> None:
    find_images("red", source=folder, model=ENCODER)  # imports what it needs
    import_module("requests")  # as the sources of the network do: its import adds filters of warnings
    before = state_of_the_process()
    seen = []
    with Finder() as finder:
        finder.search(asked())
        results = finder.search(
            asked(source=[folder, "pixabay"], offline=offline),
            on_event=lambda event: seen.append(state_of_the_process()),
        )
        finder.refine(results, prefer="1")
        finder.warm_up(sample(offline=offline))
        finder.search(sample(offline=offline))
        for _ in finder.stream(of_folder(folder, offline=offline)):
            seen.append(state_of_the_process())
        finder.save(results, tmp_path / "saved", "1")
        results.save_gallery(tmp_path / "gallery.html")
    assert seen
    assert [one for one in seen if one != before] == []
    assert state_of_the_process() == before


def test_an_offline_search_answers_from_what_is_remembered_and_asks_nobody(
    stock: Stock, pictures: PictureServer, finder: Finder
) -> None:
    online = finder.search(asked())
    count = len(stock.api.asked), sum(pictures.asked.values())
    offline = finder.search(asked(offline=True))
    assert ranked(offline) == ranked(online)
    assert (len(stock.api.asked), sum(pictures.asked.values())) == count


# Nobody is told the key.


def test_the_key_shows_nowhere(stock: Stock, caplog: pytest.LogCaptureFixture) -> None:
    secret = "16180339-nobodysees"
    stock.hits.append(hit(99, webformatURL=f"https://cdn.example/9.jpg?key={secret}", previewURL="", largeImageURL=""))
    events: list[object] = []
    with caplog.at_level(logging.DEBUG), Finder(Config(key=secret)) as finder:
        results = finder.search(asked(), on_event=events.append)
        told = [repr(finder), repr(finder.config), repr(results), repr(results.reopener), results.to_json()]
        told += [repr(events), repr(results.request), str(results.request and vars(results.request)), caplog.text]
        told += [str(one) for one in (*results.notices, *results.skipped)]
        assert secret not in "\n".join(told)
        assert secret.encode() not in pickle.dumps(results)
    assert secret in stock.keys


# What people are told.


def notices_of(finder: Finder, request: SearchRequest) -> tuple[LiveResults, list[str]]:
    told: list[str] = []
    results = finder.search(
        request, on_event=lambda event: told.append(str(event)) if isinstance(event, Notice) else None
    )
    return results, told


Make = Callable[["Surroundings"], SearchRequest]


class Surroundings:
    """What a search that has something to tell is made of."""

    def __init__(self, stock: Stock, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stock = stock
        self.folder = folder
        self.tmp_path = tmp_path
        self.monkeypatch = monkeypatch


def unreadable_credits(given: Surroundings) -> SearchRequest:
    (given.tmp_path / "saved").mkdir()
    (given.tmp_path / "saved" / "credits.json").write_text("{")
    return of_folder(given.folder, project=given.tmp_path / "saved")


def failing_source(given: Surroundings) -> SearchRequest:
    return asked(
        source=[OwnSource("broken", [], SourceUnreachableError("no connection to broken")), given.folder], tag=None
    )


def spent(given: Surroundings) -> SearchRequest:
    given.stock.api.play(of_hits(given.stock.hits, total=600, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"))
    return asked(limit=300)


def long_phrase(given: Surroundings) -> SearchRequest:
    return sample(" ".join(f"word{number}" for number in range(90)))


KINDS: dict[str, tuple[Make, str]] = {
    "another language": (
        lambda given: asked("ein rotes Boot auf dem Meer bei Nacht", tag=None),
        r"the tags are taken for German \(de\); .*language.* says otherwise",
    ),
    "the sample's model": (
        lambda given: asked(model="sample"),
        "the model “sample” knows the sample's drawn scenes only",
    ),
    "unreadable credits": (unreadable_credits, "what was used before is not known: .*credits.json cannot be read"),
    "a source that fails": (failing_source, "no connection to broken"),
    "a wait for the rate limit": (spent, r"Pixabay's rate limit is spent; waiting \d s until it is renewed"),
    "a phrase longer than the model reads": (long_phrase, "the phrase is longer than the model reads; not read: “word"),
}


@pytest.mark.parametrize("kind", first_often(4, KINDS))
def test_what_people_should_know_reaches_results_json_listener_and_log_once(
    kind: str,
    stock: Stock,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make, words = KINDS[kind]
    request = make(Surroundings(stock, folder, tmp_path, monkeypatch))
    with caplog.at_level(logging.WARNING), Finder() as finder:
        results, told = notices_of(finder, request)
    assert [record.getMessage() for record in caplog.records] == [], "said on the log, though somebody listens"
    assert len([one for one in told if re.search(words, one)]) == 1, told
    assert [str(one) for one in results.notices] == told
    assert json.loads(results.to_json())["notices"] == told
    assert [str(one) for one in pickle.loads(pickle.dumps(results)).notices] == told
    LIMITERS.clear()
    if kind == "a wait for the rate limit":
        monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(tmp_path / "other"))
        spent(Surroundings(stock, folder, tmp_path, monkeypatch))
    with caplog.at_level(logging.WARNING), Finder() as finder:
        unheard = finder.search(request)
    assert [record.getMessage() for record in caplog.records] == [str(one) for one in unheard.notices]
    assert len([one for one in unheard.notices if re.search(words, str(one))]) == 1
    if unheard.matches:
        again = finder.refine(unheard, prefer="1", on_event=lambda event: None)
        assert again.notices == unheard.notices
        finder.close()


def test_each_search_is_told_what_concerns_it_alone(folder: Path, finder: Finder) -> None:
    broken = asked(
        source=[OwnSource("broken", [], SourceUnreachableError("no connection to broken")), folder], tag="red, blue"
    )
    first, *others = all_at_once(
        [lambda: notices_of(finder, broken), *[lambda: notices_of(finder, of_folder(folder))] * 3]
    )
    assert first[1] == ["no connection to broken"]  # type: ignore[index]
    assert [one[1] for one in others] == [[], [], []]  # type: ignore[index]


def stages(events: list[object]) -> list[Stage]:
    found: list[Stage] = []
    for event in events:
        if isinstance(event, SearchProgress) and event.stage not in found[-1:]:
            found.append(event.stage)
    return found


def test_progress_names_its_stages_in_order_and_counts(folder: Path, finder: Finder) -> None:
    events: list[object] = []
    results = finder.search(of_folder(folder, refine=CountingEncoder("second"), refine_top=4), on_event=events.append)
    assert stages(events) == [
        Stage.ASKING,
        Stage.LOADING_MODEL,
        Stage.LOOKING,
        Stage.LOADING_MODEL,
        Stage.LOOKING_AGAIN,
    ]
    progress = [event for event in events if isinstance(event, SearchProgress)]
    looking = [one for one in progress if one.stage is Stage.LOOKING]
    assert [one.done for one in looking] == sorted(one.done for one in looking)
    assert (looking[-1].done, looking[-1].total) == (6, 6)
    assert {one.candidate.id for one in looking[-1].best} <= {match.candidate.id for match in results}
    subjects = [one.subject for one in progress if one.stage is Stage.LOADING_MODEL]
    assert subjects == [ENCODER.name, "second"]
    again = [one for one in progress if one.stage is Stage.LOOKING_AGAIN]
    assert (again[-1].done, again[-1].total, again[-1].subject) == (4, 4, "second")
    events.clear()
    finder.refine(results, prefer="1", on_event=events.append)
    assert stages(events)[0] is Stage.RANKING_AGAIN


class ListenerError(Exception):
    pass


@pytest.mark.parametrize("at", [Stage.ASKING, Stage.LOADING_MODEL, Stage.LOOKING])
def test_what_a_listener_raises_ends_its_search_and_no_other(folder: Path, finder: Finder, at: Stage) -> None:
    def listen(event: object) -> None:
        if isinstance(event, SearchProgress) and event.stage is at:
            raise ListenerError(at)

    with pytest.raises(ListenerError):
        finder.search(of_folder(folder), on_event=listen)
    with pytest.raises(ListenerError):
        list(finder.stream(of_folder(folder), on_event=listen))
    assert len(finder.search(of_folder(folder))) == 6


def test_what_a_listener_raises_of_a_notice_ends_its_search_too_and_no_source_is_blamed(
    stock: Stock, finder: Finder
) -> None:
    stock.api.play(of_hits(stock.hits, total=600, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"))
    told: list[Notice] = []

    def listen(event: object) -> None:
        if isinstance(event, Notice):
            told.append(event)
            if len(told) == 1:
                raise ListenerError(str(event))

    with pytest.raises(ListenerError, match="rate limit is spent"):
        finder.search(asked(limit=300), on_event=listen)
    LIMITERS.clear()
    assert finder.search(asked(limit=300)).failures == ()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted where Linux lists them")
def test_cache_directories_of_before_do_not_stay_open(folder: Path, tmp_path: Path) -> None:
    counts = []
    with Finder() as finder:
        for number in range(12):
            at = finder.configured(cache_directory=tmp_path / f"cache {number}")
            assert len(at.search(SearchRequest("red", source=folder, model=ColourEncoder()))) == 6
            counts.append(len(list(Path("/proc/self/fd").iterdir())))
    assert counts[-1] <= counts[4] + 2
