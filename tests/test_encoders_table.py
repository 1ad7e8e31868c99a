"""README's table of encoders says what the code does."""

import pytest

from docs.encoders_page import END, README, START, encoders_table, with_table
from phrasepix.models.catalogue import PROFILES
from reranker.models.registry import registered_names


def test_the_table_has_a_line_for_each_encoder_that_comes_along() -> None:
    lines = encoders_table().splitlines()
    assert len(lines) == 2 + len({*PROFILES, *registered_names()})
    assert {line.count(" | ") for line in lines[:1] + lines[2:]} == {5}
    for name in (*PROFILES, "sift", "phash", "efficientnet-lite0"):
        assert any(line.startswith(f"| `{name}` |") for line in lines)


def test_the_table_of_the_readme_is_the_one_the_profiles_give() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m docs"


@pytest.mark.parametrize("text", ["", START, END, f"{END}\n{START}"])
def test_a_text_without_both_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="do not both stand"):
        with_table(text)
