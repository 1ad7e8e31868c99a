"""Each documented parameter reaches the server; a wrong value is refused and nothing is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from retriever import Filters, PixabayRetriever
from retriever.errors import WrongParameterError
from retriever.filters import COLOURS, ORDERS
from retriever.pixabay import PixabayRequest
from retriever.pixabay.request import CATEGORIES, LANGUAGES, MEDIA_TYPES, ORIENTATIONS
from tests.servers import KEY, ScriptedServer, hit, of_hits, stock_of

Connect = Callable[..., PixabayRetriever]


@pytest.fixture
def ask(api: ScriptedServer, connect: Connect) -> Callable[..., dict[str, str]]:
    """Asks the server for a tag under filters and gives the query that reached it."""
    api.otherwise = lambda asked: of_hits([])
    retriever = connect(api)

    def query(tag: str = "boat", **filters: Any) -> dict[str, str]:
        list(retriever.retrieve(tag, filters=Filters(**filters)))
        return api.asked[-1].query

    return query


Ask = Callable[..., dict[str, str]]


def test_a_plain_search_asks_for_safe_photos_in_english_with_the_key(ask: Ask) -> None:
    assert ask("boat") == {
        "q": "boat",
        "lang": "en",
        "image_type": "photo",
        "orientation": "all",
        "safesearch": "true",
        "order": "popular",
        "page": "1",
        "per_page": "200",
        "key": KEY,
    }


@pytest.mark.parametrize(
    ("filters", "parameter", "value"),
    [
        *[({"language": language}, "lang", language) for language in LANGUAGES],
        *[({"media_type": media_type}, "image_type", media_type) for media_type in MEDIA_TYPES],
        *[({"orientation": orientation}, "orientation", orientation) for orientation in ORIENTATIONS],
        *[({"category": category}, "category", category) for category in CATEGORIES],
        *[({"colours": (colour,)}, "colors", colour) for colour in COLOURS],
        *[({"order": order}, "order", order) for order in ORDERS],
        ({"colours": ("red", "black")}, "colors", "red,black"),
        ({"min_width": 1200}, "min_width", "1200"),
        ({"min_height": 800}, "min_height", "800"),
        ({"editors_choice": True}, "editors_choice", "true"),
        ({"safe_search": False}, "safesearch", "false"),
    ],
)
def test_a_filter_reaches_the_server_under_its_documented_name(
    filters: dict[str, Any], parameter: str, value: str, ask: Ask
) -> None:
    assert ask(**filters)[parameter] == value


def test_the_documented_values_are_all_there() -> None:
    assert (len(LANGUAGES), len(CATEGORIES), len(COLOURS)) == (26, 20, 14)
    assert len(set(LANGUAGES)) == 26
    assert MEDIA_TYPES == ("all", "photo", "illustration", "vector")


@pytest.mark.parametrize(
    ("filters", "allowed"),
    [
        ({"language": "tlh"}, LANGUAGES),
        ({"language": "EN"}, LANGUAGES),
        ({"media_type": "film"}, MEDIA_TYPES),
        ({"orientation": "tall"}, ORIENTATIONS),
        ({"category": "tigers"}, CATEGORIES),
        ({"colours": ("red", "mauve")}, COLOURS),
        ({"order": "best"}, ORDERS),
        ({"min_width": -1}, ("whole numbers from 0",)),
        ({"min_height": 1.5}, ("whole numbers from 0",)),
        ({"min_width": "1200"}, ("whole numbers from 0",)),
        ({"min_width": True}, ("whole numbers from 0",)),
        ({"editors_choice": "yes"}, ("True", "False")),
        ({"safe_search": None}, ("True", "False")),
    ],
)
def test_a_wrong_value_is_refused_with_the_allowed_ones_and_nothing_is_sent(
    filters: dict[str, Any], allowed: tuple[str, ...], ask: Ask, api: ScriptedServer
) -> None:
    with pytest.raises(WrongParameterError) as caught:
        ask(**filters)
    for value in allowed:
        assert value in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert api.asked == []


def test_squares_which_pixabay_cannot_be_asked_for_are_picked_from_its_answers(
    api: ScriptedServer, connect: Connect
) -> None:
    sizes = {1: (3000, 2000), 2: (2000, 2000), 3: (2060, 2000), 4: (2000, 3000)}
    api.otherwise = stock_of([hit(number, imageWidth=w, imageHeight=h) for number, (w, h) in sizes.items()])
    found = connect(api).retrieve("boat", filters=Filters(orientation="square"))
    assert [candidate.id for candidate in found] == ["2", "3"]
    assert api.asked[0].query["orientation"] == "all"


@pytest.mark.parametrize("per_page", [1, 2, 201, 0, -3, True])
def test_a_page_size_outside_3_to_200_is_refused(per_page: int) -> None:
    with pytest.raises(WrongParameterError, match="allowed: 3 to 200"):
        PixabayRequest(per_page=per_page)


@pytest.mark.parametrize(("parameter", "value"), [("page", 0), ("id", 0), ("id", "x"), ("page", "2")])
def test_a_page_or_an_id_that_is_no_number_is_refused(parameter: str, value: Any) -> None:
    with pytest.raises(WrongParameterError, match="whole numbers from 1"):
        PixabayRequest(**{parameter: value})


def test_a_tag_of_100_characters_is_sent(ask: Ask) -> None:
    assert ask("b" * 100)["q"] == "b" * 100


def test_a_tag_of_101_characters_is_refused(ask: Ask, api: ScriptedServer) -> None:
    with pytest.raises(WrongParameterError, match="101 characters and Pixabay takes at most 100"):
        ask("b" * 101)
    assert api.asked == []


@pytest.mark.parametrize("tag", ["", " ", "\t\n", "\u3000"])
def test_an_empty_tag_is_refused(tag: str, ask: Ask, api: ScriptedServer) -> None:
    with pytest.raises(WrongParameterError, match="the tag is empty"):
        ask(tag)
    assert api.asked == []


@pytest.mark.parametrize("tag", ["boat\x00", "\x1b[31mboat", "bo\x7fat", "bo\ud800at"])
def test_a_tag_with_control_characters_is_refused(tag: str, ask: Ask, api: ScriptedServer) -> None:
    with pytest.raises(WrongParameterError, match="control characters"):
        ask(tag)
    assert api.asked == []


@pytest.mark.parametrize(
    ("tag", "sent"),
    [
        ("  red \t boat\n", "red boat"),
        ("boat&key=other", "boat&key=other"),
        ("salt + pepper = 100 %", "salt + pepper = 100 %"),
        ("Möwe", "Möwe"),
        ("虎", "虎"),
        ("\u202ebo\u00adat\u200b", "boat"),
        ("cafe\u0301", "café"),
        ("خانه\u200cها", "خانه\u200cها"),
        ("#boat?", "#boat?"),
    ],
)
def test_a_tag_arrives_as_it_was_meant(tag: str, sent: str, ask: Ask) -> None:
    query = ask(tag)
    assert query["q"] == sent
    assert query["key"] == KEY


def test_the_program_says_who_it_is(ask: Ask, api: ScriptedServer) -> None:
    ask()
    assert api.asked[0].headers["User-Agent"] == "phrasepix-tests"


def test_the_address_may_come_from_the_environment(
    api: ScriptedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.otherwise = lambda asked: of_hits([])
    monkeypatch.setenv("PIXABAY_API_URL", api.url)
    retriever = connect(api, base_url=None)
    list(retriever.retrieve("boat"))
    assert len(api.asked) == 1
    assert retriever.on_loopback


def test_without_any_address_it_is_pixabay_itself(connect: Connect, api: ScriptedServer) -> None:
    retriever = connect(api, base_url=None)
    assert retriever.base_url == "https://pixabay.com/api/"
    assert not retriever.on_loopback
