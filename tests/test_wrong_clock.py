"""A clock that was wrong once makes nothing immortal: a stamp from a time to come is stale."""

import os
import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np

from phrasepix.cache_inventory import ANSWERS, EMBEDDINGS, ENGINES, GALLERIES, PICTURES, clear
from phrasepix.cli.galleries import place_for_gallery
from reranker.engine.staging import staged
from reranker.memory.embedding_store import EmbeddingStore
from reranker.memory.picture_store import KeptPicture, PictureStore
from retriever.directories import cache_directory
from retriever.http.response_cache import ResponseCache

DAY_S = 24 * 60 * 60
YEAR_S = 365 * DAY_S


def a_year_ahead() -> float:
    return time.time() + YEAR_S


def put_answer(file: Path, *, expires: float) -> ResponseCache:
    store = ResponseCache(file, timedelta(hours=24))
    store.put("question", {"hits": []})
    with sqlite3.connect(file) as db:
        db.execute("UPDATE responses SET expires = ?", (expires,))
    db.close()
    return store


def test_an_answer_from_a_time_to_come_is_asked_for_again(tmp_path: Path) -> None:
    store = put_answer(tmp_path / "a.sqlite", expires=a_year_ahead())
    assert store.get("question") is None
    store.put("question", {"hits": []})
    assert store.get("question") == {"hits": []}
    store.close()


def test_answers_from_a_time_to_come_are_counted_and_cleared_with_an_age_and_without(tmp_path: Path) -> None:
    for older_than in (timedelta(0), timedelta(days=1)):
        file = tmp_path / "a-answers.sqlite"
        put_answer(file, expires=a_year_ahead()).close()
        with ResponseCache(file) as store:
            assert store.count() == 1
            assert store.clear(older_than=older_than) == 1


def test_a_picture_from_a_time_to_come_is_fetched_again_and_leaves_the_file(tmp_path: Path) -> None:
    kept = {("s", "1"): KeptPicture(b"file", to_show=False)}
    ahead = PictureStore(tmp_path / "p.sqlite", clock=a_year_ahead)
    ahead.put_many(kept)
    ahead.close()
    now = PictureStore(tmp_path / "p.sqlite")
    assert now.get(("s", "1")) is None
    assert now.count() == 0
    now.close()


def test_embeddings_last_used_at_a_time_to_come_go_first_and_are_cleared(tmp_path: Path) -> None:
    vector = np.zeros(4096, np.float32)
    vector[0] = 1
    path = tmp_path / "e.sqlite"
    ahead = EmbeddingStore(path, clock=a_year_ahead)
    ahead.put_many("model", {("s", f"old{number}"): vector for number in range(20)})
    ahead.close()
    now = EmbeddingStore(path)
    now.put_many("model", {("s", "new"): vector})
    now.shrink_to(now.size() // 2)
    assert now.get_many("model", 4096, [("s", "new")])
    assert len(now.get_many("model", 4096, [("s", f"old{number}") for number in range(20)])) < 20
    ahead.put_many("model", {("s", "old"): vector})
    assert now.clear(unused_for_days=3) >= 1
    assert not now.get_many("model", 4096, [("s", "old")])
    ahead.put_many("model", {("s", "old"): vector})
    assert now.clear() >= 2
    ahead.close()
    now.close()


def test_clearing_without_an_age_clears_all_kinds(tmp_path: Path) -> None:
    directory = cache_directory()
    (directory / "galleries").mkdir(parents=True)
    (directory / "engines" / "one").mkdir(parents=True)
    files = [directory / "galleries" / "a.html", directory / "engines" / "one" / "manifest.json"]
    for file in files:
        file.write_text("{}")
        os.utime(file, (a_year_ahead(),) * 2)
    put_answer(directory / "a-answers.sqlite", expires=a_year_ahead()).close()
    pictures = PictureStore(directory / "pictures.sqlite", clock=a_year_ahead)
    pictures.put_many({("s", "1"): KeptPicture(b"file", to_show=False)})
    pictures.close()
    removed = clear()
    assert (removed[GALLERIES], removed[ENGINES], removed[ANSWERS], removed[PICTURES]) == (1, 1, 1, 1)
    assert removed[EMBEDDINGS] == 0
    assert not any(file.exists() for file in files)


def test_a_gallery_from_a_time_to_come_makes_room_first(tmp_path: Path) -> None:
    directory = cache_directory() / "galleries"
    directory.mkdir(parents=True)
    for number in range(50):
        (directory / f"{number}.html").touch()
    os.utime(directory / "7.html", (a_year_ahead(),) * 2)
    place_for_gallery("boat")
    assert not (directory / "7.html").exists()


def test_an_export_begun_at_a_time_to_come_is_abandoned(tmp_path: Path) -> None:
    left = tmp_path / "x.1.partial"
    left.mkdir()
    os.utime(left, (a_year_ahead(),) * 2)
    with staged(tmp_path, "y"):
        assert not left.exists()


def test_a_picture_kept_while_another_thread_waits_to_keep_its_own_stays(tmp_path: Path) -> None:
    now = 1_000.0
    store = PictureStore(tmp_path / "p.sqlite", clock=lambda: now)
    store.put_many({("s", "first"): KeptPicture(b"1", to_show=False)})
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = threading.Thread(target=store.put_many, args=({("s", "last"): KeptPicture(b"3", to_show=False)},))
        waiting.start()
        waiting.join(0.2)
        now = 1_002.0
        other.execute(
            "INSERT INTO pictures (source, picture, file, to_show, size, fetched_at, last_used) "
            "VALUES ('s', 'meanwhile', x'32', 0, 1, 1001.0, 1001.0)"
        )
        other.execute("COMMIT")
        waiting.join(20)
    kept = [name for name in ("first", "meanwhile", "last") if store.get(("s", name)) is not None]
    store.close()
    assert kept == ["first", "meanwhile", "last"]
