"""What a search remembers: real commands, killed, repeated, on full disks and offline."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from phrasepix import find_images
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from reranker.errors import WeightsUnavailableError
from reranker.memory.embedding_store import EmbeddingStore
from retriever.errors import AnswerNotKeptError
from tests.conftest import ROOT
from tests.small_disk import small_disk
from tests.test_command_line import command, run

CARS = ["a red car at night", "--tag", "car", "--model", "sample", "-n", "3", "--json"]
MANY = ["a red car", "--tag", "car", "--tag", "boat", "--model", "sample", "-n", "1"]


def settings(site: StockSite, **more: str) -> dict[str, str]:
    return {"PIXABAY_API_KEY": site.key, "PIXABAY_API_URL": site.api_url} | more


def ask(site: StockSite, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(*arguments, timeout=120, **settings(site, **more))


def answer_of(done: subprocess.CompletedProcess[str]) -> list[tuple[str, float]]:
    assert done.returncode == 0, done.stderr
    return [(match["id"], match["score"]) for match in json.loads(done.stdout)["matches"]]


def remembered(cache: Path) -> int:
    with closing(EmbeddingStore(cache / "embeddings.sqlite")) as store:
        return sum(one.count for one in store.kept())


@pytest.fixture(scope="module")
def site() -> Iterator[StockSite]:
    """One site for all, so that answers kept once lead to it."""
    with StockSite(PICTURES_DIRECTORY) as running:
        yield running


@pytest.fixture(scope="module")
def first_search(
    site: StockSite, tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """What a first search said, and the cache directory it left."""
    cache = tmp_path_factory.mktemp("searched") / "cache"
    link_export(cache)
    done = ask(site, *CARS, PHRASEPIX_CACHE_DIR=str(cache))
    assert done.returncode == 0, done.stderr
    assert site.served["picture"] > 32
    return done, cache


@pytest.fixture
def first(
    first_search: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> subprocess.CompletedProcess[str]:
    """What a first search said; the cache directory is a copy of what it left."""
    done, cache = first_search
    shutil.copytree(cache, tmp_path / "cache", ignore=shutil.ignore_patterns("engines"), dirs_exist_ok=True)
    return done


def test_a_repeated_search_in_a_fresh_process_sends_nothing_and_finds_the_same(
    site: StockSite, first: subprocess.CompletedProcess[str]
) -> None:
    served = site.served
    second = ask(site, *CARS)
    assert site.served == served
    assert answer_of(second) == answer_of(first)
    assert json.loads(second.stdout)["skipped"] == []


@pytest.mark.usefixtures("first")
@pytest.mark.slow
def test_another_phrase_over_a_remembered_pool_fetches_at_most_what_it_shows(site: StockSite) -> None:
    served = site.served
    done = ask(site, "a blue car in the snow", *CARS[1:])
    assert len(answer_of(done)) == 3
    assert site.served["api"] == served["api"]
    assert site.served["picture"] - served["picture"] <= 3, "for these a larger file is to be had"


@pytest.mark.slow
def test_the_sample_is_remembered_too_though_its_site_is_another_each_time(tmp_path: Path) -> None:
    sample = ["a red boat", "--tag", "boat", "--source", "sample", "--json"]
    first = run(*sample)
    kept = remembered(tmp_path / "cache")
    assert kept == json.loads(first.stdout)["pool_size"]
    assert answer_of(run(*sample, "--offline")) == answer_of(first)
    assert remembered(tmp_path / "cache") == kept


@pytest.mark.slow
def test_a_search_that_is_killed_has_remembered_what_it_encoded(
    site: StockSite, tmp_path: Path, link_export: Callable[[Path], None]
) -> None:
    cache = tmp_path / "cache"
    with StockSite(PICTURES_DIRECTORY, picture_delay_s=0.4) as slow:
        process = subprocess.Popen(
            command(*MANY),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | settings(slow),
        )
        while not (cache / "embeddings.sqlite").exists() or not remembered(cache):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        kept = remembered(cache)
        before = slow.served["picture"]
        again = ask(slow, *MANY, "--json")
        fetched = slow.served["picture"] - before
    pool = json.loads(again.stdout)["pool_size"]
    assert pool - kept <= fetched <= pool - kept + 1, "what it shows may be fetched in a larger size"
    assert remembered(cache) == pool
    link_export(tmp_path / "another")
    undisturbed = ask(site, *MANY, "--json", PHRASEPIX_CACHE_DIR=str(tmp_path / "another"))
    assert 0 < kept < pool
    assert [one for one, _ in answer_of(again)] == [one for one, _ in answer_of(undisturbed)]
    assert answer_of(again)[0][1] == pytest.approx(answer_of(undisturbed)[0][1], abs=1e-5)


SEARCH = """
import sys
from phrasepix import find_images
from reranker.testing import ColourEncoder

class WithoutImageTower(ColourEncoder):
    def encode_pictures(self, pictures):
        raise SystemExit(f"the image tower was asked for {len(pictures)} pictures")

encoder = ColourEncoder() if sys.argv[1] == "whole" else WithoutImageTower()
results = find_images(sys.argv[2], tag="car", model=encoder, top=2)
print(results.pool_size, *[match.candidate.id for match in results])
"""


def test_a_fresh_process_over_a_remembered_pool_fetches_no_picture_and_calls_no_image_tower(site: StockSite) -> None:
    def search(tower: str, phrase: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", SEARCH, tower, phrase],
            capture_output=True, text=True, timeout=120, check=True,
            env=os.environ | settings(site, PYTHONPATH=str(ROOT)),
        ).stdout  # fmt: skip

    whole = search("whole", "red")
    served = site.served
    assert int(whole.split()[0]) > 32
    assert search("none", "red") == whole
    assert site.served == served
    assert search("none", "blue").split()[0] == whole.split()[0]
    assert site.served["picture"] - served["picture"] <= 2


@pytest.mark.slow
def test_a_damaged_memory_is_said_and_the_search_finds_the_same(
    site: StockSite, first: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    for name in ("embeddings.sqlite", "pictures.sqlite"):
        (tmp_path / "cache" / name).write_bytes(b"this is no database " * 1000)
    second = ask(site, *CARS)
    assert answer_of(second) == answer_of(first)
    assert "set aside as embeddings.damaged" in second.stderr
    assert "set aside as pictures.damaged" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("size_kb", [64, 400])
@pytest.mark.slow
def test_a_search_with_a_full_disk_finds_the_same_and_says_so_once(
    site: StockSite, first: subprocess.CompletedProcess[str], tmp_path: Path, size_kb: int
) -> None:
    with small_disk(tmp_path / "disk", size_kb) as disk:
        if size_kb == 400:  # the model is exported elsewhere; on the smaller disk its export fails as well
            (disk / "engines").symlink_to(tmp_path / "cache" / "engines")
        done = ask(site, *CARS, PHRASEPIX_CACHE_DIR=str(disk))
    assert [one for one, _ in answer_of(done)] == [one for one, _ in answer_of(first)]
    assert done.stderr.count("nothing new can be kept in") == 1
    assert done.stderr.count("cannot be kept") == 0
    assert "Traceback" not in done.stderr


def test_offline_a_remembered_search_needs_no_key_and_sends_nothing(
    site: StockSite, first: subprocess.CompletedProcess[str]
) -> None:
    served = site.served
    done = run(*CARS, "--offline", PIXABAY_API_URL=site.api_url)
    assert site.served == served
    assert answer_of(done) == answer_of(first)


@pytest.mark.slow
def test_offline_pictures_that_are_not_remembered_are_missing_by_name(
    site: StockSite, first: subprocess.CompletedProcess[str]
) -> None:
    assert run("cache", "clear", "--embeddings", "--pictures", "--yes").returncode == 0
    served = site.served
    done = ask(site, *CARS, "--offline")
    assert site.served == served
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert len(answer["skipped"]) == answer["pool_size"] == json.loads(first.stdout)["pool_size"]
    assert {one["reason"] for one in answer["skipped"]} == {"it is not remembered, and offline nothing is fetched"}
    assert {one["id"] for one in json.loads(first.stdout)["matches"]} <= {one["id"] for one in answer["skipped"]}
    assert f"pixabay:{answer['skipped'][0]['id']}: it is not remembered" in done.stderr


@pytest.mark.slow
def test_offline_the_next_best_takes_the_place_of_one_that_cannot_be_shown(
    site: StockSite, first: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    ranked = [one for one, _ in answer_of(first)]
    with closing(sqlite3.connect(tmp_path / "cache" / "pictures.sqlite")) as db, db:
        assert db.execute("DELETE FROM pictures WHERE picture = ?", (ranked[1],)).rowcount == 1
    done = ask(site, *CARS, "--offline")
    found = [one for one, _ in answer_of(done)]
    assert found[:2] == [ranked[0], ranked[2]]
    assert len(set(found) | set(ranked)) == 4
    assert [one["id"] for one in json.loads(done.stdout)["skipped"]] == [ranked[1]]
    assert [match["rank"] for match in json.loads(done.stdout)["matches"]] == [1, 2, 3]


@pytest.mark.usefixtures("first")
def test_offline_a_tag_whose_answer_is_not_kept_is_an_error_that_names_tag_and_source(site: StockSite) -> None:
    served = site.served
    for arguments in (["a tent", "--tag", "tent"], [*CARS, "--orientation", "vertical"]):
        done = ask(site, *arguments, "--offline")
        assert done.returncode == 3
        assert f"Pixabay answers to the tag “{arguments[2]}” is not kept" in done.stderr
        assert site.key not in done.stderr
    assert site.served == served


@pytest.mark.usefixtures("first")
@pytest.mark.slow
def test_offline_an_expired_answer_counts_as_missing(site: StockSite, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "cache" / "pixabay-answers.sqlite")) as db, db:
        rows = db.execute("SELECT key, value FROM responses").fetchall()
        assert len(rows) == 1
        stale = json.loads(rows[0][1]) | {"expires": "2020-01-01T00:00:00+00:00"}
        db.execute("UPDATE responses SET value = ?, expires = 1577836800", (json.dumps(stale),))
    served = site.served
    done = ask(site, *CARS, "--offline")
    assert site.served == served
    assert done.returncode == 3
    assert "is not kept on this machine" in done.stderr


def test_offline_from_python_raises_the_same_errors(site: StockSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
    served = site.served
    with pytest.raises(AnswerNotKeptError, match="“tent”"):
        find_images("a tent", tag="tent", offline=True)
    assert site.served == served
    monkeypatch.setenv("HF_HOME", "/nowhere")
    with pytest.raises(WeightsUnavailableError, match="not on this machine"):
        find_images("a tent", tag="tent", source="sample", model="ViT-B-32", offline=True)
    assert "HF_HUB_OFFLINE" not in os.environ
