"""Every filter means the same everywhere: it is decided here, from a candidate's own facts."""

import random
import unicodedata
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from retriever import Candidate, Filters
from retriever.errors import WrongParameterError
from retriever.filtering import CHECKS, RightsFilter, fits, unhonoured_message
from retriever.filters import COLOURS, MEDIA_TYPES, ORIENTATIONS, USES
from retriever.testing import made_candidate

PLAIN = made_candidate(source="stock", size=(3000, 2000), tags=("boat",), creator="somebody")
NO_WISH: dict[str, Any] = {"media_type": "all", "safe_search": False}


def verdict(name: str, facts: dict[str, Any], wish: Any) -> bool | None:
    return CHECKS[name](replace(PLAIN, **facts), Filters(**NO_WISH | {name: wish}))


def made(chance: random.Random) -> Candidate:
    """A candidate of any facts, known or not."""
    day = date(2024, 1, 1)
    days = [None, *(day + timedelta(days=number) for number in range(-3, 4))]
    flags = [None, True, False]
    return replace(
        PLAIN,
        width=chance.choice([0, 1, 97, 100, 103, 1600, 1778]),
        height=chance.choice([0, 1, 97, 100, 103, 900, 1000]),
        media_type=chance.choice(["", *MEDIA_TYPES[1:]]),
        creator=chance.choice(["", "somebody", "Somebody ", "else"]),
        commercial_use=chance.choice(flags),
        modification=chance.choice(flags),
        taken_on=chance.choice(days),
        uploaded_on=chance.choice(days),
        colours=tuple(chance.sample(COLOURS, chance.randrange(3))),
        ai_generated=chance.choice(flags),
        g_rated=chance.choice(flags),
    )


WISHES: dict[str, list[Any]] = {
    "media_type": list(MEDIA_TYPES[1:]),
    "orientation": list(ORIENTATIONS[1:]),
    "aspect_ratio": [1.0, 16 / 9, 0.97],
    "min_width": [1, 100, 1601],
    "min_height": [1, 100, 901],
    "colours": [("red",), ("red", "black")],
    "licence": [("commercial",), ("modification",), USES],
    "since": [date(2024, 1, 1)],
    "until": [date(2024, 1, 1)],
    "exclude_ai": [True],
    "safe_search": [True],
    "creator": ["somebody"],
}


def test_every_check_is_of_a_filter_that_can_be_wished_for() -> None:
    assert set(WISHES) == set(CHECKS)
    for name, wishes in WISHES.items():
        for wish in wishes:
            assert Filters(**NO_WISH | {name: wish}).wishes() == {name}


@pytest.mark.parametrize("name", WISHES)
def test_what_the_facts_say_decides_and_who_was_asked_only_where_they_do_not(name: str) -> None:
    chance = random.Random(f"facts of {name}")
    seen = set()
    for _ in range(300):
        candidate, wish = made(chance), chance.choice(WISHES[name])
        filters = Filters(**NO_WISH | {name: wish})
        says = CHECKS[name](candidate, filters)
        seen.add(says)
        fit = {
            "asked": fits(candidate, filters, asked={name}, told=()),
            "told": fits(candidate, filters, asked=(), told={name}),
            "both": fits(candidate, filters, asked={name}, told={name}),
            "neither": fits(candidate, filters, asked=(), told=()),
        }
        if says is None:
            assert fit == {"asked": True, "told": False, "both": True, "neither": True}
        else:
            assert set(fit.values()) == {says}
    assert seen == {True, False, None}


def test_several_filters_leave_over_what_each_of_them_does() -> None:
    chance = random.Random("several")
    fitting = 0
    for _ in range(2000):
        candidate = made(chance)
        chosen = {name: chance.choice(WISHES[name]) for name in chance.sample(sorted(WISHES), 2)}
        asked = frozenset(name for name in chosen if chance.random() < 0.5)
        told = frozenset(name for name in chosen if chance.random() < 0.5)
        together = fits(candidate, Filters(**NO_WISH | chosen), asked=asked, told=told)
        each = [
            fits(candidate, Filters(**NO_WISH | {name: wish}), asked=asked, told=told) for name, wish in chosen.items()
        ]
        assert together == all(each)
        fitting += together
    assert 100 < fitting < 1900


def test_without_a_wish_everything_fits_whoever_tells_what() -> None:
    chance = random.Random("no wish")
    for _ in range(200):
        assert fits(made(chance), Filters(**NO_WISH), asked=(), told=CHECKS)


@pytest.mark.parametrize(
    ("width", "height", "ways"),
    [
        (100, 100, {"square"}),
        (103, 100, {"square", "horizontal"}),
        (100, 103, {"square", "vertical"}),
        (1031, 1000, {"horizontal"}),
        (1000, 1031, {"vertical"}),
        (100, 97, {"horizontal"}),
        (97, 100, {"vertical"}),
        (1, 1, {"square"}),
        (100_000, 1, {"horizontal"}),
    ],
)
def test_a_square_is_equal_within_three_percent_whichever_way_it_is_turned(
    width: int, height: int, ways: set[str]
) -> None:
    facts = {"width": width, "height": height}
    assert {way for way in ORIENTATIONS[1:] if verdict("orientation", facts, way)} == ways


@pytest.mark.parametrize(
    ("width", "height", "ratio", "met"),
    [
        (1600, 900, 16 / 9, True),
        (1600, 900, 1.78, True),
        (1600, 900, 9 / 16, False),
        (900, 1600, 9 / 16, True),
        (103, 100, 1, True),
        (100, 103, 1, True),
        (1031, 1000, 1, False),
        (2060, 1000, 2, True),
        (2061, 1000, 2, False),
        (1000, 515, 2, True),
        (1000, 516, 2, False),
        (4000, 3000, 3 / 2, False),
    ],
)
def test_an_aspect_ratio_is_met_within_three_percent(width: int, height: int, ratio: float, met: bool) -> None:
    assert verdict("aspect_ratio", {"width": width, "height": height}, ratio) is met


def test_a_picture_turned_by_90_degrees_meets_the_ratio_turned() -> None:
    chance = random.Random("turned")
    for _ in range(2000):
        width, height = chance.randint(1, 5000), chance.randint(1, 5000)
        ratio = width / height * chance.uniform(0.95, 1.05)
        if not 0.02 < ratio < 50:
            continue
        upright = verdict("aspect_ratio", {"width": width, "height": height}, ratio)
        assert upright == verdict("aspect_ratio", {"width": height, "height": width}, 1 / ratio)


@pytest.mark.parametrize(("width", "height"), [(0, 100), (100, 0), (0, 0)])
def test_of_a_size_that_is_not_known_nothing_is_said(width: int, height: int) -> None:
    facts = {"width": width, "height": height}
    for way in ORIENTATIONS[1:]:
        assert verdict("orientation", facts, way) is None
    assert verdict("aspect_ratio", facts, 1.5) is None
    assert verdict("min_width", facts, 50) is (True if width else None)
    assert verdict("min_height", facts, 50) is (True if height else None)


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_minimum_size_includes_itself(side: str) -> None:
    assert [verdict(f"min_{side}", {side: pixels}, 1000) for pixels in (999, 1000, 1001)] == [False, True, True]


@pytest.mark.parametrize(
    ("media_type", "wanted", "says"),
    [
        ("photo", "photo", True),
        ("vector", "illustration", False),
        ("video", "photo", False),
        ("video", "video", True),
        ("", "photo", None),
    ],
)
def test_the_kind_is_the_one_wanted(media_type: str, wanted: str, says: bool | None) -> None:
    assert verdict("media_type", {"media_type": media_type}, wanted) is says


@pytest.mark.parametrize(
    ("colours", "says"), [((), None), (("red",), True), (("blue", "black"), True), (("blue", "green"), False)]
)
def test_one_of_the_colours_is_enough(colours: tuple[str, ...], says: bool | None) -> None:
    assert verdict("colours", {"colours": colours}, ("red", "black")) is says


@pytest.mark.parametrize(
    ("commercial", "modification", "says"),
    [
        (True, True, True),
        (True, False, False),
        (False, True, False),
        (None, False, False),
        (False, None, False),
        (True, None, None),
        (None, True, None),
        (None, None, None),
    ],
)
def test_commercial_use_and_modification_together_need_both(
    commercial: bool | None, modification: bool | None, says: bool | None
) -> None:
    facts = {"commercial_use": commercial, "modification": modification}
    assert verdict("licence", facts, ("commercial", "modification")) is says
    assert verdict("licence", facts, ("commercial",)) is commercial
    assert verdict("licence", facts, ("modification",)) is modification


DAY = date(2024, 5, 1)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)


def test_since_and_until_include_their_day() -> None:
    assert [verdict("since", {"taken_on": day}, DAY) for day in (BEFORE, DAY, AFTER)] == [False, True, True]
    assert [verdict("until", {"taken_on": day}, DAY) for day in (BEFORE, DAY, AFTER)] == [True, True, False]


def test_the_day_of_taking_counts_before_that_of_uploading() -> None:
    old_but_uploaded_late = {"taken_on": BEFORE, "uploaded_on": AFTER}
    assert verdict("since", old_but_uploaded_late, DAY) is False
    assert verdict("until", old_but_uploaded_late, DAY) is True
    only_uploaded = {"taken_on": None, "uploaded_on": AFTER}
    assert verdict("since", only_uploaded, DAY) is True
    assert verdict("until", only_uploaded, DAY) is False
    assert verdict("since", {}, DAY) is verdict("until", {}, DAY) is None


def test_one_day_may_be_asked_for() -> None:
    filters = Filters(**NO_WISH, since=DAY, until=DAY)
    fitting = [
        day for day in (BEFORE, DAY, AFTER) if fits(replace(PLAIN, taken_on=day), filters, asked=(), told=CHECKS)
    ]
    assert fitting == [DAY]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("somebody", "SomeBody"),
        ("  somebody\t", "somebody "),
        ("Ann  Other", "ann other"),
        ("Straße", "STRASSE"),
        ("ΌΔΟΣ", "όδος"),
        ("Łukasz", "łUKASZ"),
        ("李明", "李明"),
        ("سمير", " سمير"),
        (unicodedata.normalize("NFD", "Zoë Nováková"), unicodedata.normalize("NFC", "ZOË NOVÁKOVÁ")),
        (unicodedata.normalize("NFC", "ŰRHAJÓS"), unicodedata.normalize("NFD", "űrhajós")),
        ("각", unicodedata.normalize("NFD", "각")),
    ],
)
def test_a_creator_is_the_same_however_the_name_is_spelled(name: str, wanted: str) -> None:
    assert verdict("creator", {"creator": name}, wanted) is True
    assert verdict("creator", {"creator": wanted}, name) is True


@pytest.mark.parametrize(
    ("name", "says"), [("some", False), ("somebody else", False), ("sömebody", False), ("", None), (" \t", None)]
)
def test_a_creator_is_the_whole_name(name: str, says: bool | None) -> None:
    assert verdict("creator", {"creator": name}, "somebody") is says


@pytest.mark.parametrize(("marked", "says"), [(True, False), (False, True), (None, None)])
def test_what_is_marked_as_ai_generated_is_left_out(marked: bool | None, says: bool | None) -> None:
    assert verdict("exclude_ai", {"ai_generated": marked}, True) is says


@pytest.mark.parametrize("rated", [True, False, None])
def test_fit_for_all_ages_is_what_is_rated_so(rated: bool | None) -> None:
    assert verdict("safe_search", {"g_rated": rated}, True) is rated


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"media_type": "film"}, "all, photo, illustration, vector, video"),
        ({"orientation": "tall"}, "all, horizontal, vertical, square"),
        ({"order": "best"}, "popular, latest"),
        ({"colours": ("red", "mauve")}, "'mauve' is not known; allowed: grayscale"),
        ({"colours": "mauve"}, "'mauve' is not known"),
        ({"licence": ("free",)}, "'free' is not known; allowed: commercial, modification, any"),
        ({"min_width": -1}, "min_width -1"),
        ({"min_height": True}, "min_height True"),
        ({"exclude_ai": "yes"}, "exclude_ai 'yes' is not known; allowed: True, False"),
        ({"safe_search": None}, "safe_search None"),
        ({"editors_choice": 1}, "editors_choice 1"),
        ({"aspect_ratio": 0}, "aspect ratio 0 is out of range; allowed: 0.01 to 100"),
        ({"aspect_ratio": -1.5}, "aspect ratio -1.5"),
        ({"aspect_ratio": float("nan")}, "aspect ratio nan"),
        ({"aspect_ratio": float("inf")}, "aspect ratio inf"),
        ({"aspect_ratio": "16:9"}, "aspect ratio '16:9'"),
        ({"aspect_ratio": True}, "aspect ratio True"),
        ({"since": "2024-05-01"}, "since '2024-05-01' is not a day"),
        ({"until": datetime(2024, 5, 1, 12, 0)}, r"until datetime.*give a datetime\.date"),
        ({"since": AFTER, "until": DAY}, "since 2024-05-02 lies after until 2024-05-01"),
        ({"creator": " \t"}, "creator is empty"),
        ({"creator": 7}, "creator is empty"),
    ],
)
def test_a_wrong_wish_is_refused_at_once_with_what_is_allowed(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongParameterError, match=words):
        Filters(**wrong)


def test_filters_that_mean_the_same_are_equal() -> None:
    lists: dict[str, Any] = {"colours": ["red", "black", "red"], "licence": "commercial"}
    same = Filters(colours=("red", "black"), licence=("commercial",))
    assert Filters(**lists) == same
    assert hash(Filters(**lists)) == hash(same)


def test_language_and_order_are_no_wishes_and_what_holds_by_default_is_asked_for_by_nobody() -> None:
    plain = Filters(language="de", order="latest")
    assert plain.wishes() == {"media_type", "safe_search"}
    assert plain.asked_for() == frozenset()
    assert Filters(media_type="vector", safe_search=False).asked_for() == {"media_type"}
    assert Filters(media_type="all").asked_for() == frozenset()
    assert Filters(since=DAY, until=DAY).asked_for() == {"since", "until"}


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({}, ""),
        ({"order": "latest", "language": "de"}, ""),
        ({"media_type": "all", "safe_search": False}, ""),
        ({"colours": ("red",)}, "Stock cannot filter by colour; that wish is not applied to its pictures"),
        ({"media_type": "vector"}, "Stock cannot filter by kind of picture; that wish is not applied to its pictures"),
        (
            {"since": DAY, "until": DAY, "min_width": 5, "min_height": 5},
            "Stock cannot filter by size and date; those wishes are not applied to its pictures",
        ),
        (
            {"creator": "somebody", "colours": ("red",), "exclude_ai": True},
            "Stock cannot filter by colour, AI generation and creator; those wishes are not applied to its pictures",
        ),
    ],
)
def test_what_a_source_passes_over_is_said_in_one_line_where_it_was_asked_for(
    wishes: dict[str, Any], message: str
) -> None:
    filters = Filters(**wishes)
    assert unhonoured_message("Stock", filters.wishes(), filters) == message


def test_what_a_source_honours_is_not_said() -> None:
    filters = Filters(colours=("red",), creator="somebody")
    assert unhonoured_message("Stock", {"creator"}, filters).startswith("Stock cannot filter by creator;")
    assert unhonoured_message("Stock", (), filters) == ""


def test_there_are_words_for_every_filter() -> None:
    every: dict[str, Any] = {name: wishes[0] for name, wishes in WISHES.items() if name not in {"safe_search"}}
    for name, wish in (every | {"category": "animals", "editors_choice": True, "media_type": "vector"}).items():
        filters = Filters(**{name: wish})
        assert unhonoured_message("Stock", {name}, filters), name


def test_pictures_left_out_for_an_unknown_licence_are_counted_and_said() -> None:
    wanted = RightsFilter("Stock", asked={"licence"}, told=())
    filters = Filters(**NO_WISH | {"licence": ("commercial",), "creator": "somebody"})
    unknown = replace(PLAIN, creator="Somebody", commercial_use=None)
    assert wanted.fits(replace(unknown, commercial_use=True), filters)
    assert not wanted.fits(replace(unknown, commercial_use=False), filters)
    assert not wanted.fits(unknown, filters)
    assert not wanted.fits(unknown, filters), "the same picture, found by another tag"
    assert not wanted.fits(replace(unknown, creator="Another", id="2"), filters), "that one does not fit anyway"
    notices: list[str] = []
    wanted.say_what_is_unknown(notices.append)
    assert notices == [
        "Stock: left out 1 picture that may be free for commercial use or not: no licence that is known says so"
    ]
