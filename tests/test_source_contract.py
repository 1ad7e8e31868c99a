"""What every source over an API keeps to, each asked over real HTTP at a server that speaks its protocol."""

import json
import logging
import random
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import date
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from phrasepix.sources.registry import source_named
from retriever import Candidate, Filters
from retriever.api.json_fields import UnusableHitError
from retriever.api.retriever import ApiRetriever
from retriever.directories import cache_directory
from retriever.errors import (
    AnswerNotKeptError,
    KeyMissingError,
    KeyRefusedError,
    RateLimitError,
    SourceAnswerError,
    SourceUnreachableError,
    WrongParameterError,
)
from retriever.protocol import Downloads, Retriever
from retriever.source import Opening, SkippedHit, Source
from tests.servers import QUICK, Step, as_json, plain
from tests.source_servers import SERVERS
from tests.source_servers.base import Picture, SourceServer

Connect = Callable[..., ApiRetriever]

ANY = Filters(media_type="all", safe_search=False)
WRONG_KEY = "27182818-nobodysseesthiskeyeither"
HTML = Step(200, b"<!DOCTYPE html><title>Just a moment</title>", {"Content-Type": "text/html"})


@pytest.fixture(params=SERVERS, ids=lambda kind: kind.source.profile.name)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    """One source's server, holding three pictures."""
    with request.param() as opened:
        if opened.profile.key_variable:
            monkeypatch.delenv(opened.profile.key_variable, raising=False)
        opened.hold(Picture(number=1), Picture(number=2), Picture(number=3))
        yield opened


WITH_A_KEY = pytest.mark.parametrize(
    "server", [kind for kind in SERVERS if kind.key], ids=lambda kind: kind.source.profile.name, indirect=True
)


@pytest.fixture
def connect(server: SourceServer) -> Iterator[Connect]:
    """Opens retrievers that ask the server, and closes them after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(server.connect(**options))


def found(retriever: Retriever, tag: str = "boat", limit: int = 200, filters: Filters = ANY) -> list[Candidate]:
    return list(retriever.retrieve(tag, limit=limit, filters=filters))


def ids(candidates: list[Candidate]) -> list[str]:
    return [candidate.id for candidate in candidates]


def numbered(server: SourceServer, *numbers: int) -> list[str]:
    """The ids of the pictures with these numbers."""
    return [server.identifier(Picture(number=number)) for number in numbers]


def hold_many(server: SourceServer, count: int) -> None:
    server.hold(*(Picture(number=number) for number in range(1, count + 1)))


# What a source says of itself, and what a candidate has.


def test_a_source_is_known_by_its_name_and_says_what_it_demands(server: SourceServer, connect: Connect) -> None:
    profile = server.profile
    assert isinstance(server.source, Source)
    assert source_named(profile.name) is server.source
    assert profile.page_size == server.page_sizes.stop - 1
    assert profile.deepest >= profile.page_size
    for url in (profile.home_url, profile.api_url):
        assert url.startswith("https://")
    assert all((profile.title, profile.mention, profile.credit, profile.credit_rule))
    assert profile.rate_limit != "none said"
    assert bool(server.key) == profile.needs_key == bool(profile.key_url and profile.key_setting)
    retriever = connect()
    assert isinstance(retriever, Retriever)
    assert isinstance(retriever, Downloads)
    assert retriever.name == profile.name


@pytest.mark.parametrize("licence", ["by", "by-sa", "by-nc", "by-nd", "cc0", "pdm"])
def test_a_candidate_says_who_made_it_where_it_is_and_what_is_allowed(
    licence: str, server: SourceServer, connect: Connect
) -> None:
    picture = Picture(number=7, licence=licence, width=4000, height=3000)
    server.hold(picture)
    (candidate,) = found(connect())
    rights = server.rights(picture)
    assert candidate.source == server.name
    assert candidate.id == server.identifier(picture)
    assert candidate.identity == (candidate.catalogue, candidate.id)  # a server of its own, whose ids are its own
    assert candidate.page_url == server.page(picture)
    assert candidate.found_by == "boat"
    assert (candidate.width, candidate.height, candidate.media_type) == (4000, 3000, "photo")
    assert candidate.creator == picture.creator
    assert candidate.licence
    assert candidate.licence_url.startswith("https://")
    assert picture.creator in candidate.credit
    assert (candidate.commercial_use, candidate.modification) == (rights.commercial, rights.modification)
    assert candidate.credit_owed is rights.credit_owed


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1000, 1000), (300, 200), (9000, 500)])
def test_renditions_go_from_small_to_large_and_the_largest_is_given(
    size: tuple[int, int], server: SourceServer, connect: Connect
) -> None:
    server.hold(Picture(number=1, width=size[0], height=size[1]))
    (candidate,) = found(connect())
    assert all(small.short_side <= large.short_side for small, large in pairwise(candidate.renditions))
    assert all(rendition.url.startswith(("https://", "http://")) for rendition in candidate.renditions)
    assert len({rendition.url for rendition in candidate.renditions}) == len(candidate.renditions)
    assert candidate.renditions[-1].as_given


# Pages.


def test_nothing_is_asked_before_the_first_candidate_is_wanted(server: SourceServer, connect: Connect) -> None:
    connect().retrieve("boat")
    assert server.asked == []


def test_the_second_page_is_asked_for_only_when_it_is_needed(server: SourceServer, connect: Connect) -> None:
    size = server.profile.page_size
    hold_many(server, 2 * size)
    candidates = connect().retrieve("boat", limit=2 * size, filters=ANY)
    first = list(islice(candidates, size))
    assert server.pages == [1]
    rest = list(candidates)
    assert ids(first + rest) == numbered(server, *range(1, 2 * size + 1))
    assert server.pages == [1, 2]


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_limit_is_met_with_pages_no_larger_than_allowed(beyond: int, server: SourceServer, connect: Connect) -> None:
    limit = server.profile.page_size + beyond
    hold_many(server, 2 * server.profile.page_size)
    assert ids(found(connect(), limit=limit)) == numbered(server, *range(1, limit + 1))
    assert all(server.page_size_of(asked) in server.page_sizes for asked in server.searches)
    assert len(server.searches) == (2 if beyond == 1 else 1)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_small_limit_takes_one_request(limit: int, server: SourceServer, connect: Connect) -> None:
    assert ids(found(connect(), limit=limit)) == numbered(server, *range(1, limit + 1))
    assert len(server.asked) == 1


@pytest.mark.parametrize("limit", [0, -1, 2.5, True, "5"])
def test_a_limit_that_is_no_count_is_refused_before_anything_is_sent(
    limit: int, server: SourceServer, connect: Connect
) -> None:
    with pytest.raises(WrongParameterError, match="whole numbers from 1"):
        connect().retrieve("boat", limit=limit)
    assert server.asked == []


@pytest.mark.parametrize("tag", ["", "  ", "boat " * 200, "boat\x00"])
def test_a_tag_the_source_cannot_take_is_refused_before_anything_is_sent(
    tag: str, server: SourceServer, connect: Connect
) -> None:
    with pytest.raises(WrongParameterError, match="the tag"):
        connect().retrieve(tag, filters=ANY)
    assert server.asked == []


def test_a_search_ends_with_the_last_picture(server: SourceServer, connect: Connect) -> None:
    size = server.profile.page_size
    hold_many(server, 2 * size)
    assert len(found(connect(), limit=5 * size)) == 2 * size
    assert len(server.searches) <= 3


def test_no_more_are_asked_for_than_can_be_reached(server: SourceServer, connect: Connect) -> None:
    deepest = server.profile.deepest
    if deepest > 1000:
        pytest.skip(f"{server.profile.title} goes {deepest} deep")
    hold_many(server, deepest + 50)
    assert len(found(connect(), limit=deepest + 50)) == deepest
    assert max(server.pages) * server.profile.page_size < deepest + server.profile.page_size


def test_a_page_behind_the_last_ends_the_search_like_an_empty_one(server: SourceServer, connect: Connect) -> None:
    size = server.profile.page_size
    hold_many(server, 3 * size)
    candidates = connect().retrieve("boat", limit=3 * size, filters=ANY)
    first = list(islice(candidates, size))
    server.hold(*server.held[: size // 2])  # meanwhile most of them went
    assert len(first + list(candidates)) == size


def test_a_search_that_finds_nothing_is_empty_and_no_error(server: SourceServer, connect: Connect) -> None:
    server.hold()
    assert found(connect()) == []
    assert len(server.asked) == 1


def test_a_picture_that_comes_twice_counts_once(server: SourceServer, connect: Connect) -> None:
    size = server.profile.page_size
    hold_many(server, size)
    server.hold(*server.held, *server.held[-3:], Picture(number=size + 1))
    found_ids = ids(found(connect(), limit=size + 1))
    assert found_ids == numbered(server, *range(1, size + 2))


# Odd answers.


def test_odd_entries_are_skipped_by_name_and_their_neighbours_come(server: SourceServer, connect: Connect) -> None:
    unusable = server.unusable()
    server.hold(Picture(number=1), *unusable.values(), Picture(number=2), "a text", None, 7, [], {}, Picture(number=3))
    skipped: list[SkippedHit] = []
    assert ids(found(connect(on_skip=skipped.append))) == numbered(server, 1, 2, 3)
    assert sorted(skip.id for skip in skipped) == sorted([*unusable, *"?????"])
    assert {skip.source for skip in skipped} == {server.name}
    assert all("entry is unusable: " in skip.reason for skip in skipped)


HOSTILE = {
    "control characters": "bo\x1b[2Jat\x00\x07\r\nx",
    "an override of direction": "boat\u202egpj.exe\u2066",
    "half a surrogate pair": "boat \ud83d",
    "a long text": "boat " * 2000,
    "markup": "<script>alert(1)</script><b onclick='x'>boat",
    "broken markup": "<![if !x]><![CDATA[ <!-- <a href='",
    "a template": "{0.__class__} {creator} %s {{7*7}}",
    "blanks": " \t\u00a0\u3000",
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_texts_come_out_as_lines_that_can_be_printed(
    hostile: str, server: SourceServer, connect: Connect
) -> None:
    text = HOSTILE[hostile]
    server.hold(Picture(number=1, title=text, creator=text, tags=(text, "sea")), Picture(number=2))
    candidates = found(connect())
    assert ids(candidates) == numbered(server, 1, 2)
    first = candidates[0]
    for line in (first.title, first.creator, first.credit, first.licence, *first.tags):
        assert line.isprintable()
        line.encode("utf-8")
    assert first.credit
    assert first.licence


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "data:image/png;base64,AA", "http://[", "https://x/\x00", "//x/y"],
)
def test_an_address_that_is_none_of_the_web_reaches_nobody(url: str, server: SourceServer, connect: Connect) -> None:
    server.hold(Picture(number=1, page_url=url), Picture(number=2, file_url=url), Picture(number=3))
    skipped: list[SkippedHit] = []
    candidates = found(connect(on_skip=skipped.append))
    assert ids(candidates) == numbered(server, 1, 3)
    assert url not in candidates[0].page_url
    assert [skip.id for skip in skipped] == numbered(server, 2)


SCRAPS: tuple[Any, ...] = (
    None, True, -1, 0, 10**400, 1.5, float("nan"), float("inf"), "", " ", "\x00", "\ud800", "http://", "https://[",
    "https://x.example/a_640.jpg", "javascript:alert(1)", "<a", "<![", "9999-99-99", "a" * 3000, "{}{0}%s", [], [None],
    {}, {"id": 1}, {"value": {}},
)  # fmt: skip


def mangled(value: Any, dice: random.Random, chance: float) -> Any:
    """`value` with parts of it, however deep, gone or put in the place of something else."""
    if dice.random() < chance:
        return dice.choice(SCRAPS)
    if isinstance(value, dict):
        return {key: mangled(one, dice, chance) for key, one in value.items() if dice.random() > chance / 2}
    return [mangled(one, dice, chance) for one in value] if isinstance(value, list) else value


def test_whatever_an_entry_is_mangled_to_it_is_a_candidate_or_unusable(server: SourceServer) -> None:
    adapter = server.adapter(server.profile)
    dice = random.Random(20)
    usable = 0
    for _ in range(400):
        entry = mangled(server.entry(Picture(number=dice.randrange(1000))), dice, 0.06)
        adapter.identifier(entry).encode("utf-8")
        try:
            candidate = adapter.candidate(entry, "boat", "")
        except UnusableHitError:
            continue
        usable += 1
        assert all(rendition.width > 0 and rendition.height > 0 for rendition in candidate.renditions)
        assert candidate.width > 0
        assert candidate.height > 0
        assert all((candidate.id, candidate.credit, candidate.media_type))
        for text in (candidate.id, candidate.title, candidate.creator, candidate.credit, *candidate.tags):
            assert text.isprintable()
            text.encode("utf-8")
        urls = [candidate.page_url, candidate.creator_url, candidate.licence_url]
        for url in (*urls, *(rendition.url for rendition in candidate.renditions)):
            assert url == "" or url.startswith(("https://", "http://"))
    assert 40 < usable < 400


# Answers that are kept.


def test_an_answer_is_kept_for_the_time_of_the_profile_and_not_asked_for_again(server: SourceServer) -> None:
    opening = Opening(key=server.key or None, base_url=server.api_url)
    for _ in range(2):
        with server.source.open(opening) as retriever:
            assert ids(found(retriever, limit=3)) == numbered(server, 1, 2, 3)
    assert len(server.asked) == 1
    with closing(sqlite3.connect(cache_directory() / f"{server.name}-answers.sqlite")) as kept:
        ((expires,),) = kept.execute("SELECT expires FROM responses").fetchall()
    assert expires - time.time() == pytest.approx(server.profile.answers_kept_for.total_seconds(), abs=600)


def test_offline_what_is_kept_is_answered_and_the_rest_is_named(
    server: SourceServer, connect: Connect, tmp_path: Path
) -> None:
    online = found(connect(cache_directory=tmp_path))
    offline = connect(cache_directory=tmp_path, offline=True, key=None)
    assert found(offline) == online
    with pytest.raises(AnswerNotKeptError, match=f"{server.profile.title} answers to the tag “tiger”"):
        found(offline, "tiger")
    assert len(server.asked) == 1


def test_what_is_no_answer_is_not_kept(server: SourceServer, connect: Connect, tmp_path: Path) -> None:
    server.play(as_json({"notice": "sign in to this network"}))
    retriever = connect(cache_directory=tmp_path)
    with pytest.raises(SourceAnswerError, match="JSON without hits"):
        found(retriever)
    assert len(found(retriever)) == 3


# Keys.


def kept_bytes(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


@WITH_A_KEY
def test_without_a_key_nothing_is_sent_and_the_message_says_where_to_get_one(server: SourceServer) -> None:
    with pytest.raises(KeyMissingError) as caught:
        server.connect(key=None)
    for words in (server.profile.title, server.profile.key_url, server.profile.key_variable):
        assert words in str(caught.value)
    assert server.asked == []


@WITH_A_KEY
def test_a_refused_key_is_an_error_that_does_not_show_it(
    server: SourceServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    retriever = connect(key=WRONG_KEY, cache_directory=tmp_path)
    with pytest.raises(KeyRefusedError, match="does not accept the API key") as caught:
        found(retriever)
    assert server.profile.key_url in str(caught.value)
    assert len(server.asked) == 1
    for shown in (str(caught.value), repr(caught.value), caplog.text, repr(retriever)):
        assert WRONG_KEY not in shown
    assert WRONG_KEY.encode() not in kept_bytes(tmp_path)


@WITH_A_KEY
def test_the_key_is_shown_nowhere(
    server: SourceServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    retriever = connect(cache_directory=tmp_path)
    candidates = found(retriever)
    server.play(*[plain(500, f"oops {server.key}")] * QUICK.attempts)
    with pytest.raises(SourceAnswerError, match="oops") as caught:
        found(retriever, "tiger")
    retriever.close()
    for shown in (str(caught.value), repr(caught.value), caplog.text, repr(retriever), repr(candidates)):
        assert server.key not in shown
    assert server.key.encode() not in kept_bytes(tmp_path)
    assert all(server.key_of(asked) == server.key for asked in server.asked)


# Limits and failures.


def test_a_rate_limit_that_is_spent_once_is_waited_out(
    server: SourceServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server.play(server.spent())
    assert len(found(connect())) == 3
    assert len(server.asked) == 2
    assert server.profile.title in caplog.text


def test_a_rate_limit_that_stays_spent_is_an_error(server: SourceServer, connect: Connect) -> None:
    server.play(*[server.spent()] * QUICK.attempts)
    with pytest.raises(RateLimitError, match=server.profile.title):
        found(connect())
    assert len(server.asked) == QUICK.attempts


def test_what_came_before_the_rate_limit_was_spent_is_kept(
    server: SourceServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    size = server.profile.page_size
    hold_many(server, 2 * size)
    candidates = connect().retrieve("boat", limit=2 * size, filters=ANY)
    first = list(islice(candidates, size))
    server.play(*[server.spent()] * QUICK.attempts)
    assert len(first + list(candidates)) == size
    assert f"going on with the {size} pictures that came" in caplog.text


PASSING = {
    "a 500": plain(500, "oops"),
    "a 502": plain(502, "bad gateway"),
    "a 503": plain(503, "maintenance"),
    "a 503 that names a pause": plain(503, "maintenance", Retry_After="0"),
    "a 429 in plain text": plain(429, "slow down"),
    "a cut connection": Step(cut_after=-1),
    "an answer cut short": Step(200, b'{"a": [1, 2', {"Content-Type": "application/json"}, declared_length=999),
    "broken JSON": Step(200, b'{"a": [1, 2', {"Content-Type": "application/json"}),
    "an empty body": Step(200, b""),
    "a list instead of an object": as_json([1]),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_failure_that_passes_is_tried_again(fault: str, server: SourceServer, connect: Connect) -> None:
    server.play(PASSING[fault])
    assert ids(found(connect())) == numbered(server, 1, 2, 3)
    assert len(server.asked) == 2


@pytest.mark.parametrize("fault", PASSING)
def test_a_failure_that_stays_is_an_error_that_names_the_source(
    fault: str, server: SourceServer, connect: Connect
) -> None:
    server.play(*[PASSING[fault]] * QUICK.attempts)
    with pytest.raises((SourceAnswerError, SourceUnreachableError, RateLimitError), match=server.profile.title):
        found(connect())
    assert len(server.asked) == QUICK.attempts


def test_a_page_instead_of_an_answer_is_an_error_told_as_text(server: SourceServer, connect: Connect) -> None:
    server.play(HTML)
    with pytest.raises(SourceAnswerError, match=r"not a JSON answer.*Just a moment"):
        found(connect())
    assert len(server.asked) == 1


def test_a_later_page_that_fails_is_an_error_and_no_end(server: SourceServer, connect: Connect) -> None:
    size = server.profile.page_size
    hold_many(server, 2 * size)
    candidates = connect().retrieve("boat", limit=2 * size, filters=ANY)
    assert len(list(islice(candidates, size))) == size
    server.play(plain(418, "something else"))
    with pytest.raises(SourceAnswerError, match="418"):
        next(candidates)


def test_a_source_that_stays_silent_is_given_up(server: SourceServer, connect: Connect) -> None:
    server.play(Step(delay_s=30))
    with pytest.raises(SourceUnreachableError, match="did not answer in time") as caught:
        found(connect(policy=replace(QUICK, attempts=1, read_timeout_s=0.3)))
    assert server.api_url in str(caught.value)


def test_a_source_that_is_slow_once_is_asked_again(server: SourceServer, connect: Connect) -> None:
    server.play(Step(delay_s=30))
    assert len(found(connect(policy=replace(QUICK, read_timeout_s=0.5)))) == 3


def test_a_source_that_cannot_be_reached_is_named_with_its_address(server: SourceServer, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
    with pytest.raises(SourceUnreachableError, match=f"{server.profile.title} cannot be reached") as caught:
        found(connect(base_url=address))
    assert address in str(caught.value)


# Filters.

PICTURES = (
    Picture(number=1),
    Picture(number=2, width=2000, height=3000, licence="by-sa"),
    Picture(number=3, width=2000, height=2000, licence="cc0"),
    Picture(number=4, width=2040, height=2000, licence="by-nc"),
    Picture(number=5, width=400, height=300, licence="by-nd"),
    Picture(number=6, width=3840, height=2160, taken_on=date(2010, 1, 1), uploaded_on=date(2010, 1, 2)),
    Picture(number=7, ai_generated=True, colours=("red",)),
    Picture(number=8, g_rated=False, licence="pdm"),
    Picture(number=9, creator="Somebody Else"),
    Picture(number=10, media_type="illustration"),
    Picture(number=11, media_type="vector"),
    Picture(number=12, taken_on=date(2022, 12, 31), uploaded_on=date(2022, 12, 31), colours=("green", "red")),
)

Wanted = Callable[[SourceServer, Picture], bool]


def of_ratio(low: float, high: float) -> Wanted:
    return lambda server, picture: low <= picture.width / picture.height <= high


CASES: dict[str, tuple[str, Mapping[str, Any], Wanted]] = {
    "photos": ("media_type", {"media_type": "photo"}, lambda server, picture: picture.media_type == "photo"),
    "illustrations": (
        "media_type",
        {"media_type": "illustration"},
        lambda server, picture: picture.media_type == "illustration",
    ),
    "vectors": ("media_type", {"media_type": "vector"}, lambda server, picture: picture.media_type == "vector"),
    "wide": ("orientation", {"orientation": "horizontal"}, lambda server, picture: picture.width > picture.height),
    "tall": ("orientation", {"orientation": "vertical"}, lambda server, picture: picture.width < picture.height),
    "square": ("orientation", {"orientation": "square"}, of_ratio(0.97, 1.03)),
    "16:9": ("aspect_ratio", {"aspect_ratio": 16 / 9}, of_ratio(1.73, 1.83)),
    "least width": ("min_width", {"min_width": 3000}, lambda server, picture: picture.width >= 3000),
    "least height": ("min_height", {"min_height": 2160}, lambda server, picture: picture.height >= 2160),
    "a colour": ("colours", {"colours": ("red",)}, lambda server, picture: "red" in picture.colours),
    "colours": ("colours", {"colours": ("red", "lilac")}, lambda server, picture: "red" in picture.colours),
    "commercial use": (
        "licence",
        {"licence": ("commercial",)},
        lambda server, picture: server.rights(picture).commercial,
    ),
    "all uses": (
        "licence",
        {"licence": ("commercial", "modification")},
        lambda server, picture: server.rights(picture).commercial and server.rights(picture).modification,
    ),
    "since": (
        "since",
        {"since": date(2022, 12, 31)},
        lambda server, picture: server.day(picture) >= date(2022, 12, 31),
    ),
    "until": ("until", {"until": date(2010, 1, 2)}, lambda server, picture: server.day(picture) <= date(2010, 1, 2)),
    "no AI": ("exclude_ai", {"exclude_ai": True}, lambda server, picture: not picture.ai_generated),
    "for all ages": ("safe_search", {"safe_search": True}, lambda server, picture: picture.g_rated),
    "creator": ("creator", {"creator": " somebody ELSE "}, lambda server, picture: picture.creator == "Somebody Else"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_filter_means_the_same_for_every_source_or_is_named(
    case: str, server: SourceServer, connect: Connect
) -> None:
    name, wish, wanted = CASES[case]
    if wish.get("media_type", "photo") not in server.media_types:
        pytest.skip(f"{server.profile.title} has no {case}")
    pictures = [picture for picture in PICTURES if picture.media_type in server.media_types]
    server.hold(*pictures)
    filters = replace(ANY, **wish)
    retriever = connect()
    honoured = name in server.adapter(server.profile).asked(filters) | server.adapter.tells
    assert retriever.unhonoured(filters) == (frozenset() if honoured else {name})
    expected = [picture.number for picture in pictures if not honoured or wanted(server, picture)]
    assert ids(found(retriever, filters=filters)) == numbered(server, *expected)


def test_the_filters_a_source_is_asked_for_stand_in_the_request(server: SourceServer, connect: Connect) -> None:
    retriever = connect()
    found(retriever)
    without = server.searches[-1].query
    stands = {name: False for name, _, _ in CASES.values() if name in server.adapter.asks}
    if len(server.media_types) == 1:
        stands.pop("media_type", None)  # there is nothing to ask for
    for name, wish, _ in CASES.values():
        if name in stands and wish.get("media_type", "photo") in server.media_types:
            found(retriever, filters=replace(ANY, **wish))
            stands[name] |= server.searches[-1].query != without
    assert stands == dict.fromkeys(stands, True)


@pytest.mark.parametrize("name", ["category", "editors_choice"])
def test_a_filter_of_one_source_alone_is_named_by_the_others(name: str, server: SourceServer, connect: Connect) -> None:
    filters = Filters(media_type="all", safe_search=False, category="animals", editors_choice=True)
    assert (name in connect().unhonoured(filters)) == (name not in server.adapter.asks)


def test_later_pages_are_asked_for_under_the_same_filters(server: SourceServer, connect: Connect) -> None:
    size = server.profile.page_size
    hold_many(server, 2 * size)
    found(connect(), limit=2 * size, filters=replace(ANY, media_type="photo", orientation="horizontal"))
    first, second = (set(asked.query.items()) for asked in server.searches)
    assert len(first ^ second) <= 2  # the page alone


# Manners and downloads.


def test_a_source_is_told_who_asks(server: SourceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHRASEPIX_CONTACT", "me@example.org")
    with server.source.open(Opening(key=server.key or None, base_url=server.api_url)) as retriever:
        found(retriever, limit=3)
    agent = server.asked[0].headers["User-Agent"]
    assert agent.startswith("phrasepix/")
    assert "finds the picture a sentence describes" in agent
    assert "me@example.org" in agent


def test_a_file_is_saved_by_a_fresh_address_and_the_source_is_told_where_it_wants_that(
    server: SourceServer, connect: Connect
) -> None:
    retriever = connect()
    candidate = found(retriever)[1]
    assert server.told_of == []
    server.files_at = "moved"
    rendition = retriever.file_to_save(candidate)
    looked_up = server.adapter(server.profile).look_up(candidate.id) is not None
    assert ("/moved/" in rendition.url) == looked_up
    assert rendition.short_side == max(one.short_side for one in candidate.renditions)
    assert server.told_of == ([candidate.id] if server.profile.download_duty else [])


def test_a_picture_is_looked_up_by_its_id_and_one_that_is_gone_is_none(server: SourceServer, connect: Connect) -> None:
    if server.adapter(server.profile).look_up(server.identifier(Picture(number=2))) is None:
        pytest.skip(f"{server.profile.title} cannot be asked for one picture")
    retriever = connect()
    second = retriever.look_up(server.identifier(Picture(number=2)))
    assert second is not None
    assert second.id == server.identifier(Picture(number=2))
    server.hold()
    assert retriever.look_up(server.identifier(Picture(number=3))) is None


@pytest.mark.parametrize("identifier", ["../../admin", "1/../2", "1?key=x", "", "\x00", "１", "a b"])
def test_an_id_that_is_none_of_the_sources_never_becomes_a_path(
    identifier: str, server: SourceServer, connect: Connect
) -> None:
    retriever = connect()
    question = server.adapter(server.profile).look_up(identifier)
    if question is not None:
        path, _ = question
        assert not any(part in path for part in ("..", "?", " ", "\x00"))
    else:
        assert retriever.look_up(identifier) is None
        assert server.asked == []


def test_what_a_source_answered_can_be_shown_as_json(server: SourceServer, connect: Connect) -> None:
    server.hold(*(Picture(number=number, title=text) for number, text in enumerate(HOSTILE.values())))
    for candidate in found(connect()):
        json.dumps(repr(candidate)).encode("utf-8")
