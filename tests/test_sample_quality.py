"""The figures README gives, asked again on fewer phrases through the whole path."""

from pathlib import Path

import pytest

from benchmarks.sample_quality import END, REPORT, START, measure

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_shipped_model_puts_a_right_picture_first_far_more_often_than_the_source_does() -> None:
    measured = measure(phrases=300, seed=7, orders={})
    ours = {line.name: line.first for line in measured.ranked}
    theirs = {line.name: line.first for line in measured.in_source_order}
    assert ours["all"] >= 0.90
    assert ours["two subjects"] >= 0.75
    assert theirs["all"] <= 0.10


def test_the_table_in_the_readme_is_the_one_of_the_report() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split(START)[1].split(END)[0].strip()
    assert table.startswith("| phrases |")
    assert table in REPORT.read_text(encoding="utf-8")
