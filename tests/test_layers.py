"""The two stages know nothing of each other but the record they share."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = {"phrasepix_core.candidate", "phrasepix_core.credit"}
"""The record, and the line that credits what it describes: a match says it of its candidate."""
READS_METADATA = ROOT / "retriever" / "folder"
"""Of files no source has described: nothing reads it from as many formats as Pillow. No pixel is decoded there."""


SOURCES = {"pixabay", "openverse", "commons", "pexels", "unsplash", "folder", "sample"}


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
        ("training", {"retriever", "reranker", "phrasepix", "phrasepix_core"}),
        ("phrasepix_core", {"retriever", "reranker", "phrasepix", "training"}),
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


def test_the_ground_floor_needs_the_standard_library_alone() -> None:
    imported = {
        module.split(".")[0]
        for path in sorted((ROOT / "phrasepix_core").rglob("*.py"))
        for module in imported_modules(path)
    }
    assert imported <= {*sys.stdlib_module_names, "phrasepix_core"}


def test_no_module_takes_a_private_name_of_another() -> None:
    offences = [
        f"{path.relative_to(ROOT)} takes {alias.name} of {node.module}"
        for package in ("phrasepix_core", "retriever", "reranker", "phrasepix", "training")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert offences == []


def test_the_second_stage_knows_no_source_by_its_name() -> None:
    offences = [
        f"{path.relative_to(ROOT)}:{node.lineno} says {node.value!r}"
        for path in sorted((ROOT / "reranker").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in SOURCES
        if path.name != "families.py"  # where the sample is a model
    ]
    assert offences == []


def test_a_source_knows_no_other_source() -> None:
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for source in sorted(SOURCES - {"sample"})
        for path in sorted((ROOT / "retriever" / source).rglob("*.py"))
        for module in imported_modules(path)
        if module.split(".")[0] == "retriever" and {*module.split(".")[1:2]} & (SOURCES - {source})
    ]
    assert offences == []


def test_what_all_sources_share_knows_none_of_them() -> None:
    """But for `retriever` itself, which offers Pixabay's retriever by its name."""
    shared = [*(ROOT / "retriever").glob("*.py"), *(ROOT / "retriever" / "courtesy").rglob("*.py")]
    offences = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted(shared)
        if path.name != "__init__.py"
        for module in imported_modules(path)
        if module.split(".")[0] == "retriever" and {*module.split(".")[1:2]} & SOURCES
    ]
    assert offences == []
