"""What a fresh process imports: each module here was once a part of the wait."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phrasepix.cli.encoded_ahead import EncodedAhead
from phrasepix.finder import Finder
from phrasepix.sample.site import StockSite
from tests.drawn_folder import draw_scenes

ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="no process is forked elsewhere, or on one core"
)
COMMAND = "from phrasepix.cli import main; main()"
NOT_FOR_A_SEARCH = {
    "cv2",
    "reranker.descriptors",
    "torch",
    "torchvision",
    "open_clip",
    "huggingface_hub",
    "ftfy",
    "regex",
    "py3langid",
    "simplemma",
    "stopwordsiso",
    "rich",
    "scipy",
    "pywt",
    "openvino.tools.ovc.convert",
    "phrasepix.sample.pages",
    "reranker.engine.export",
    "reranker.engine.export_process",
    "reranker.engine.file_tokenizer",
    "reranker.engine.openvino_text_tower",
    "reranker.everyday",
    "reranker.models.paired_encoder",
    "reranker.models.weights",
    "reranker.pictures.session",
    "retriever.pixabay.videos",
}
NOT_FOR_A_REMEMBERED_SEARCH = NOT_FOR_A_SEARCH | {
    "requests",
    "urllib3",
    "http.client",
    "openvino",
    "tenacity",
    "phrasepix.sample.site",
    "retriever.http.http_client",
}


def command(*arguments: str) -> tuple[str, list[str]]:
    """What it writes to stdout, and the modules it imports, in the order in which it has them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    timed = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done.stdout, [line.rpartition("|")[2].strip() for line in timed]


def test_a_remembered_search_imports_only_what_it_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite() as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        job = (
            "--tag",
            "boat",
            "--limit",
            "10",
            "--model",
            "sample",
            "--json",
            "--gallery",
            str(tmp_path / "boats.html"),
        )
        command("a red boat", *job)
        shown, imported = command("a blue boat at night", *job)
    assert len(json.loads(shown)["matches"]) == 10
    assert (tmp_path / "boats.html").is_file()
    assert {"numpy", "sqlite3"} <= {*imported}, "the list of imports was not read"
    assert sorted({*imported} & NOT_FOR_A_REMEMBERED_SEARCH) == []


@pytest.mark.slow
def test_a_new_phrase_over_the_sample_imports_only_what_it_uses(tmp_path: Path) -> None:
    job = ("--tag", "boat", "--source", "sample", "--limit", "10", "--json", "--gallery", str(tmp_path / "boats.html"))
    command("a boat of yesterday", *job)
    shown, imported = command("a boat of tomorrow", *job)
    assert len(json.loads(shown)["matches"]) == 10
    assert {"requests", "phrasepix.sample.site"} <= {*imported}
    assert sorted({*imported} & NOT_FOR_A_SEARCH) == []


def test_the_search_itself_imports_no_http_and_no_engine() -> None:
    code = "import sys, phrasepix.api, phrasepix.searching.run, retriever, reranker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = set(done.stdout.split())
    assert "reranker.pictures.fetch" in imported
    unused = {"requests", "urllib3", "tenacity", "ssl", "openvino", "tokenizers", "jinja2", "rich"}
    assert sorted(imported & unused) == []


def test_the_command_keeps_its_exit_code_and_its_last_words_when_a_model_was_run() -> None:
    code = (
        "import sys, openvino\n"
        "sys.argv = ['phrasepix', 'a boat', '--tag', 'boat', '--source', 'sample', '--type', 'drawing']\n"
        f"{COMMAND}"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "all, photo, illustration, vector" in done.stderr


def ahead(phrase: str, model: str | None = None, **others: Any) -> EncodedAhead:
    return EncodedAhead(
        phrase, model, **{"pretrained": None, "device": "auto", "engine": "auto", "sources": [], **others}
    )


def unlimited() -> dict[str, str]:
    """Surroundings in which a process may use all cores; tests side by side have one each."""
    return {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}


def in_fresh_process(code: str, **more: str) -> str:
    """Run code with the names it needs, in a process where a child can be had; return what it prints."""
    names = "import sys; from phrasepix.cli.encoded_ahead import EncodedAhead\n"
    done = subprocess.run(
        [sys.executable, "-c", names + code], capture_output=True, text=True, timeout=60, env=unlimited() | more
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_process_with_libraries_loaded_has_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with ahead("a boat", "sample") as encoding, Finder() as finder:
        encoding.hand_to(finder)
        assert encoding._child == 0


@ON_LINUX
def test_what_a_child_encoded_is_what_the_search_finds() -> None:
    in_fresh_process("from phrasepix import Finder; Finder().loaded_model('sample')")  # exports it
    code = """
with EncodedAhead(" a boat that was asked for ahead", None, None, "auto", "auto", ["sample", "sample"]) as ahead:
    assert ahead._child and "numpy" not in sys.modules
    from phrasepix.finder import Finder
    from phrasepix.models.catalogue import choose_model
    with Finder() as finder:
        ahead.hand_to(finder)
        _, choice = choose_model(None, None, only_the_sample=True)
        texts = finder.models.texts(choice, "auto", "auto", finder.config.directory)
        ahead._thread.join(30)
        encoder, texts.encoder = texts.encoder, None
        taken = texts.phrase("a boat that was asked for ahead")
        print(texts.unread("a boat that was asked for ahead") or "all", abs(taken - encoder.encode_texts(
            ["a boat that was asked for ahead"])[0]).max() < 1e-6)
"""
    assert in_fresh_process(code) == "all True\n"


@ON_LINUX
@pytest.mark.parametrize(
    "arguments",
    [
        ("a boat", "nosuch", None, "auto", "auto", ["sample"]),
        ("a boat", "sample", "laion2b", "nosuch", "nosuch", []),
        ("a boat", None, None, "auto", "auto", []),
        (" ", "sample", None, "auto", "auto", []),
    ],
    ids=["no such model", "no such device", "a model that is not here", "no phrase"],
)
def test_what_no_child_encodes_is_left_to_the_search(arguments: tuple[Any, ...], tmp_path: Path) -> None:
    code = f"""
import os
os.environ["PHRASEPIX_CACHE_DIR"] = {str(tmp_path)!r}
with EncodedAhead(*{arguments!r}) as ahead:
    from phrasepix.finder import Finder
    with Finder() as finder:
        ahead.hand_to(finder)
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no child is left")
"""
    assert in_fresh_process(code) == "no child is left\n"


@ON_LINUX
@pytest.mark.parametrize(("threads", "has_child"), [("1", "False"), ("2", "True")])
def test_a_process_that_may_use_one_core_has_no_child(threads: str, has_child: str) -> None:
    code = """
with EncodedAhead("a boat", "sample", None, "auto", "auto", []) as ahead:
    print(bool(ahead._child))
"""
    assert in_fresh_process(code, OMP_NUM_THREADS=threads) == f"{has_child}\n"


@ON_LINUX
def test_an_error_before_the_search_leaves_no_child() -> None:
    code = """
import os
try:
    with EncodedAhead("a boat", "sample", None, "auto", "auto", []) as ahead:
        raise KeyError
except KeyError:
    pass
try:
    os.kill(ahead._child, 0)
except ProcessLookupError:
    print("it is gone")
"""
    assert in_fresh_process(code) == "it is gone\n"


@ON_LINUX
def test_a_child_that_dies_is_made_up_for(tmp_path: Path) -> None:
    job = ("--tag", "boat", "--source", "sample", "--limit", "10", "--json", "--gallery", str(tmp_path / "boats.html"))
    expected, _ = command("a boat that a child saw", *job)
    code = (
        "import os, sys\n"
        "fork = os.fork\n"
        "os.fork = lambda: fork() or os._exit(1)\n"
        f"sys.argv = ['phrasepix', 'a boat that a child saw', *{job!r}]\n{COMMAND}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=unlimited()
    )
    assert [one["id"] for one in json.loads(done.stdout)["matches"]] == [
        one["id"] for one in json.loads(expected)["matches"]
    ]


@pytest.mark.slow
def test_a_search_in_a_library_imports_nothing_of_what_fills_one() -> None:
    pytest.importorskip("lance")
    code = "import sys, phrasepix.library.retriever; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = set(done.stdout.split())
    assert "lance" in imported
    unused = {"filelock", "duckdb", "av", "phrasepix.library.archive", "phrasepix.library.folder_sync"}
    assert sorted(imported & unused) == []


def test_a_library_is_asked_without_pandas_being_imported(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("lance")
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw_scenes(folder)
    command("library", "add", str(folder), "--model", "sample")
    statement = ("library", "sql", "SELECT count(*) FROM pictures")
    search = ("a cat", "--source", "library:mine", "--model", "sample", "--json")
    for arguments in (("library", "status"), ("library", "sync"), statement, search):
        said, imported = command(*arguments)
        assert "pyarrow._dataset" in imported, arguments
        assert "pandas.core" not in imported, arguments
    assert json.loads(said)["matches"]


def test_arrow_knows_the_objects_of_pandas_once_somebody_imports_it() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("lance")
    code = """
import sys
from phrasepix.cli.late_pandas import LatePandas
sys.meta_path.insert(0, LatePandas())
import lance, pyarrow as pa
assert pa.array(["a"])[0].as_py() == "a" and "pandas" not in sys.modules
import pandas as pd
assert pa.array(pd.Series([1.5, None])).null_count == 1
assert pa.Table.from_pandas(pd.DataFrame({"a": [1]})).to_pandas().equals(pd.DataFrame({"a": [1]}))
print(type(pd.__spec__.loader).__name__)
"""
    assert in_fresh_process(code) == "SourceFileLoader\n"


def test_arrow_looks_for_pandas_where_it_was_imported_before() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("lance")
    code = """
import sys
from phrasepix.cli.late_pandas import LatePandas
sys.meta_path.insert(0, LatePandas())
import pandas as pd, lance, pyarrow as pa
print(pa.array(pd.Series([1.5, None])).null_count)
"""
    assert in_fresh_process(code) == "1\n"
