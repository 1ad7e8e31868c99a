"""The store of embeddings and the one of pictures: what they keep, and what they survive."""

import errno
import logging
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phrasepix_core.sqlite_file import SqliteFile
from reranker.encoder import Embeddings, unit_rows
from reranker.memory.embedding_store import EmbeddingStore, Identity
from reranker.memory.picture_store import KeptPicture, PictureStore
from tests.conftest import ROOT
from tests.small_disk import make_read_only, small_disk

DIMENSIONS = 512
DAY_S = 24 * 60 * 60


class Clock:
    """Seconds of the epoch that pass when told to."""

    def __init__(self) -> None:
        self.now = 20_000.5 * DAY_S

    def __call__(self) -> float:
        return self.now

    def pass_days(self, days: float) -> None:
        self.now += days * DAY_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory" / "embeddings.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_store(path: Path, clock: Clock) -> Iterator[Callable[..., EmbeddingStore]]:
    stores: list[EmbeddingStore] = []

    def open_it(where: Path = path, **options: Any) -> EmbeddingStore:
        stores.append(EmbeddingStore(where, clock=clock, **options))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., EmbeddingStore]) -> EmbeddingStore:
    return open_store()


def vectors(count: int, *, seed: int = 1, source: str = "pixabay") -> dict[Identity, Embeddings]:
    rows = unit_rows(np.random.default_rng(seed).normal(size=(count, DIMENSIONS)))
    return {(source, str(number)): row for number, row in enumerate(rows)}


def same(found: dict[Identity, Embeddings], expected: dict[Identity, Embeddings]) -> bool:
    return found.keys() == expected.keys() and all(np.array_equal(found[one], expected[one]) for one in expected)


def count(store: EmbeddingStore) -> int:
    return sum(one.count for one in store.kept())


def test_what_was_put_is_found_bit_for_bit_by_another_process_later(
    open_store: Callable[..., EmbeddingStore], path: Path
) -> None:
    kept = vectors(70)
    open_store().put_many("one", kept)
    found = open_store().get_many("one", DIMENSIONS, [*kept, ("pixabay", "unknown")])
    assert same(found, kept)
    assert {(one.dtype, one.shape) for one in found.values()} == {(np.dtype(np.float32), (DIMENSIONS,))}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_source_picture_and_encoder_are_the_key(store: EmbeddingStore) -> None:
    here = {("a", "1"): unit_rows(np.eye(4))[0], ("b", "1"): unit_rows(np.eye(4))[1]}
    store.put_many("one", here)
    store.put_many("two", {("a", "1"): unit_rows(np.eye(4))[2]})
    assert same(store.get_many("one", 4, [("a", "1"), ("b", "1"), ("a", "2")]), here)
    assert store.get_many("two", 4, [("a", "1"), ("b", "1")])[("a", "1")][2] == 1
    assert store.get_many("three", 4, [("a", "1")]) == {}
    assert [(one.encoder_name, one.count, one.size) for one in store.kept()] == [("one", 2, 32), ("two", 1, 16)]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 4 * DIMENSIONS,
        np.full(DIMENSIONS, np.nan, "<f4").tobytes(),
        np.full(DIMENSIONS, np.inf, "<f4").tobytes(),
        np.full(DIMENSIONS, 3e38, "<f4").tobytes(),
        np.full(DIMENSIONS, 1.01 / DIMENSIONS**0.5, "<f4").tobytes(),
        np.full(DIMENSIONS - 1, 1 / (DIMENSIONS - 1) ** 0.5, "<f4").tobytes(),
        "a text, no vector",
        None,
    ],
    ids=["empty", "zero", "NaN", "infinite", "overflowing", "too long", "too short", "a text", "nothing"],
)
def test_a_vector_that_cannot_be_an_embedding_is_discarded_and_can_be_put_again(
    store: EmbeddingStore, path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    kept = vectors(3)
    store.put_many("one", kept)
    store.close()
    with closing(sqlite3.connect(path)) as db, db:
        if damage is None:
            db.execute("DELETE FROM embeddings WHERE picture = '1'")
        else:
            db.execute("UPDATE embeddings SET vector = ? WHERE picture = '1'", (damage,))
    found = store.get_many("one", DIMENSIONS, kept)
    assert found.keys() == {("pixabay", "0"), ("pixabay", "2")}
    assert ("1 remembered embeddings are unusable" in caplog.text) == (damage is not None)
    assert count(store) == 2
    store.put_many("one", {("pixabay", "1"): kept["pixabay", "1"]})
    assert same(store.get_many("one", DIMENSIONS, kept), kept)


def test_vectors_of_another_size_than_the_encoders_are_discarded(store: EmbeddingStore) -> None:
    store.put_many("one", vectors(3))
    assert store.get_many("one", DIMENSIONS * 2, vectors(3)) == {}
    assert count(store) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1.0])
def test_what_is_no_unit_vector_is_not_kept(store: EmbeddingStore, value: float) -> None:
    good = vectors(1)
    store.put_many("one", good | {("pixabay", "bad"): np.full(DIMENSIONS, value, dtype=np.float32)})
    assert same(store.get_many("one", DIMENSIONS, [*good, ("pixabay", "bad")]), good)


WRITER = """
import sys
from pathlib import Path
from typing import Any
import numpy as np
from reranker.memory.embedding_store import EmbeddingStore
from reranker.encoder import unit_rows

path, name = Path(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
store = EmbeddingStore(path)
for batch in range(40):
    rows = unit_rows(np.random.default_rng(batch).normal(size=(8, 512)))
    store.put_many("one", {(name, f"{batch}-{n}"): row for n, row in enumerate(rows)})
    store.put_many("one", {("shared", f"{batch}-{n}"): row for n, row in enumerate(rows)})
    assert len(store.get_many("one", 512, [(name, f"{batch}-{n}") for n in range(8)])) == 8
store.close()
"""


def test_two_processes_that_begin_and_fill_a_store_at_once_lose_nothing(store: EmbeddingStore, path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for name in ("first", "second")
    ]  # fmt: skip
    errors = [""] * len(writers)
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for place, writer in enumerate(writers):
        errors[place] = writer.communicate(timeout=120)[1]
    assert [writer.returncode for writer in writers] == [0, 0], errors
    assert errors == ["", ""]
    wanted = [(name, f"{batch}-{n}") for name in ("first", "second", "shared") for batch in range(40) for n in range(8)]
    assert len(store.get_many("one", DIMENSIONS, wanted)) == len(wanted) == count(store)


def test_threads_may_share_a_store(store: EmbeddingStore) -> None:
    found: dict[str, int] = {}

    def work(source: str) -> None:
        for seed in range(10):
            store.put_many("one", vectors(8, seed=seed, source=source))
        found[source] = len(store.get_many("one", DIMENSIONS, vectors(8, source=source)))

    threads = [threading.Thread(target=work, args=(f"source-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [8] * 6
    assert count(store) == 48


def overwrite_with_noise(path: Path) -> None:
    path.write_bytes(random.Random(7).randbytes(path.stat().st_size))


def overwrite_the_tables(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[1 << 14 :] = random.Random(7).randbytes(len(data) - (1 << 14))
    path.write_bytes(data)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def drop_the_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE embeddings")


DAMAGES = [overwrite_with_noise, overwrite_the_tables, cut_in_half, cut_in_the_header, drop_the_table]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("first", ["get", "put"])
def test_a_damaged_store_is_set_aside_with_a_message_and_begun_afresh(
    open_store: Callable[..., EmbeddingStore],
    path: Path,
    damage: Callable[[Path], None],
    first: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = open_store()
    whole.put_many("one", vectors(200))
    whole.close()
    damage(path)
    damaged = path.read_bytes()
    store = open_store()
    if first == "get":
        assert len(store.get_many("one", DIMENSIONS, vectors(200))) < 200
    fresh = vectors(200, seed=5, source="fresh")
    store.put_many("one", fresh)
    store.get_many("one", DIMENSIONS, vectors(200))
    store.put_many("one", fresh)
    assert same(store.get_many("one", DIMENSIONS, fresh), fresh)
    assert caplog.text.count("set aside as embeddings.damaged") == 1
    assert str(path) in caplog.text
    assert path.with_suffix(".damaged").stat().st_size >= min(len(damaged), 1)


def test_damage_met_in_the_middle_of_use_ends_nothing(
    store: EmbeddingStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.put_many("one", vectors(300))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.write(random.Random(3).randbytes(path.stat().st_size))
    store.put_many("one", vectors(300, seed=2, source="later"))
    store.get_many("one", DIMENSIONS, vectors(300))
    store.put_many("one", vectors(300, seed=2, source="later"))
    later = vectors(300, seed=2, source="later")
    assert same(store.get_many("one", DIMENSIONS, later), later)
    assert "set aside as embeddings.damaged" in caplog.text


def test_embeddings_of_before_there_were_features_are_kept(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (identity, vector), *_ = vectors(1).items()
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE embeddings (source TEXT NOT NULL, picture TEXT NOT NULL, encoder TEXT NOT NULL, "
            "vector BLOB NOT NULL, size INTEGER NOT NULL, last_used INTEGER NOT NULL, "
            "PRIMARY KEY (encoder, source, picture))"
        )
        row = (*identity, "one", vector.astype("<f4").tobytes(), 4 * DIMENSIONS, 1)
        db.execute("INSERT INTO embeddings VALUES (?, ?, ?, ?, ?, ?)", row)
        db.execute("PRAGMA user_version = 1")
        db.commit()
    store = EmbeddingStore(path)
    assert same(store.get_many("one", DIMENSIONS, [identity]), {identity: vector})
    assert store.features("one", [identity]) == {}
    store.put_many("one", {identity: vector}, {identity: b"seen"})
    assert store.features("one", [identity]) == {identity: b"seen"}
    store.put_many("one", {identity: vector})  # of the embedding alone: what is beside it stays
    assert store.features("one", [identity]) == {identity: b"seen"}
    assert [(one.count, one.size) for one in store.kept()] == [(1, 4 * DIMENSIONS + 4)]
    store.close()


def test_a_store_of_a_newer_version_is_left_alone_with_a_message(
    store: EmbeddingStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.put_many("one", vectors(3))
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for _ in range(3):
        assert store.get_many("one", DIMENSIONS, vectors(3)) == {}
        store.put_many("one", vectors(5, source="new"))
    assert path.read_bytes() == before
    assert caplog.text.count("its version is 99, and this phrasepix knows 2; it is left as it is") == 1


def test_a_store_of_an_older_version_is_migrated_and_keeps_what_it_has(path: Path) -> None:
    first = ("CREATE TABLE things (name TEXT)", "INSERT INTO things VALUES ('kept')")
    second = ("ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7",)
    older = SqliteFile(path, holds="things", schema=[first])
    assert older.read(lambda db: db.execute("SELECT * FROM things").fetchall(), []) == [("kept",)]
    older.close()
    newer = SqliteFile(path, holds="things", schema=[first, second])
    assert newer.read(lambda db: db.execute("SELECT * FROM things").fetchall(), []) == [("kept", 7)]
    assert newer.read(lambda db: db.execute("PRAGMA user_version").fetchone()[0], 0) == 2
    newer.close()


def test_a_migration_that_fails_halfway_leaves_the_older_version(path: Path) -> None:
    first = ("CREATE TABLE things (name TEXT)", "INSERT INTO things VALUES ('kept')")
    older = SqliteFile(path, holds="things", schema=[first])
    assert older.write(lambda db: db.execute("INSERT INTO things VALUES ('too')").rowcount, 0) == 1
    older.close()

    def fails(db: sqlite3.Connection) -> int:
        db.execute("DELETE FROM things")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        older.write(fails, 0)
    assert older.read(lambda db: db.execute("SELECT COUNT(*) FROM things").fetchone()[0], 0) == 2
    older.close()


def test_a_directory_cleared_in_the_middle_of_use_is_made_again(store: EmbeddingStore, path: Path) -> None:
    store.put_many("one", vectors(3))
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    store.put_many("one", vectors(4, source="new"))
    assert len(store.get_many("one", DIMENSIONS, vectors(4, source="new"))) == 4
    assert path.exists()


def test_a_locked_store_is_read_and_goes_on_without_writing(
    open_store: Callable[..., EmbeddingStore], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(busy_timeout_s=0.05)
    store.put_many("one", vectors(3))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(5):
            store.put_many("one", vectors(3, source="new"))
            assert same(store.get_many("one", DIMENSIONS, vectors(3)), vectors(3))
        other.execute("ROLLBACK")
    assert caplog.text.count("going on without") == 1
    assert "locked" in caplog.text
    assert count(open_store()) == 3


def test_a_place_where_nothing_can_be_written_is_gone_without(
    open_store: Callable[..., EmbeddingStore], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no directory")
    store = open_store(tmp_path / "file" / "embeddings.sqlite")
    for _ in range(3):
        store.put_many("one", vectors(3))
        assert store.get_many("one", DIMENSIONS, vectors(3)) == {}
    assert caplog.text.count("going on without") == 1


def test_a_full_disk_loses_the_batch_in_hand_and_nothing_else(
    open_store: Callable[..., EmbeddingStore], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk:
        store = open_store(disk / "embeddings.sqlite")
        for number in range(30):
            store.put_many("one", vectors(32, seed=number, source=f"batch-{number}"))
        again = open_store(disk / "embeddings.sqlite")
        whole = [
            len(again.get_many("one", DIMENSIONS, vectors(32, seed=number, source=f"batch-{number}")))
            for number in range(30)
        ]
        kept = whole.count(32)
        assert 1 <= kept < 30
        assert whole == [32] * kept + [0] * (30 - kept)
        with closing(sqlite3.connect(disk / "embeddings.sqlite")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.close()
        again.close()
    assert caplog.text.count("nothing new can be kept in") == 1
    assert "Make room there" in caplog.text
    assert "set aside" not in caplog.text


def test_a_read_only_disk_is_read_and_not_written(
    open_store: Callable[..., EmbeddingStore], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        store = open_store(disk / "embeddings.sqlite")
        store.put_many("one", vectors(20))
        store.close()
        make_read_only(disk)
        store = open_store(disk / "embeddings.sqlite")
        for _ in range(3):
            store.put_many("one", vectors(20, source="new"))
            assert same(store.get_many("one", DIMENSIONS, vectors(20)), vectors(20))
        store.close()
    assert caplog.text.count("going on without") == 1


def test_clearing_by_encoder_and_by_age_shrinks_the_file(store: EmbeddingStore, clock: Clock) -> None:
    store.put_many("old", vectors(400))
    clock.pass_days(10)
    store.put_many("new", vectors(400))
    store.put_many("old", vectors(50, source="late"))
    store.close()  # what is in the journal moves into the file
    full = store.size()
    assert store.clear(unused_for_days=11) == 0
    assert store.clear(unused_for_days=10) == 400
    assert store.size() < full * 0.7
    assert [(one.encoder_name, one.count) for one in store.kept()] == [("new", 400), ("old", 50)]
    assert store.clear("new") == 400
    assert [(one.encoder_name, one.count) for one in store.kept()] == [("old", 50)]
    assert store.clear() == 50
    assert store.size() < full * 0.2


def test_what_is_found_counts_as_used(store: EmbeddingStore, clock: Clock) -> None:
    store.put_many("one", vectors(20))
    clock.pass_days(5)
    assert len(store.get_many("one", DIMENSIONS, list(vectors(20))[:5])) == 5
    assert store.clear(unused_for_days=3) == 15
    assert same(store.get_many("one", DIMENSIONS, vectors(20)), dict(list(vectors(20).items())[:5]))


def test_shrinking_takes_the_least_recently_used_first_and_the_file_fits(
    open_store: Callable[..., EmbeddingStore], clock: Clock
) -> None:
    store = open_store()
    order = list(range(10))
    random.Random(11).shuffle(order)
    for number in range(10):
        store.put_many("one", vectors(100, seed=number, source=f"batch-{number}"))
    for number in order:  # the order of use is another than that of arrival
        clock.pass_days(1)
        store.get_many("one", DIMENSIONS, vectors(100, source=f"batch-{number}"))
    store.close()  # what is in the journal moves into the file
    limit = store.size() // 2
    other = open_store()
    assert len(other.get_many("one", DIMENSIONS, vectors(1, source=f"batch-{order[-1]}"))) == 1  # it reads meanwhile
    removed = store.shrink_to(limit)
    assert store.size() <= limit
    assert 400 <= removed <= 650
    left = [len(store.get_many("one", DIMENSIONS, vectors(100, source=f"batch-{number}"))) for number in order]
    assert left == sorted(left), "the ones used last are still there"
    assert left[:4] == [0] * 4
    assert left[-3:] == [100] * 3
    assert store.shrink_to(limit) == 0
    store.shrink_to(0)
    assert count(store) == 0


@pytest.fixture
def pictures(tmp_path: Path, clock: Clock) -> Iterator[PictureStore]:
    store = PictureStore(tmp_path / "pictures.sqlite", largest_bytes=100_000, clock=clock)
    yield store
    store.close()


def shown(number: int, size: int = 1000, *, to_show: bool = True) -> dict[Identity, KeptPicture]:
    return {("pixabay", str(number)): KeptPicture(random.Random(number).randbytes(size), to_show)}


def test_a_picture_is_kept_for_a_day_and_not_longer(pictures: PictureStore, clock: Clock) -> None:
    pictures.put_many(shown(1))
    clock.pass_days(0.99)
    assert pictures.get(("pixabay", "1")) == shown(1)["pixabay", "1"]
    clock.pass_days(0.01)
    assert pictures.get(("pixabay", "1")) is None
    assert pictures.get(("pixabay", "2")) is None
    pictures.put_many(shown(2))
    with closing(sqlite3.connect(pictures.path)) as db:
        assert db.execute("SELECT picture FROM pictures").fetchall() == [("2",)], "the old file itself is gone"


def test_pictures_stay_within_their_bytes_and_the_longest_unused_go_first(pictures: PictureStore, clock: Clock) -> None:
    for number in range(10):
        pictures.put_many(shown(number, 10_000))
        clock.pass_days(0.01)
    assert pictures.get(("pixabay", "0")) is not None  # used just now
    clock.pass_days(0.01)
    pictures.put_many(shown(10, 10_000))
    assert [number for number in range(11) if pictures.get(("pixabay", str(number)))] == [0, *range(2, 11)]


def test_the_file_for_people_is_not_replaced_by_a_smaller_one(pictures: PictureStore) -> None:
    pictures.put_many(shown(1, 500, to_show=False))
    pictures.put_many(shown(1, 5000))
    pictures.put_many(shown(1, 400, to_show=False))
    kept = pictures.get(("pixabay", "1"))
    assert kept is not None
    assert (len(kept.data), kept.to_show) == (5000, True)


def test_pictures_are_cleared_by_age_and_by_size(tmp_path: Path, clock: Clock) -> None:
    store = PictureStore(tmp_path / "pictures.sqlite", keep_for=timedelta(days=30), clock=clock)
    for number in range(40):
        store.put_many(shown(number, 20_000))
        clock.pass_days(0.5)
    assert store.count() == 40
    assert store.clear(older_than_days=10) == 21
    store.close()  # what is in the journal moves into the file
    limit = store.size() // 2
    removed = store.shrink_to(limit)
    assert removed > 0
    assert store.size() <= limit
    assert store.get(("pixabay", "39")) is not None
    assert store.get(("pixabay", "21")) is None
    assert store.clear() == 19 - removed
    assert store.count() == 0
    store.close()


def test_the_log_is_quiet_where_all_is_well(store: EmbeddingStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        store.put_many("one", vectors(40))
        store.get_many("one", DIMENSIONS, vectors(40))
        store.clear()
    assert caplog.text == ""


def test_a_disk_that_is_full_to_the_brim_is_named_as_such(
    open_store: Callable[..., EmbeddingStore], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", 512) as disk:
        store = open_store(disk / "embeddings.sqlite")
        store.put_many("one", vectors(3))
        store.close()
        with suppress(OSError), (disk / "fill").open("wb", buffering=0) as fill:
            while True:
                fill.write(bytes(4096))
        store = open_store(disk / "embeddings.sqlite")
        store.put_many("one", vectors(3, source="new"))
        store.close()
    (said,) = [record.getMessage() for record in caplog.records if "going on without" in record.getMessage()]
    assert os.strerror(errno.ENOSPC) in said  # SQLite calls it an I/O error
