"""What README and CONTRIBUTING say holds; that their blocks run is in `tests/test_docs.py`."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "training/README.md"])
def test_every_local_link_leads_somewhere(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_number_of_pictures_it_names_is_the_number_there_is() -> None:
    named = re.search(r"(\d+) drawn scenes with tags", README)
    assert named
    assert int(named[1]) == len(list((ROOT / "phrasepix" / "sample" / "pictures").glob("*.jpg")))
