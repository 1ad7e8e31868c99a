"""The how-to of the API: its files are run as they stand there, against the real server."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests.serve_process import ServeProcess
from tests.test_docs import blocks

GUIDE = Path("docs/how-to/use-the-api.md")
FILES = {block.title: block.code for block in blocks() if block.document == GUIDE and block.title}


@pytest.fixture
def server(tmp_path: Path, surroundings: None) -> ServeProcess:
    assert PICTURES_DIRECTORY.is_dir(), "the sample's model is used"
    return ServeProcess(tmp_path / "root", {})


def run(file: str, server: ServeProcess, directory: Path) -> str:
    program = ["bash", "-eu"] if file.endswith(".sh") else [sys.executable]
    (directory / file).write_text(FILES[file], encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where `python` is
    environment = os.environ | {"ADDRESS": server.origin, "TOKEN": server.token, "PATH": path}
    done = subprocess.run(
        [*program, file], cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_each_file_of_the_guide_does_what_it_says(server: ServeProcess, tmp_path: Path) -> None:
    with server:
        run("search.sh", server, tmp_path)
        run("rerank.sh", server, tmp_path)
        assert int(run("embed.py", server, tmp_path)) > 0

    def written(name: str) -> object:
        return json.loads((tmp_path / name).read_text(encoding="utf-8"))

    found, refined, saved, undone, ranked = map(
        written, ("found.json", "refined.json", "saved.json", "undone.json", "ranked.json")
    )
    assert isinstance(found, dict)
    assert len(found["matches"]) == 10
    assert isinstance(refined, dict)
    assert refined["id"] != found["id"]
    assert "event: done" in (tmp_path / "events.txt").read_text()
    assert isinstance(saved, dict)
    assert isinstance(undone, dict)
    assert undone["removed"] == [one["path"] for one in saved["saved"]]
    assert zipfile.is_zipfile(tmp_path / "pictures.zip")
    assert isinstance(ranked, dict)
    assert [one["index"] for one in ranked["results"]] == [1]
