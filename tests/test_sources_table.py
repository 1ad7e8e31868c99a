"""README's table of sources says what the code does."""

import pytest

from docs.sources_table import END, README, START, sources_table, with_table
from phrasepix.sources.registry import BUILT_IN


def test_the_table_has_a_line_for_each_source_that_comes_along() -> None:
    lines = sources_table().splitlines()
    assert len(lines) == 2 + len(BUILT_IN)
    assert {line.count(" | ") for line in lines[:1] + lines[2:]} == {6}
    for name, line in zip(BUILT_IN, lines[2:], strict=True):
        assert f"| `{name}` |" in line


def test_the_table_of_the_readme_is_the_one_the_profiles_give() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m docs.sources_table"


def test_the_table_replaces_what_stands_between_the_markers_and_nothing_else() -> None:
    written = with_table(f"before\n{START}\nold\n{END}\nafter\n")
    assert written == f"before\n{START}\n{sources_table()}\n{END}\nafter\n"
    assert with_table(written) == written


@pytest.mark.parametrize("text", ["", START, END, f"{END}\n{START}"])
def test_a_text_without_both_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="do not both stand"):
        with_table(text)
