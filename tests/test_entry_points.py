"""What is registered by packages, before and after one is installed."""

import sys
from pathlib import Path

import pytest

from phrasepix_core.entry_points import installed_entry_points

GROUP = "phrasepix.tests"


def install(site: Path, name: str) -> None:
    facts = site / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:SOURCE\n")


def names() -> set[str]:
    return {one.name for one in installed_entry_points(GROUP)}


def test_a_package_that_is_installed_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "not-there"
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), str(missing)])
    assert names() == set()
    install(tmp_path, "early")
    assert names() == {"early"}
    install(tmp_path, "late")
    assert names() == {"early", "late"}


def test_what_is_installed_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "alone")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    # Another process may write into a directory that is looked through, but not each time.
    assert any(installed_entry_points(GROUP) is installed_entry_points(GROUP) for _ in range(20))
