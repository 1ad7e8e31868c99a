"""What a fresh process imports: each module here was once a part of the wait."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from phrasepix.cli.encoded_ahead import encoded_ahead
from phrasepix.finder import Finder
from phrasepix.models.catalogue import choose_model
from phrasepix.sample.site import StockSite
from reranker.encoder import Embeddings
from reranker.engine.factory import load_encoder
from retriever.directories import cache_directory

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
    assert {"openvino", "sqlite3"} <= {*imported}, "the list of imports was not read"
    assert sorted({*imported} & NOT_FOR_A_REMEMBERED_SEARCH) == []
    late = {
        "PIL.JpegImagePlugin",
        "jinja2",
        "phrasepix.searching.run",
        "reranker.clip_reranker",
        "retriever.pixabay.retriever",
    }
    assert late <= {*imported}
    before_the_model = imported[: imported.index("phrasepix.cli.encoded_ahead")]
    assert sorted(late & {*before_the_model}) == [], "the model waits for what it does not use"


@pytest.mark.slow
def test_a_new_phrase_over_the_sample_imports_only_what_it_uses(tmp_path: Path) -> None:
    job = ("--tag", "boat", "--source", "sample", "--limit", "10", "--json", "--gallery", str(tmp_path / "boats.html"))
    command("a boat of yesterday", *job)
    shown, imported = command("a boat of tomorrow", *job)
    assert len(json.loads(shown)["matches"]) == 10
    assert {"openvino", "requests", "phrasepix.sample.site"} <= {*imported}
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


def test_a_model_that_cannot_be_encoded_with_ahead_is_left_to_the_search() -> None:
    with encoded_ahead("a boat", "nosuch", None, finder=Finder(), device="auto", engine="auto", sources=["sample"]):
        pass
    with encoded_ahead("a boat", "sample", "laion2b", finder=Finder(), device="nosuch", engine="nosuch", sources=[]):
        pass


class Deaf:
    """An encoder that is asked for nothing more."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        raise AssertionError(texts)


def test_what_was_encoded_ahead_is_what_the_search_finds() -> None:
    _, choice = choose_model(None, None, only_the_sample=True)
    load_encoder(choice, cache_directory())  # exports it
    finder = Finder()
    with encoded_ahead(
        " a boat that was asked for ahead",
        None,
        None,
        finder=finder,
        device="auto",
        engine="auto",
        sources=["sample", "sample"],
    ):
        pass
    texts = finder.models.texts(choice, "auto", "auto", cache_directory())
    assert finder.models.reranker(choice, "auto", "auto", cache_directory()).encoder is texts.encoder
    encoder, texts.encoder = texts.encoder, Deaf()  # type: ignore[assignment]
    try:
        assert texts.phrase("a boat that was asked for ahead").shape == (encoder.dimensions,)
        with pytest.raises(AssertionError, match="nobody asked for"):
            texts.phrase("a boat nobody asked for")
    finally:
        texts.encoder = encoder


@pytest.mark.slow
def test_a_search_in_a_library_imports_nothing_of_what_fills_one() -> None:
    pytest.importorskip("lance")
    code = "import sys, phrasepix.library.retriever; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = set(done.stdout.split())
    assert "lance" in imported
    unused = {"filelock", "duckdb", "av", "phrasepix.library.archive", "phrasepix.library.folder_sync"}
    assert sorted(imported & unused) == []
