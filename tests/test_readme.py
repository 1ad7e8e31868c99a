"""What README and CONTRIBUTING say holds."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_python_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert {"best.jpg", "boats.html", "my-book"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "training/README.md"])
def test_every_local_link_leads_somewhere(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_number_of_pictures_it_names_is_the_number_there_is() -> None:
    named = re.search(r"(\d+) drawn scenes with tags", README)
    assert named
    assert int(named[1]) == len(list((ROOT / "phrasepix" / "sample" / "pictures").glob("*.jpg")))
