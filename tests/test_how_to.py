"""The how-tos for those who build on phrasepix: their code is written to files as it stands there, and run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest
from PIL import Image

from tests.test_command_line import run

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to"
_TITLED = re.compile(r'^```\w+ title="(?P<name>[^"]+)"\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL)


def written(guide: str, directory: Path) -> Path:
    """Write the files of a guide, and what an installation of their `pyproject.toml` leaves beside them."""
    blocks = {found["name"]: found["code"] for found in _TITLED.finditer((HOW_TO / guide).read_text(encoding="utf-8"))}
    for name, code in blocks.items():
        (directory / name).write_text(code, encoding="utf-8")
    project = tomllib.loads(blocks["pyproject.toml"])["project"]
    facts = directory / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in of.items()) for group, of in groups]
    (facts / "entry_points.txt").write_text("".join(lines))
    return directory


def path_with(directory: Path) -> str:
    root = str(Path(__file__).parents[1])
    return os.pathsep.join(filter(None, (str(directory), root, os.environ.get("PYTHONPATH"))))


def in_python(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": path_with(directory)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def report_of_tests(directory: Path) -> str:
    """Run the guide's own tests as its reader does, and return the report's last line."""
    done = in_python(directory, "-m", "pytest", "-q", "-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_the_source_of_the_guide_keeps_its_promises_and_is_found(tmp_path: Path) -> None:
    directory = written("write-a-source.md", tmp_path)
    report = report_of_tests(directory)
    # Skipped are those about its key and about what of it is remembered, for there is neither.
    assert re.fullmatch(r"2\d passed, 2 skipped in .*", report), report
    done = run("sources", PYTHONPATH=path_with(directory))
    assert "boatmuseum\tBoat Museum\tready\tnone needed" in done.stdout


@pytest.mark.slow
def test_the_encoder_of_the_guide_keeps_its_promises_and_ranks(tmp_path: Path) -> None:
    directory = written("write-an-encoder.md", tmp_path)
    report = report_of_tests(directory)
    assert re.fullmatch(r"1\d passed, \d+ skipped in .*", report), report
    (directory / "pictures").mkdir()
    for colour in ("red", "green", "blue"):
        Image.new("RGB", (64, 48), colour).save(directory / "pictures" / f"{colour}.png")
    done = in_python(directory, "search.py")
    assert (done.returncode, done.stdout) == (0, "green\n"), done.stderr
    done = run(
        "a green thing", "--source", str(directory / "pictures"), "--model", "hues", PYTHONPATH=path_with(directory)
    )
    assert done.returncode == 0, done.stderr
    assert "green" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("guide", ["write-a-source.md", "write-an-encoder.md"])
def test_each_line_of_a_guide_names_what_there_is(guide: str) -> None:
    """Names in backticks that belong to our packages can be imported."""
    text = (HOW_TO / guide).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:retriever|reranker|phrasepix)(?:\.\w+)+)`", text):
        if not name.startswith("phrasepix."):  # the groups of entry points
            assert resolve_name(name) is not None
