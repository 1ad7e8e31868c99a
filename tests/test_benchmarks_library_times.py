"""The report of a library's times: each benchmark replaces what it found before, and leaves the others' alone."""

from pathlib import Path

import pytest

from benchmarks import library_times


def test_a_benchmark_replaces_its_own_section_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "TIMES.md"
    for benchmark, arguments, table in (
        ("library_sync", ["--files", "7"], "| one |"),
        ("library_add", ["--work", "/somewhere/else"], "| two |\n\n| three |"),
        ("library_sync", ["--files", "8"], "| four |"),
    ):
        monkeypatch.setattr("sys.argv", ["x.py", *arguments])
        library_times.write(benchmark, table, report)
    text = report.read_text(encoding="utf-8")
    places = [text.index(part) for part in ("# How long", "## Photographs added", "| two |\n\n| three |\n", "| four |")]
    assert places == sorted(places)
    assert "--files 8`" in text
    assert "| one |" not in text
    assert "/somewhere" not in text
