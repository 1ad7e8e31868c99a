"""Pexels in particular: what is asked, what comes of its photos, and how it refuses."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from phrasepix.sources.registry import source_named
from retriever import Candidate, Filters, Rendition, RetrieverError
from retriever.api.json_fields import UnusableHitError
from retriever.errors import KeyMissingError, KeyRefusedError, RateLimitError, SourceAnswerError, WrongParameterError
from retriever.pexels import PEXELS, SOURCE
from retriever.pexels.hits import candidate_from_photo
from retriever.profile import Hotlinking
from retriever.source import Opening
from tests.servers import KEY, QUICK, Asked, Step, as_json, plain
from tests.source_servers.base import Picture
from tests.source_servers.pexels import PexelsServer, photo

FILE = "https://images.example/1.jpeg"
FITTED = f"{FILE}?auto=compress&cs=tinysrgb"
HOURLY = replace(QUICK, window_s=60 * 60)


@pytest.fixture
def server() -> Iterator[PexelsServer]:
    with PexelsServer() as server:
        server.hold(Picture(number=1), Picture(number=2))
        yield server


def asked(server: PexelsServer, tag: str = "boat", **filters: Any) -> Asked:
    with server.connect() as retriever:
        list(retriever.retrieve(tag, limit=5, filters=Filters(**filters)))
    return server.asked[-1]


def made_of(found: object) -> Candidate:
    return candidate_from_photo(found, PEXELS, "boat")


def test_a_photo_becomes_a_candidate() -> None:
    assert made_of(photo(7)) == Candidate(
        source="pexels",
        id="7",
        page_url="https://photos.example/photo/a-boat-at-night-7/",
        renditions=(
            Rendition(f"{FITTED}&h=130", 195, 130),
            Rendition(f"{FITTED}&h=350", 525, 350),
            Rendition(f"{FITTED}&h=650&w=940", 940, 627),
            Rendition(f"{FITTED}&dpr=2&h=650&w=940", 1880, 1253),
            Rendition(FILE, 3000, 2000),
        ),
        width=3000,
        height=2000,
        media_type="photo",
        tags=(),
        creator="somebody",
        creator_url="https://photos.example/@somebody",
        licence="Pexels License",
        licence_url="https://www.pexels.com/license/",
        credit="Photo by somebody on Pexels",
        found_by="boat",
        title="A boat at night.",
        commercial_use=True,
        modification=True,
        credit_owed=False,
    )


@pytest.mark.parametrize(
    ("width", "height", "sizes"),
    [
        (2000, 3000, [(87, 130), (233, 350), (433, 650), (867, 1300), (2000, 3000)]),
        (6000, 1000, [(780, 130), (940, 157), (1880, 313), (2100, 350), (6000, 1000)]),
        (300, 200, [(195, 130), (300, 200), (300, 200), (300, 200), (300, 200)]),
    ],
)
def test_the_files_are_as_large_as_their_bounds_make_them(
    width: int, height: int, sizes: list[tuple[int, int]]
) -> None:
    found = made_of(photo(1, width=width, height=height)).renditions
    assert [(one.width, one.height) for one in found] == sizes
    assert all(one.as_given for one in found)
    assert found[-1].url == FILE


def test_a_cropped_file_is_never_taken_for_the_picture() -> None:
    assert not any("crop" in one.url for one in made_of(photo(1)).renditions)
    crops = {name: url for name, url in photo(1)["src"].items() if "crop" in url}
    assert len(crops) == 3
    with pytest.raises(UnusableHitError, match="no picture URL"):
        made_of(photo(1, src=crops))


ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an alt that is null": (photo(1, alt=None), {"title": "", "tags": ()}),
    "an alt that steers a terminal": (photo(1, alt="a\x1b[2J boat\ud83d"), {"title": "a [2J boat"}),
    "no photographer": (
        photo(1, photographer="", photographer_url=None),
        {"creator": "", "creator_url": "", "credit": "Photo by an unnamed creator on Pexels"},
    ),
    "a photographer with braces": (photo(1, photographer="{creator}"), {"credit": "Photo by {creator} on Pexels"}),
    "a page that is a script": (photo(1, url="javascript:alert(1)"), {"page_url": ""}),
    "an average colour": (photo(1, avg_color="#ff0000"), {"colours": ()}),
    "an id that is a text": (photo(1, id=" 77 "), {"id": "77"}),
    "one file": (photo(1, src={"original": FILE}), {"renditions": (Rendition(FILE, 3000, 2000),)}),
    "keys of tomorrow": (photo(1, ai=[0.5], src={"original": FILE, "huge": "x"}), {"id": "1"}),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_photo_comes_out_right(odd: str) -> None:
    found, expected = ODD[odd]
    candidate = made_of(found)
    assert {name: getattr(candidate, name) for name in expected} == expected
    json.dumps(repr(candidate)).encode("utf-8")


@pytest.mark.parametrize(
    "odd",
    [
        photo(1, id=None),
        photo(1, id=True),
        photo(1, src=None),
        photo(1, src="https://x.example/"),
        photo(1, src={"original": "file:///etc/passwd"}),
        photo(1, width=None),
        photo(1, height=0),
        photo(1, width="3000"),
        [photo(1)],
        "a photo",
        None,
    ],
)
def test_a_photo_of_no_use_is_refused_with_a_reason(odd: object) -> None:
    with pytest.raises(UnusableHitError, match=r"^it (is not an object|has no (id|size|picture URL))$"):
        made_of(odd)


def test_the_key_stands_in_the_header_alone_and_somebody_asks(server: PexelsServer) -> None:
    request = asked(server)
    assert request.headers["Authorization"] == KEY
    assert "phrasepix" in request.headers["User-Agent"]
    assert KEY not in json.dumps(request.query)


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({}, {"query": "boat", "locale": "en-US", "page": "1", "per_page": "5"}),
        ({"orientation": "horizontal"}, {"orientation": "landscape"}),
        ({"orientation": "vertical"}, {"orientation": "portrait"}),
        ({"orientation": "square"}, {"orientation": "square"}),
        ({"colours": ("lilac",)}, {"color": "violet"}),
        ({"colours": ("turquoise",)}, {"color": "turquoise"}),
        ({"language": "de"}, {"locale": "de-DE"}),
        ({"language": "no"}, {"locale": "nb-NO"}),
        ({"min_width": 6000, "min_height": 4000}, {"size": "large"}),
        ({"min_width": 4000, "min_height": 3000}, {"size": "medium"}),
        ({"min_width": 2000, "min_height": 2000}, {"size": "small"}),
    ],
)
def test_filters_are_asked_for_in_its_words(
    filters: dict[str, Any], query: dict[str, str], server: PexelsServer
) -> None:
    assert query.items() <= asked(server, **filters).query.items()


@pytest.mark.parametrize(
    ("filters", "parameter"),
    [
        ({"min_width": 1999, "min_height": 2000}, "size"),
        ({"min_width": 3000}, "size"),
        ({"colours": ("grayscale",)}, "color"),
        ({"colours": ("red", "blue")}, "color"),
        ({}, "orientation"),
    ],
)
def test_what_it_has_no_word_for_is_not_asked_for(
    filters: dict[str, Any], parameter: str, server: PexelsServer
) -> None:
    assert parameter not in asked(server, **filters).query


def test_a_colour_it_cannot_be_asked_for_is_not_said_to_be_honoured(server: PexelsServer) -> None:
    with server.connect() as retriever:
        unhonoured = {
            colours: "colours" in retriever.unhonoured(Filters(colours=colours))
            for colours in [("red",), ("transparent",), ("red", "blue")]
        }
        assert unhonoured == {("red",): False, ("transparent",): True, ("red", "blue"): True}
        assert {"safe_search", "since", "exclude_ai"} <= retriever.unhonoured(
            Filters(since=Picture(number=1).taken_on, exclude_ai=True)
        )


def test_too_small_a_photo_is_left_out_whatever_size_was_asked_for(server: PexelsServer) -> None:
    server.hold(Picture(number=1, width=2000, height=4000), Picture(number=2, width=4000, height=2000))
    with server.connect() as retriever:
        found = retriever.retrieve("boat", filters=Filters(min_width=3000, min_height=1400))
        assert [one.id for one in found] == ["2"]


@pytest.mark.parametrize(
    ("tag", "filters", "words"),
    [
        ("boat", Filters(media_type="vector"), "allowed: all, photo"),
        ("boat", Filters(language="xx"), "allowed: en, pt"),
        ("bo\x00at", Filters(), "control characters"),
    ],
)
def test_what_it_does_not_take_is_refused_before_anything_is_sent(
    tag: str, filters: Filters, words: str, server: PexelsServer
) -> None:
    with server.connect() as retriever, pytest.raises(WrongParameterError, match=words):
        retriever.retrieve(tag, filters=filters)
    assert server.asked == []


@dataclass(frozen=True)
class Fault:
    """An answer, what must come of it at once, and words of the message."""

    says: str
    step: Step
    error: type[RetrieverError]
    words: tuple[str, ...]
    tries: int = 1


FAULTS = [
    Fault(
        "a bad key is a 401",
        Step(401, b'{"status": 401, "code": "Unauthorized"}'),
        KeyRefusedError,
        ("Pexels does not accept the API key", "https://www.pexels.com/api/key/"),
    ),
    Fault(
        "a key without the right is a 403 that names the API",
        Step(403, b'{"error": "Access to this API has been disallowed"}'),
        KeyRefusedError,
        ("does not accept the API key",),
    ),
    Fault(
        "a 403 of the site's guard is none of the key's", plain(403, "error code: 1010"), SourceAnswerError, ("1010",)
    ),
    Fault(
        "a 429 without a pause is the hour's",
        plain(429, "Too many requests"),
        RateLimitError,
        ("Too many requests", "in at most 60 minutes"),
    ),
    Fault(
        "a 429 whose reset is the month's, of which there is enough, is the hour's",
        plain(429, "slow", X_Ratelimit_Remaining="19000", X_Ratelimit_Reset=str(int(time.time()) + 9 * 86400)),
        RateLimitError,
        ("in at most 60 minutes",),
    ),
    Fault(
        "a 429 with a Retry-After says when",
        plain(429, "slow", Retry_After="1800"),
        RateLimitError,
        ("in 1800 s",),
    ),
    Fault("a page of HTML is no answer", Step(200, b"<html>wait</html>"), SourceAnswerError, ("not a JSON answer",)),
    Fault("an answer without photos is none", as_json({"videos": []}), SourceAnswerError, ("JSON without hits",)),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_fault_ends_as_the_table_says(fault: Fault, server: PexelsServer) -> None:
    server.play(fault.step)
    with server.connect(policy=HOURLY) as retriever, pytest.raises(fault.error) as caught:
        list(retriever.retrieve("boat"))
    assert type(caught.value) is fault.error
    for words in fault.words:
        assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.asked) == fault.tries


def test_a_retriever_of_the_source_knows_the_hour(server: PexelsServer) -> None:
    server.play(plain(429, "slow"))
    opened = SOURCE.open(Opening(key=KEY, base_url=server.api_url))
    with opened as retriever, pytest.raises(RateLimitError, match="in at most 60 minutes"):
        list(retriever.retrieve("boat", limit=1, filters=Filters()))
    assert len(server.asked) == 1


def test_a_month_that_is_spent_is_said_before_another_request(server: PexelsServer) -> None:
    reset = str(int(time.time()) + 5 * 86400)
    server.play(
        as_json({"photos": [photo(1)], "total_results": 99}, X_Ratelimit_Remaining="0", X_Ratelimit_Reset=reset)
    )
    with server.connect() as retriever:
        assert [one.id for one in retriever.retrieve("boat", limit=1)] == ["1"]
        with pytest.raises(RateLimitError, match=r"renewed in 43[12]\d{3} s"):
            list(retriever.retrieve("tiger", limit=1))
    assert len(server.asked) == 1


def test_a_photo_is_looked_up_by_its_number_and_only_so(server: PexelsServer) -> None:
    with server.connect() as retriever:
        found = retriever.look_up(2)
        assert found is not None
        assert (found.id, found.found_by) == ("2", "")
        assert retriever.look_up("3") is None
        asked_by_now = len(server.asked)
        assert retriever.look_up("../search") is None
        assert len(server.asked) == asked_by_now
        assert retriever.file_to_save(found) == found.renditions[-1]


def test_without_a_key_the_error_says_where_one_is_had_and_put(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_named("pexels")
    with pytest.raises(KeyMissingError) as caught, source.open(Opening()):
        pass
    for words in ("https://www.pexels.com/api/key/", "PEXELS_API_KEY", "pexels_api_key"):
        assert words in str(caught.value)
    monkeypatch.setenv("PEXELS_API_KEY", KEY)
    with source.open(Opening()) as retriever:
        assert retriever.name == "pexels"
        assert KEY not in repr(retriever)


def test_its_rules_stand_in_its_profile() -> None:
    assert (PEXELS.page_size, PEXELS.hotlinking, PEXELS.download_duty) == (80, Hotlinking.ALLOWED, "")
    assert "200 requests an hour" in PEXELS.rate_limit
    assert "Pexels" in PEXELS.mention
