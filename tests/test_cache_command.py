"""`phrasepix cache`: the real command over what a real search left."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from phrasepix.cache_inventory import clear
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from reranker.encoder import unit_rows
from reranker.engine.export_lock import export_lock
from reranker.memory.embedding_store import EmbeddingStore
from tests.first_often import first_often
from tests.in_process import run
from tests.test_command_line import on_a_terminal
from tests.test_command_line import run as run_as_process

KINDS = ["embeddings", "texts", "fingerprints", "pictures", "answers", "galleries", "engines"]


@pytest.fixture(scope="module")
def left_by_a_search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache directory after a search over forty pictures; an exported model would bring its texts itself."""
    cache = tmp_path_factory.mktemp("searched") / "cache"
    with StockSite(PICTURES_DIRECTORY) as site:
        done = run(
            "a red car", "--tag", "car", "--model", "sample", "--limit", "40", "--engine", "torch",
            PIXABAY_API_KEY=site.key, PIXABAY_API_URL=site.api_url, PHRASEPIX_CACHE_DIR=str(cache),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return cache


@pytest.fixture
def searched(left_by_a_search: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the cache directory, with some weights beside it."""
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "weights").write_bytes(bytes(5000))
    (hub / "link").symlink_to(hub / "weights")
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    shutil.copytree(left_by_a_search, tmp_path / "cache", dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "cache" / "engines")
    model = tmp_path / "cache" / "engines" / "a-model"
    model.mkdir(parents=True)
    (model / "manifest.json").write_text("{}")
    (model / "image.bin").write_bytes(bytes(3000))
    return tmp_path / "cache"


def kept(*arguments: str) -> dict[str, int | None]:
    done = run("cache", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return {one["kind"]: one["count"] for one in json.loads(done.stdout)}


def test_everything_that_is_kept_is_shown_with_how_many_and_how_large(searched: Path) -> None:
    done = run("cache")
    assert done.stderr == ""
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [*KINDS, "weights"]
    by_kind = {row[0]: row[1:] for row in rows}
    name, count, size, path = by_kind["embeddings"]
    assert name.startswith("local-dir:model ")
    assert (count, path) == ("40", str(searched / "embeddings.sqlite"))
    assert int(size) % 40 == 0
    assert by_kind["fingerprints"][1] == by_kind["pictures"][1] == "40"
    assert by_kind["answers"][:2] == ["pixabay", "1"]
    assert by_kind["galleries"][1] == by_kind["engines"][1] == "1"
    assert by_kind["engines"][2] == "3002"
    weights = by_kind["weights"]
    assert weights[1] == ""
    assert 5000 <= int(weights[2]) < 5500, "a link is not the file again"
    as_json = json.loads(run("cache", "--json").stdout)
    assert [[one["kind"], one["name"], one["path"]] for one in as_json] == [[r[0], r[1], r[4]] for r in rows]
    assert [str(one["count"] or "") for one in as_json] == [row[2] for row in rows]


def test_on_a_terminal_it_is_a_table(searched: Path) -> None:
    code, shown = on_a_terminal("cache", columns=160)
    assert code == 0
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown)
    assert re.search(r"how many\s+size\s+where", plain)
    assert re.search(r"pictures\s+40\s+[\d.]+ .?B", plain)
    assert "\t" not in plain


@pytest.mark.own_export
def test_where_nothing_is_kept_it_says_so(tmp_path: Path) -> None:
    done = run("cache", HF_HUB_CACHE=str(tmp_path / "none"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing is kept.\n")
    done = run("cache", "clear", "--yes")
    assert done.returncode == 0
    assert "Removed: 0 embeddings, 0 fingerprints, 0 pictures, 0 answers, 0 galleries, 0 engines" in done.stderr
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "texts"])
def test_one_kind_is_cleared_and_the_others_stay(searched: Path, kind: str) -> None:
    before = kept()
    done = run("cache", "clear", f"--{kind}", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"Removed: {before[kind]} {kind}\n"
    gone = {kind, "texts"} if kind == "embeddings" else {kind}
    assert kept() == {name: count for name, count in before.items() if name not in gone}


def test_all_but_the_weights_is_cleared_where_no_kind_is_named(searched: Path) -> None:
    set_aside = [searched / f"{name}.damaged" for name in ("embeddings", "pixabay-answers", "folder-notes")]
    for file in set_aside:
        file.write_bytes(b"damaged")
    done = run("cache", "clear", "--yes")
    assert done.stderr == (
        "Removed: 40 embeddings, 40 fingerprints, 40 pictures, 1 answers, 1 galleries, 1 engines, 0 folders\n"
    )
    assert kept().keys() == {"weights"}
    assert not any(file.exists() for file in set_aside)


def test_a_damaged_file_of_any_kind_is_named_and_the_others_are_shown(searched: Path) -> None:
    damaged = ["embeddings", "pictures", "pixabay-answers", "folder-notes"]
    for name in damaged:
        (searched / f"{name}.sqlite").write_bytes(b"damaged " * 100)
    done = run("cache", "--json")
    assert done.returncode == 0
    assert [re.findall(r"set aside as (\S+)\.damaged", line) for line in done.stderr.splitlines()] == [
        [name] for name in damaged
    ]
    shown = {one["kind"]: one["count"] for one in json.loads(done.stdout)}
    assert shown["fingerprints"] == 40
    assert not {"embeddings", "pictures", "answers"} & shown.keys()


def test_nothing_is_cleared_without_a_yes(searched: Path) -> None:
    before = kept()
    done = run("cache", "clear", "--embeddings")
    assert done.returncode == 2
    assert "say --yes to clear embeddings" in done.stderr
    assert kept() == before


def add_model(cache: Path, name: str, count: int = 300, *, days_ago: float = 0) -> None:
    with closing(EmbeddingStore(cache / "embeddings.sqlite", clock=lambda: time.time() - days_ago * 86400)) as store:
        store.put_many(name, {(name, str(n)): unit_rows(np.ones((1, 512)))[0] for n in range(count)})


def models(cache: Path) -> list[tuple[str, int]]:
    with closing(EmbeddingStore(cache / "embeddings.sqlite")) as store:
        return [(one.encoder_name, one.count) for one in store.kept()]


def test_embeddings_of_one_model_are_cleared_by_a_part_of_its_name(searched: Path) -> None:
    add_model(searched, "ViT-B-32/laion2b_s34b_b79k fp32 0123")
    add_model(searched, "ViT-L-14/openai fp32 4567", 10)
    assert run("cache", "clear", "--embeddings", "vit-b-32", "--yes").stderr == "Removed: 300 embeddings\n"
    left = [name for name, _ in models(searched)]
    assert len(left) == 2
    assert left[0] == "ViT-L-14/openai fp32 4567"
    done = run("cache", "clear", "--embeddings", "RN50", "--yes")
    assert done.returncode == 2
    assert "ViT-L-14/openai fp32 4567" in done.stderr


def test_old_things_are_cleared_by_age(searched: Path) -> None:
    add_model(searched, "old model", days_ago=40)
    gallery = searched / "galleries" / "an-old-search.html"
    gallery.write_text("<p>old</p>")
    long_ago = time.time() - 40 * 86400
    os.utime(gallery, (long_ago, long_ago))
    with closing(sqlite3.connect(searched / "pictures.sqlite")) as db, db:
        db.execute("UPDATE pictures SET fetched_at = ? WHERE rowid <= 7", (time.time() - 0.9 * 86400,))
    done = run("cache", "clear", "--older-than", "30", "--yes")
    assert done.stderr == (
        "Removed: 300 embeddings, 0 fingerprints, 0 pictures, 0 answers, 1 galleries, 0 engines, 0 folders\n"
    )
    assert not gallery.exists()
    done = run("cache", "clear", "--older-than", "0.5", "--yes")
    assert done.stderr == (
        "Removed: 0 embeddings, 0 fingerprints, 7 pictures, 0 answers, 0 galleries, 0 engines, 0 folders\n"
    )


def test_a_size_limit_takes_pictures_first_and_then_the_least_recently_used_embeddings(searched: Path) -> None:
    add_model(searched, "older", 1000, days_ago=20)
    add_model(searched, "newer", 1000, days_ago=10)
    done = run("cache", "clear", "--max-size", "3.2 MB", "--yes")
    assert done.returncode == 0, done.stderr
    size = sum(path.stat().st_size for path in searched.glob("*.sqlite") if "answers" not in path.name)
    assert size <= 3_200_000
    left = dict(models(searched))
    assert left["newer"] == 1000
    assert 0 < left["older"] < 1000
    assert sum(left.values()) - 2000 < 40, "the search's own are the latest used"
    assert "galleries" in kept()
    assert "answers" in kept()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clear", "--max-size", "much", "--yes"], "must look like 500MB"),
        (["clear", "--max-size", "1GB", "--pictures", "--yes"], "give it alone"),
        (["clear", "--weights", "--yes"], "there is no option --weights"),
        (["empty"], "there is no command empty"),
    ],
)
def test_wrong_usage_is_exit_code_two(arguments: list[str], words: str) -> None:
    done = run("cache", *arguments, COLUMNS="200")
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("spelled", first_often(1, [["--", "cache"], ["find", "cache"], ["--tag", "boat", "cache"]]))
def test_a_phrase_that_is_the_commands_name_can_be_searched(spelled: list[str]) -> None:
    rest = [] if "--tag" in spelled else ["--tag", "boat"]
    done = run(*spelled, *rest, "--source", "sample", "--json", "-n", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["phrase"] == "cache"


def test_find_may_be_said_and_is_a_phrase_of_its_own_too() -> None:
    sample = ["--tag", "boat", "--source", "sample", "--json", "-n", "1"]
    assert json.loads(run("find", "a boat", *sample).stdout)["phrase"] == "a boat"
    assert json.loads(run("find", *sample).stdout)["phrase"] == "find"


def test_help_shows_the_search_and_mentions_the_cache() -> None:
    shown = run("--help", COLUMNS="120").stdout
    assert "Usage: phrasepix [OPTIONS]" in shown
    assert "PHRASE" in shown
    assert "--offline" in shown
    assert "phrasepix cache" in shown
    assert "clear" in run("cache", "--help").stdout
    assert "--max-size" in run("cache", "clear", "--help").stdout


@pytest.mark.parametrize("arguments", [["cache", "--help"], ["cache", "clear", "--help"]])
def test_help_on_the_cache_imports_nothing_heavy(arguments: list[str]) -> None:

    probe = (
        f"import sys, atexit; sys.argv = ['phrasepix', *{arguments}]\n"
        "heavy = {'torch', 'open_clip', 'numpy', 'PIL', 'requests', 'jinja2', 'sqlite3'}\n"
        "atexit.register(lambda: print('HEAVY', sorted(heavy & set(sys.modules))))\n"
        "from phrasepix.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.rstrip().endswith("HEAVY []")


def test_texts_of_a_pair_of_towers_are_cleared_with_the_embeddings(searched: Path) -> None:
    with closing(EmbeddingStore(searched / "texts.sqlite")) as store:
        store.put_many("many languages + ViT-B-32", {("neutral phrases", "a dog"): unit_rows(np.ones((1, 8)))[0]})
    assert run("cache", "clear", "--embeddings", "many languages", "--yes").returncode == 2
    assert run("cache", "clear", "--embeddings", "--yes").returncode == 0
    assert "texts" not in kept()


_CLEARING = """
import sys, threading
from phrasepix.cache_inventory import clear
pause = threading.Event()
print("begun", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), pause.set())).start()
while True:
    clear()
    if pause.wait(0.15):
        break
"""


@pytest.mark.slow
def test_searches_while_another_process_clears_the_cache_again_and_again_find_the_same(tmp_path: Path) -> None:
    cache = str(tmp_path / "kept")
    job = ["two red boats", "--tag", "boat", "--source", "sample", "-n", "3", "--json"]

    def found() -> list[str]:
        done = run_as_process(*job, PHRASEPIX_CACHE_DIR=cache)
        assert done.returncode == 0, done.stderr
        assert "torch" not in done.stderr
        return [match["id"] for match in json.loads(done.stdout)["matches"]]

    expected = found()
    with subprocess.Popen(
        [sys.executable, "-c", _CLEARING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PHRASEPIX_CACHE_DIR": cache},
    ) as clearing:
        assert clearing.stdout is not None
        assert clearing.stdout.readline() == b"begun\n"
        assert [found() for _ in range(4)] == [expected] * 4
        clearing.communicate()
    assert clearing.returncode == 0


def test_clearing_waits_for_a_model_that_is_being_prepared(searched: Path) -> None:
    engines = searched / "engines"
    lock = engines / "choices" / "a-choice.lock"
    with export_lock(lock, patience_s=10) as is_held:
        assert is_held
        clearing = threading.Thread(target=clear, args=(["engines"],))
        clearing.start()
        clearing.join(0.3)
        assert (engines / "a-model" / "manifest.json").exists(), "it may be read by what is prepared"
    clearing.join(60)
    assert not engines.exists()
    assert not list(searched.glob("*.partial"))
