"""File names and picks."""

import itertools
from dataclasses import replace

import pytest

from phrasepix.errors import WrongPickError
from phrasepix.saving.filenames import name_for
from phrasepix.saving.ranks import parse_ranks
from tests.picture_server import candidate


def name(phrase: str = "a tiger in the snow", taken: tuple[str, ...] = (), **changes: str) -> str:
    one = replace(candidate(12, "https://cdn.example/12"), **changes)  # type: ignore[arg-type]
    return name_for(one, phrase, ".jpg", lambda name: name.casefold() in {one.casefold() for one in taken})


def test_a_name_says_source_creator_id_and_phrase() -> None:
    assert name(creator="Some Body") == "sample-Some-Body-12-a-tiger-in-the-snow.jpg"


def test_every_script_is_kept() -> None:
    assert name("雪の中の虎", creator="สมชาย") == "sample-สมชาย-12-雪の中の虎.jpg"
    assert name("نمر في الثلج", creator="") == "sample-12-نمر-في-الثلج.jpg"
    assert name("बर्फ में बाघ", creator="") == "sample-12-बर्फ-में-बाघ.jpg"


@pytest.mark.parametrize(
    "hostile",
    [
        "../../etc/passwd", "..\\..\\x", "/abs", "CON", "aux.txt", "a\nb\x00c", "\u202egpj.exe", "a:b*c?d<e>f|g\"h",
        "x" * 5000, "語" * 5000, ". . .", " ", "~$x", "-rf", "\ud800", "e\u0301" * 300,
    ],
)  # fmt: skip
def test_hostile_words_make_names_every_file_system_takes(hostile: str) -> None:
    made = name(hostile, creator=hostile, id=hostile)
    made.encode()
    assert len(made.encode()) <= 143
    assert made.endswith(".jpg")
    assert made.startswith("sample-")
    assert not set(made) & set('/\\:*?"<>|\n\x00\u202e ')
    assert made.count(".") == 1


def test_ids_that_differ_in_case_or_in_what_a_name_cannot_hold_get_names_of_their_own() -> None:
    ids = ["abC", "abc", "a/c", "a:c", "語" * 20, "語" * 21]
    names: list[str] = []
    for one in ids:
        names.append(name(id=one, taken=tuple(names)))
    assert len({one.casefold() for one in names}) == len(ids)
    assert name(id="a/c") == name(id="a/c")


def test_a_name_that_is_taken_in_every_form_gets_a_number() -> None:
    first = name()
    second = name(taken=(first,))
    third = name(taken=(first, second))
    assert len({first, second, third}) == 3
    assert third.endswith("-2.jpg")


def test_long_phrases_are_cut_between_words() -> None:
    words = "-".join(itertools.repeat("word", 40))
    assert name(words).removesuffix(".jpg").endswith("-word")


def test_a_pick_names_ranks_and_stretches_of_them() -> None:
    assert parse_ranks("1,3", 5) == (1, 3)
    assert parse_ranks(" 2-4, 1 ,3", 5) == (2, 3, 4, 1)
    assert parse_ranks([3, 1, 3], 5) == (3, 1)
    assert parse_ranks(None, 3) == (1, 2, 3)
    assert parse_ranks(None, 0) == ()


@pytest.mark.parametrize("pick", ["6", "0", "4-6", [-1], "1,99999"])
def test_a_rank_that_is_not_there_is_named(pick: str | list[int]) -> None:
    with pytest.raises(WrongPickError, match="there are 1 to 5"):
        parse_ranks(pick, 5)


@pytest.mark.parametrize("pick", ["", "a", "1,,2", "3-1", "1.5", "-2", "1-2-3", "²", "999999999999"])
def test_what_is_no_pick_is_said_to_be_none(pick: str) -> None:
    with pytest.raises(WrongPickError, match="1,3 or 2-4"):
        parse_ranks(pick, 5)


@pytest.mark.parametrize("pick", [None, "1-21", "1-999999999", list(range(1, 22))])
def test_more_than_twenty_are_refused_with_the_reason(pick: str | list[int] | None) -> None:
    with pytest.raises(WrongPickError, match="forbid"):
        parse_ranks(pick, 50)
    assert len(parse_ranks("31-50", 50)) == 20
