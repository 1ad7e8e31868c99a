"""`--rank` and `--words` through the real command, on the built-in sample."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.first_often import first_often
from tests.in_process import run
from tests.test_command_line import left_standing, on_a_terminal

pytestmark = pytest.mark.sample_remembered

PHRASE = "a boat on a lake at night"
ASKED = [PHRASE, "--tag", "boat", "--source", "sample"]
BOTH = ["--rank", "normalised", "--words", "0.5"]
LESS_NEARNESS = "Less nearness: a picture that is near every caption loses the places it takes from others."
MORE_FOR_WORDS = "More for words: those of the phrase that the source's tags and title for a picture have."


def matches(*options: str) -> list[dict[str, Any]]:
    done = run(*ASKED, *options, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["matches"]
    return found


def total(match: dict[str, Any]) -> float:
    return float(match["score"] - match["nearness"] + match["bonus"] - match["penalty"])


@pytest.mark.slow
def test_each_part_of_the_order_is_in_the_json_and_ranks_go_by_their_total() -> None:
    plain, nothing, words, both = (
        matches("-n", "43"),
        matches("-n", "43", "--rank", "cosine", "--words", "0"),
        matches("-n", "43", "--words", "1"),
        matches("-n", "43", *BOTH, "--minus", "in the rain"),
    )
    order, scores = [[match[key] for match in plain] for key in ("id", "score")]
    assert [match["id"] for match in nothing] == order
    assert scores == sorted(scores, reverse=True)
    assert {(match["nearness"], match["bonus"]) for match in (*plain, *nothing)} == {(0, 0)}
    assert {match["nearness"] for match in words} == {0}
    assert all(match["nearness"] > 0 for match in both)
    assert any(match["penalty"] > 0 for match in both)
    for ranked in (words, both):
        totals = [total(match) for match in ranked]
        assert all(one >= other - 2e-6 for one, other in itertools.pairwise(totals))
        assert [match["id"] for match in ranked] != order
        assert {match["id"]: match["score"] for match in ranked} == dict(zip(order, scores, strict=True))
    bonus = {match["id"]: match["bonus"] for match in words}
    at_night_on_a_lake = [match["id"] for match in words if {"lake", "night"} <= set(match["tags"])]
    neither = [match["id"] for match in words if not {"lake", "night"} & set(match["tags"])]
    assert min(bonus[one] for one in at_night_on_a_lake) > 0 > max(bonus[one] for one in neither)


def test_the_page_shows_each_part_and_says_what_it_is(tmp_path: Path) -> None:
    done = run(*ASKED, *BOTH, "-n", "4", "--explain", "--gallery", str(tmp_path / "page.html"))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    for row in rows:
        nearness, bonus = float(row[-2]), float(row[-1])
        assert f"nearness −{nearness:.3f}" in page
        assert f"words {'−' if bonus < 0 else '+'}{abs(bonus):.3f}" in page
    assert LESS_NEARNESS in page
    assert MORE_FOR_WORDS.replace("'", "&#39;") in page or MORE_FOR_WORDS in page
    assert "at night" in re.sub(r"<[^>]*>", "", page), "explain says how each part of the phrase is shown"


@pytest.mark.parametrize(
    ("options", "columns", "sentences"),
    first_often(
        1,
        [
            (
                [*BOTH, "--minus", "in the rain", "--explain"],
                {"penalty", "nearness", "words"},
                [LESS_NEARNESS, MORE_FOR_WORDS],
            ),
            ([], set(), []),
            (["--rank", "normalised"], {"nearness"}, [LESS_NEARNESS]),
        ],
    ),
    ids=["all of them", "plain", "normalised"],
)
def test_the_table_has_a_place_for_each_part_of_the_order(
    options: list[str], columns: set[str], sentences: list[str]
) -> None:
    code, shown = on_a_terminal(*ASKED, *options, "-n", "3", columns=160)
    assert code == 0, shown
    lines = left_standing(shown)
    head = next(line for line in lines if "score" in line)
    text = " ".join(lines)
    where = head if len(columns) < 2 else text  # several parts stand below the score
    assert {"penalty", "nearness", "words"} & set(re.findall(r"\w+", where)) == columns
    assert [sentence for sentence in (LESS_NEARNESS, MORE_FOR_WORDS) if sentence in text] == sentences
    assert len(re.findall("−0\\.\\d{3}", text)) >= 3 * ("nearness" in columns)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rank", "best"], "rank 'best' is not known; allowed: cosine, normalised"),
        (["--rank", ""], "rank '' is not known; allowed: cosine, normalised"),
        (["--words", "1.5"], "words 1.5 is out of range; allowed: 0, what the source says counts for nothing, to 1"),
        (["--words", "nan"], "words nan is out of range"),
        (["--words", "much"], "'much' is no number"),
    ],
    ids=" ".join,
)
def test_an_order_that_there_is_not_is_a_named_error(options: list[str], said: str) -> None:
    done = run(*ASKED, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
