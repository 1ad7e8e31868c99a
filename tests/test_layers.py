"""The two stages know nothing of each other but the record they share."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = {"retriever.candidate", "retriever.credit"}
"""The record, and the line that credits what it describes: a match says it of its candidate."""
READS_METADATA = ROOT / "retriever" / "folder"
"""Of files no source has described: nothing reads it from as many formats as Pillow. No pixel is decoded there."""


def imported_modules(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("retriever", {"reranker", "phrasepix", "training", "torch", "open_clip", "PIL", "numpy"}),
        ("reranker", {"retriever", "phrasepix", "training"}),
        ("phrasepix", {"training", "tests", "benchmarks"}),
        ("training", {"retriever", "reranker", "phrasepix"}),
    ],
)
def test_a_package_imports_nothing_it_must_not_know(package: str, forbidden: set[str]) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources, f"no sources found below {ROOT / package}"
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources
        for module in imported_modules(path) - SHARED
        if module.split(".")[0] in forbidden - ({"PIL"} if path.is_relative_to(READS_METADATA) else set())
    ]
    assert offences == []
