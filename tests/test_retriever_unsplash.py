"""Unsplash in particular: what is asked, what comes of its photos, its refusals, and the news of a download."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from phrasepix.sources.registry import source_named
from retriever import Candidate, Filters, Rendition, RetrieverError
from retriever.api.json_fields import UnusableHitError
from retriever.errors import (
    AnswerNotKeptError,
    KeyMissingError,
    KeyRefusedError,
    RateLimitError,
    SourceAnswerError,
    WrongParameterError,
)
from retriever.profile import Hotlinking
from retriever.source import Opening
from retriever.unsplash import SOURCE, UNSPLASH
from retriever.unsplash.hits import candidate_from_photo
from tests.servers import KEY, QUICK, Asked, Step, as_json, plain
from tests.source_servers.base import Picture
from tests.source_servers.unsplash import IXID, REFERRAL, UnsplashServer, photo

FILE = "https://images.example/photo-1"
RAW = f"{FILE}?ixid={IXID}&ixlib=rb-4.0.3"
HOURLY = replace(QUICK, window_s=60 * 60)


@pytest.fixture
def server() -> Iterator[UnsplashServer]:
    with UnsplashServer() as server:
        server.hold(Picture(number=1), Picture(number=2))
        yield server


def asked(server: UnsplashServer, **filters: Any) -> Asked:
    with server.connect() as retriever:
        list(retriever.retrieve("boat", limit=5, filters=Filters(**filters)))
    return server.asked[-1]


def found_by(server: UnsplashServer, **filters: Any) -> list[str]:
    with server.connect() as retriever:
        return [one.id for one in retriever.retrieve("boat", filters=Filters(**filters))]


def made_of(found: object) -> Candidate:
    return candidate_from_photo(found, UNSPLASH, "boat")


def test_a_photo_becomes_a_candidate() -> None:
    assert made_of(photo("Xq_1")) == Candidate(
        source="unsplash",
        id="Xq_1",
        page_url=f"https://photos.example/photos/Xq_1?{REFERRAL}",
        renditions=(
            Rendition(f"{RAW}&q=80&fm=jpg&crop=entropy&cs=tinysrgb&w=200&fit=max", 200, 133),
            Rendition(f"{RAW}&q=80&fm=jpg&crop=entropy&cs=tinysrgb&w=400&fit=max", 400, 267),
            Rendition(f"{RAW}&w=640&fit=max&q=80&fm=jpg", 640, 427, as_given=False),
            Rendition(f"{RAW}&q=80&fm=jpg&crop=entropy&cs=tinysrgb&w=1080&fit=max", 1080, 720),
            Rendition(f"{RAW}&q=85&fm=jpg&crop=entropy&cs=srgb", 3000, 2000),
        ),
        width=3000,
        height=2000,
        media_type="photo",
        tags=("boat", "sea"),
        creator="somebody",
        creator_url=f"https://photos.example/@some.body?{REFERRAL}",
        licence="Unsplash License",
        licence_url="https://unsplash.com/license",
        credit="Photo by somebody on Unsplash",
        found_by="boat",
        title="a boat at night",
        commercial_use=True,
        modification=True,
        credit_owed=True,
        uploaded_on=date(2021, 6, 18),
        hotlink=True,
        download_location=f"https://api.example/photos/Xq_1/download?ixid={IXID}",
    )


def test_every_address_of_a_file_keeps_the_parameter_unsplash_counts_by() -> None:
    assert all(f"ixid={IXID}" in one.url for one in made_of(photo("Xq_1")).renditions)


def test_a_small_photo_has_no_larger_files_than_itself() -> None:
    small = made_of(photo("Xq_1", width=500, height=300))
    assert [(one.width, one.height) for one in small.renditions] == [(200, 120), (400, 240), (500, 300), (500, 300)]
    assert all(one.as_given for one in small.renditions)


ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a caption of its own": (photo("1", description="Night\nferry"), {"title": "Night ferry"}),
    "no caption at all": (photo("1", alt_description=None), {"title": ""}),
    "tags that are null": (photo("1", tags=None), {"tags": ()}),
    "odd tags": (photo("1", tags=[{"title": "a"}, "b", {"title": 3}, None, {"title": "a"}, {}]), {"tags": ("a",)}),
    "no day": (photo("1", created_at=None), {"uploaded_on": None}),
    "a day that is none": (photo("1", created_at="2021-02-31T00:00:00Z"), {"uploaded_on": None}),
    "a user that is null": (
        photo("1", user=None),
        {"creator": "", "creator_url": "", "credit": "Photo by an unnamed creator on Unsplash"},
    ),
    "a user without a name": (photo("1", user={"username": "me"}), {"creator": "me", "creator_url": ""}),
    "links that are null": (photo("1", links=None), {"page_url": "", "download_location": ""}),
    "a page that is a script": (photo("1", links={"html": "javascript:alert(1)"}), {"page_url": ""}),
    "a page with a query and a fragment": (
        photo("1", links={"html": "https://photos.example/p?a=1#top"}),
        {"page_url": f"https://photos.example/p?a=1&{REFERRAL}#top"},
    ),
    "a raw file alone, without a query": (
        photo("1", urls={"raw": FILE}),
        {
            "renditions": (
                Rendition(f"{FILE}?w=640&fit=max&q=80&fm=jpg", 640, 427, as_given=False),
                Rendition(FILE, 3000, 2000),
            )
        },
    ),
    "a full file alone": (photo("1", urls={"full": FILE}), {"renditions": (Rendition(FILE, 3000, 2000),)}),
    "a colour in numbers": (photo("1", color="#ff0000"), {"colours": ()}),
    "no promise of a plus": (photo("1", premium=False, plus=None), {"id": "1"}),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_photo_comes_out_right(odd: str) -> None:
    found, expected = ODD[odd]
    candidate = made_of(found)
    assert {name: getattr(candidate, name) for name in expected} == expected


@pytest.mark.parametrize(
    "odd",
    [
        photo("1", id=None),
        photo("  "),
        photo("1", urls=None),
        photo("1", urls={"small": "file:///etc/passwd", "small_s3": "https://x.example/1"}),
        photo("1", width=-1),
        photo("1", premium=True),
        photo("1", plus=True),
        [],
        7,
    ],
)
def test_a_photo_of_no_use_is_refused_with_a_reason(odd: object) -> None:
    reasons = r"^it (is not an object|has no (id|size|picture URL)|is of Unsplash\+, under another licence)$"
    with pytest.raises(UnusableHitError, match=reasons):
        made_of(odd)


def test_the_key_stands_in_the_header_alone(server: UnsplashServer) -> None:
    request = asked(server)
    assert request.headers["Authorization"] == f"Client-ID {KEY}"
    assert KEY not in json.dumps(request.query)


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        (
            {},
            {
                "query": "boat",
                "lang": "en",
                "content_filter": "high",
                "order_by": "relevant",
                "page": "1",
                "per_page": "5",
            },
        ),
        ({"safe_search": False}, {"content_filter": "low"}),
        ({"order": "latest"}, {"order_by": "latest"}),
        ({"orientation": "horizontal"}, {"orientation": "landscape"}),
        ({"orientation": "vertical"}, {"orientation": "portrait"}),
        ({"orientation": "square"}, {"orientation": "squarish"}),
        ({"colours": ("grayscale",)}, {"color": "black_and_white"}),
        ({"colours": ("turquoise",)}, {"color": "teal"}),
        ({"colours": ("lilac",)}, {"color": "purple"}),
        ({"colours": ("pink",)}, {"color": "magenta"}),
        ({"language": "de"}, {"lang": "de"}),
    ],
)
def test_filters_are_asked_for_in_its_words(
    filters: dict[str, Any], query: dict[str, str], server: UnsplashServer
) -> None:
    assert query.items() <= asked(server, **filters).query.items()


@pytest.mark.parametrize("colours", [("brown",), ("gray",), ("red", "blue")])
def test_a_colour_it_cannot_be_asked_for_is_not_said_to_be_honoured(
    colours: tuple[str, ...], server: UnsplashServer
) -> None:
    assert "color" not in asked(server, colours=colours).query
    with server.connect() as retriever:
        assert retriever.unhonoured(Filters(colours=colours)) == {"colours"}
        assert retriever.unhonoured(Filters(colours=colours[:1])) == (set() if colours[0] == "red" else {"colours"})
        assert found_by(server, colours=colours) == ["Xq_1-aB", "Xq_2-aB"]


def test_what_its_answers_tell_is_filtered_here(server: UnsplashServer) -> None:
    server.hold(
        Picture(number=1, width=1100, height=1000, uploaded_on=date(2019, 1, 1)),
        Picture(number=2, width=1010, height=1000, uploaded_on=date(2022, 1, 1), creator="Ann"),
    )
    assert found_by(server, orientation="square") == ["Xq_2-aB"]
    assert found_by(server, min_width=1050) == ["Xq_1-aB"]
    assert found_by(server, since=date(2020, 1, 1)) == ["Xq_2-aB"]
    assert found_by(server, until=date(2020, 1, 1)) == ["Xq_1-aB"]
    assert found_by(server, creator="ann") == ["Xq_2-aB"]
    assert found_by(server, aspect_ratio=1.1) == ["Xq_1-aB"]
    assert found_by(server, licence=("commercial", "modification")) == ["Xq_1-aB", "Xq_2-aB"]


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Filters(media_type="illustration"), "allowed: all, photo"),
        (Filters(language="english"), "allowed: af, ar"),
    ],
)
def test_what_it_does_not_take_is_refused_before_anything_is_sent(
    filters: Filters, words: str, server: UnsplashServer
) -> None:
    with server.connect() as retriever, pytest.raises(WrongParameterError, match=words):
        retriever.retrieve("boat", filters=filters)
    assert server.asked == []


@dataclass(frozen=True)
class Fault:
    """An answer, what must come of it at once, and words of the message."""

    says: str
    step: Step
    error: type[RetrieverError]
    words: tuple[str, ...]


BAD_KEY = b'{"errors": ["OAuth error: The access token is invalid"]}'

FAULTS = [
    Fault(
        "a bad key is a 401",
        Step(401, BAD_KEY),
        KeyRefusedError,
        ("Unsplash does not accept the API key", "https://unsplash.com/oauth/applications"),
    ),
    Fault("a bad key may be a 403", Step(403, BAD_KEY), KeyRefusedError, ("does not accept the API key",)),
    Fault(
        "a spent limit is a 403 in plain text",
        plain(403, "Rate Limit Exceeded", X_Ratelimit_Limit="50", X_Ratelimit_Remaining="0"),
        RateLimitError,
        ("Unsplash says its rate limit is spent (Rate Limit Exceeded)", "in at most 60 minutes"),
    ),
    Fault(
        "a spent limit is a 403 in other words",
        plain(403, "Ratelimit exceeded"),
        RateLimitError,
        ("in at most 60 minutes",),
    ),
    Fault("a spent limit may be a 429", plain(429, "Rate Limit Exceeded"), RateLimitError, ("Rate Limit Exceeded",)),
    Fault("a 429 without a word is a spent limit", plain(429, ""), RateLimitError, ("in at most 60 minutes",)),
    Fault(
        "another 403 is neither the key's nor the limit's",
        plain(403, "Your address is blocked"),
        SourceAnswerError,
        ("403", "Your address is blocked"),
    ),
    Fault("an answer without results is none", as_json({"errors": ["?"]}), SourceAnswerError, ("JSON without hits",)),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_fault_ends_as_the_table_says(fault: Fault, server: UnsplashServer) -> None:
    server.play(fault.step)
    with server.connect(policy=HOURLY) as retriever, pytest.raises(fault.error) as caught:
        list(retriever.retrieve("boat"))
    assert type(caught.value) is fault.error
    for words in fault.words:
        assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.asked) == 1


def test_what_came_before_the_limit_was_spent_is_kept(server: UnsplashServer) -> None:
    server.hold(*(Picture(number=number) for number in range(1, 61)))
    server.play(server.listing(Asked("", {"per_page": "30"}, {}), [photo("a"), photo("b")], 60), server.spent())
    with server.connect(policy=HOURLY) as retriever:
        assert [one.id for one in retriever.retrieve("boat", limit=60)] == ["a", "b"]
    assert len(server.asked) == 2


def test_a_retriever_of_the_source_knows_the_hour(server: UnsplashServer) -> None:
    server.play(plain(429, "slow"))
    opened = SOURCE.open(Opening(key=KEY, base_url=server.api_url))
    with opened as retriever, pytest.raises(RateLimitError, match="in at most 60 minutes"):
        list(retriever.retrieve("boat", limit=1, filters=Filters()))
    assert len(server.asked) == 1


# The download.


def one_of(server: UnsplashServer, cache: Path | None = None) -> Candidate:
    with server.connect(cache_directory=cache) as retriever:
        return next(iter(retriever.retrieve("boat", limit=1)))


def test_a_download_is_told_of_and_what_is_answered_is_fetched(server: UnsplashServer) -> None:
    candidate = one_of(server)
    with server.connect() as retriever:
        file = retriever.file_to_save(candidate)
    assert server.told_of == [candidate.id]
    assert server.asked[-1].path.endswith(f"/photos/{candidate.id}/download")
    assert server.asked[-1].query == {"ixid": IXID}
    assert server.asked[-1].headers["Authorization"] == f"Client-ID {KEY}"
    assert file == Rendition(f"https://files.example/files/1-download.jpg?ixid={IXID}", 3000, 2000)
    assert len(server.asked) == 2, "the search and the download"


def test_a_download_is_told_of_each_time_and_never_answered_from_what_is_kept(
    server: UnsplashServer, tmp_path: Path
) -> None:
    candidate = one_of(server, tmp_path)
    assert one_of(server, tmp_path) == candidate
    assert len(server.asked) == 1, "the search was kept"
    with server.connect(cache_directory=tmp_path) as retriever:
        files = [retriever.file_to_save(candidate).url]
        server.files_at = "elsewhere"
        files.append(retriever.file_to_save(candidate).url)
    with server.connect(cache_directory=tmp_path) as retriever:
        retriever.file_to_save(candidate)
    assert server.told_of == [candidate.id] * 3
    assert ["elsewhere" in url for url in files] == [False, True]


def test_offline_nothing_is_told_and_nothing_saved(server: UnsplashServer, tmp_path: Path) -> None:
    candidate = one_of(server, tmp_path)
    with server.connect(cache_directory=tmp_path, offline=True) as retriever, pytest.raises(AnswerNotKeptError):
        retriever.file_to_save(candidate)
    assert server.told_of == []


@pytest.mark.parametrize(
    "location", ["", "https://elsewhere.example/steal?x=1", "https://api.example/photos/a b/download"]
)
def test_a_download_location_of_another_kind_does_not_lead_the_key_astray(
    location: str, server: UnsplashServer
) -> None:
    candidate = replace(one_of(server), download_location=location)
    with server.connect() as retriever:
        retriever.file_to_save(candidate)
    assert server.told_of == [candidate.id]


@pytest.mark.parametrize("answer", [{}, {"url": None}, {"url": "file:///etc/passwd"}, {"url": 3}])
def test_a_download_without_a_file_is_an_error(answer: dict[str, Any], server: UnsplashServer) -> None:
    candidate = one_of(server)
    server.play(as_json(answer))
    with server.connect() as retriever, pytest.raises(SourceAnswerError, match="names no file"):
        retriever.file_to_save(candidate)


def test_a_photo_that_is_gone_cannot_be_saved(server: UnsplashServer) -> None:
    candidate = one_of(server)
    server.hold()
    with server.connect() as retriever:
        with pytest.raises(SourceAnswerError, match="404"):
            retriever.file_to_save(candidate)
        assert retriever.look_up(candidate.id) is None


def test_a_photo_is_looked_up_by_its_id_and_only_so(server: UnsplashServer) -> None:
    with server.connect() as retriever:
        found = retriever.look_up("Xq_2-aB")
        assert found is not None
        assert (found.id, found.found_by) == ("Xq_2-aB", "")
        asked_by_now = len(server.asked)
        assert retriever.look_up("../me") is None
        assert len(server.asked) == asked_by_now


def test_without_a_key_the_error_says_where_one_is_had_and_put(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_named("unsplash")
    with pytest.raises(KeyMissingError) as caught, source.open(Opening()):
        pass
    for words in ("https://unsplash.com/oauth/applications", "UNSPLASH_ACCESS_KEY", "unsplash_access_key"):
        assert words in str(caught.value)
    monkeypatch.setenv("UNSPLASH_ACCESS_KEY", KEY)
    with source.open(Opening()) as retriever:
        assert KEY not in repr(retriever)


def test_its_rules_stand_in_its_profile() -> None:
    assert (UNSPLASH.page_size, UNSPLASH.hotlinking) == (30, Hotlinking.REQUIRED)
    assert not UNSPLASH.pictures_kept_for
    assert "download_location" in UNSPLASH.download_duty
    assert UNSPLASH.home_url.endswith(REFERRAL)
