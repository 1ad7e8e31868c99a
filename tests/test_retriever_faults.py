"""What goes wrong between here and a source, row by row, over real HTTP."""

import logging
import re
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from retriever import PixabayRetriever, RetrieverError
from retriever.errors import KeyRefusedError, RateLimitError, SourceAnswerError, SourceUnreachableError
from retriever.http.budget import RequestBudget, pause_asked_for
from tests.servers import KEY, QUICK, ScriptedServer, Step, as_json, hit, of_hits, plain, redirect

Connect = Callable[..., PixabayRetriever]

GOOD = of_hits([hit(1), hit(2)])
WHOLE = GOOD.body
HTML = b"<!DOCTYPE html><html><title>Just a moment</title></html>"
PAGE = Step(200, HTML, {"Content-Type": "text/html"})
SPENT = plain(429, "API rate limit exceeded")
DOWN = plain(503, "maintenance")
IN_VAIN = QUICK.attempts


@dataclass(frozen=True)
class Fault:
    """A script, what must come of it, words the message has, and how often the server was asked."""

    says: str
    steps: tuple[Step, ...]
    error: type[RetrieverError] | None
    words: tuple[str, ...] = ()
    asked: int = 1


FAULTS = [
    Fault(
        "a bad key is a 400 in plain text",
        (plain(400, "[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/)."),),
        KeyRefusedError,
        ("does not accept the API key", "https://pixabay.com/api/docs/"),
    ),
    Fault("one 429 is waited out", (SPENT, GOOD), None, asked=2),
    Fault(
        "a 429 that names the pause in Retry-After is waited out",
        (plain(429, "slow down", Retry_After="0.02"), GOOD),
        None,
        asked=2,
    ),
    Fault(
        "a 429 that names the pause in X-RateLimit-Reset is waited out",
        (plain(429, "slow down", X_RateLimit_Remaining="0", X_RateLimit_Reset="0.02"), GOOD),
        None,
        asked=2,
    ),
    Fault(
        "429 for ever is given up, with the server's words",
        (SPENT,) * IN_VAIN,
        RateLimitError,
        ("rate limit", "API rate limit exceeded"),
        IN_VAIN,
    ),
    Fault(
        "a Retry-After that is too long is reported at once",
        (plain(429, "slow down", Retry_After="3600"),),
        RateLimitError,
        ("in 3600 s",),
    ),
    Fault(
        "an X-RateLimit-Reset that is too long is reported at once",
        (plain(429, "slow down", X_RateLimit_Remaining="0", X_RateLimit_Reset="3600"),),
        RateLimitError,
        ("in 3600 s",),
    ),
    Fault("two 500s are tried again", (plain(500, "oops"), plain(502, "oops"), GOOD), None, asked=3),
    Fault("500 for ever is given up", (plain(500, "oops"),) * IN_VAIN, SourceAnswerError, ("500", "oops"), IN_VAIN),
    Fault(
        "an error page of HTML is told as text",
        (Step(500, HTML),) * IN_VAIN,
        SourceAnswerError,
        ("500", "Just a moment"),
        IN_VAIN,
    ),
    Fault(
        "a 503 that asks for a longer pause than is waited is reported at once",
        (plain(503, "maintenance", Retry_After="3600"),),
        SourceAnswerError,
        ("503", "maintenance"),
    ),
    Fault("a 404 is not asked again", (plain(404, "no such page"),), SourceAnswerError, ("404", "no such page")),
    Fault("an error without a text says so", (plain(418, ""),), SourceAnswerError, ("418", "no text")),
    Fault("a connection cut once is tried again", (replace(GOOD, cut_after=40), GOOD), None, asked=2),
    Fault("a connection cut before the answer is tried again", (Step(cut_after=-1), GOOD), None, asked=2),
    Fault(
        "a connection cut for ever is given up",
        (replace(GOOD, cut_after=40),) * IN_VAIN,
        SourceUnreachableError,
        ("cannot be reached", "was cut"),
        IN_VAIN,
    ),
    Fault(
        "a body shorter than announced is given up",
        (replace(GOOD, declared_length=len(WHOLE) + 9),) * IN_VAIN,
        SourceUnreachableError,
        ("was cut",),
        IN_VAIN,
    ),
    Fault("a page of HTML instead of JSON is asked for once", (PAGE,), SourceAnswerError, ("not a JSON answer",)),
    Fault(
        "truncated JSON is given up",
        (Step(200, WHOLE[:-20]),) * IN_VAIN,
        SourceAnswerError,
        ("not a JSON answer",),
        IN_VAIN,
    ),
    Fault("truncated JSON is tried again", (Step(200, WHOLE[:-20]), GOOD), None, asked=2),
    Fault("an empty body is given up", (Step(),) * IN_VAIN, SourceAnswerError, ("nothing at all",), IN_VAIN),
    Fault("JSON too deep to read is given up", (Step(200, b"[" * 200_000),) * IN_VAIN, SourceAnswerError, (), IN_VAIN),
    Fault(
        "a body that lies about its compression is given up",
        (Step(200, b"no gzip", {"Content-Encoding": "gzip"}),) * IN_VAIN,
        SourceUnreachableError,
        (),
        IN_VAIN,
    ),
    Fault("JSON that is a list is refused", (as_json([1]),) * IN_VAIN, SourceAnswerError, ("[1]",), IN_VAIN),
    Fault("JSON without hits is refused", (as_json({"ok": True}),), SourceAnswerError, ("JSON without hits",)),
    Fault("hits that are no list are refused", (as_json({"hits": 3}),), SourceAnswerError, ("JSON without hits",)),
    Fault(
        "a first page out of range is an error, not an end",
        (plain(400, '[ERROR 400] "page" is out of valid range.'),),
        SourceAnswerError,
        ("out of valid range",),
    ),
    Fault("a redirect without a target is refused", (Step(302),), SourceAnswerError, ("302",)),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_fault_ends_as_the_table_says(fault: Fault, api: ScriptedServer, connect: Connect) -> None:
    api.play(*fault.steps)
    retriever = connect(api)
    if fault.error is None:
        assert [candidate.id for candidate in retriever.retrieve("boat")] == ["1", "2"]
    else:
        with pytest.raises(fault.error) as caught:
            list(retriever.retrieve("boat"))
        assert type(caught.value) is fault.error
        for words in fault.words:
            assert words in str(caught.value)
        assert KEY not in str(caught.value)
    assert len(api.asked) == fault.asked


def test_a_search_without_hits_is_empty_and_no_error(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([]))
    assert list(connect(api).retrieve("boat")) == []
    assert len(api.asked) == 1


def test_a_slow_server_is_given_up_with_its_url_and_the_times_waited(api: ScriptedServer, connect: Connect) -> None:
    api.play(*[replace(GOOD, delay_s=30)] * 2)
    impatient = replace(QUICK, attempts=2, read_timeout_s=0.5)
    with pytest.raises(SourceUnreachableError, match="did not answer in time") as caught:
        list(connect(api, policy=impatient).retrieve("boat"))
    assert api.url in str(caught.value)
    assert "0.5 s" in str(caught.value)
    assert len(api.asked) == 2


def test_a_server_that_is_slow_once_is_asked_again(api: ScriptedServer, connect: Connect) -> None:
    api.play(replace(GOOD, delay_s=30), GOOD)
    retriever = connect(api, policy=replace(QUICK, read_timeout_s=2.0))
    assert len(list(retriever.retrieve("boat"))) == 2


def test_a_closed_port_is_given_up_with_its_url(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnreachableError, match="cannot be reached") as caught:
        list(connect(f"http://127.0.0.1:{port}/api/").retrieve("boat"))
    assert f"http://127.0.0.1:{port}/api/" in str(caught.value)


def test_a_network_that_drops_what_is_sent_is_given_up_after_two_tries(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        address = listener.getsockname()
        for _ in range(4):  # fill the queue: further connections are neither taken nor refused
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}/api/"
        with pytest.raises(SourceUnreachableError, match=r"nothing answered for 0\.2 s") as caught:
            list(connect(url, policy=replace(QUICK, attempts=5, connect_timeout_s=0.2)).retrieve("boat"))
    assert url in str(caught.value)
    assert [("(try 2 of 2)" in line) for line in caplog.messages if "trying again" in line] == [True]


@pytest.mark.parametrize(
    "address",
    ["no address", "pixabay.com/api/", "ftp://127.0.0.1/api/", "http://", "http://[::1", "http://a..b/", "http://x:y/"],
)
def test_something_that_is_no_url_is_refused_without_a_second_try(
    address: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SourceUnreachableError, match="is not an address that can be asked") as caught:
        list(connect(address).retrieve("boat"))
    assert repr(address) in str(caught.value)
    assert "trying again" not in caplog.text


def test_an_address_that_only_redirects_is_given_up_after_one_round(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = lambda asked: redirect(api.url)
    with pytest.raises(SourceUnreachableError, match="only redirects"):
        list(connect(api).retrieve("boat"))
    assert len(api.asked) < 40


def test_each_new_try_is_said_on_the_log(
    api: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    api.play(plain(500, "oops"), SPENT, GOOD)
    list(connect(api).retrieve("boat"))
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 2
    assert "answered with status 500; trying again" in said[0]
    assert "(try 2 of 3)" in said[0]
    assert "rate limit is spent; trying again" in said[1]


# With a backoff of ten minutes these end in time only where the pause the server names is the one kept.
STUBBORN = replace(QUICK, backoff_s=600.0, longest_backoff_s=600.0)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("pause", ["0", "0.05", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_pause_the_server_names_is_kept_instead_of_the_backoff(
    status: int, pause: str, api: ScriptedServer, connect: Connect
) -> None:
    api.play(plain(status, "later", Retry_After=pause), GOOD)
    assert len(list(connect(api, policy=STUBBORN).retrieve("boat"))) == 2


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pause", ["soon", "-3", "nan", "inf", ""])
def test_a_pause_that_makes_no_sense_is_left_to_the_backoff(pause: str, api: ScriptedServer, connect: Connect) -> None:
    api.play(plain(429, "later", Retry_After=pause, X_RateLimit_Reset=pause), GOOD)
    assert len(list(connect(api).retrieve("boat"))) == 2


def test_how_long_to_wait_is_told_with_the_error(api: ScriptedServer, connect: Connect) -> None:
    api.play(plain(429, "later", Retry_After="77"))
    with pytest.raises(RateLimitError) as caught:
        list(connect(api).retrieve("boat"))
    assert caught.value.retry_after_s == 77


# The request budget.


def test_a_spent_budget_makes_the_next_request_wait_and_says_so(
    api: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    api.play(of_hits([hit(1)], X_RateLimit_Limit="100", X_RateLimit_Remaining="0", X_RateLimit_Reset="1.9"), GOOD)
    retriever = connect(api)
    list(retriever.retrieve("boat"))
    assert "waiting" not in caplog.text
    list(retriever.retrieve("tiger"))
    assert re.search(r"rate limit is spent; waiting [0-2] s until it is renewed", caplog.text)
    assert len(api.asked) == 2


def test_a_budget_that_is_not_spent_makes_nobody_wait(
    api: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    api.play(of_hits([hit(1)], X_RateLimit_Remaining="1", X_RateLimit_Reset="3600"), GOOD)
    retriever = connect(api)
    list(retriever.retrieve("boat"))
    list(retriever.retrieve("tiger"))
    assert "waiting" not in caplog.text


def test_a_budget_spent_for_too_long_is_an_error_before_anything_is_sent(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([hit(1)], X_RateLimit_Remaining="0", X_RateLimit_Reset="3600"))
    retriever = connect(api)
    list(retriever.retrieve("boat"))
    with pytest.raises(RateLimitError, match=r"renewed in 3[56]") as caught:
        list(retriever.retrieve("tiger"))
    assert caught.value.retry_after_s == pytest.approx(3600, abs=100)
    assert len(api.asked) == 1


def test_a_kept_answer_neither_waits_nor_counts(
    api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.play(GOOD, of_hits([hit(1)], X_RateLimit_Remaining="0", X_RateLimit_Reset="3600"))
    retriever = connect(api, cache_directory=tmp_path)
    list(retriever.retrieve("boat"))
    list(retriever.retrieve("tiger"))  # spends the budget for an hour
    for _ in range(3):
        assert len(list(retriever.retrieve("boat"))) == 2
        assert len(list(retriever.retrieve("tiger"))) == 1
    with pytest.raises(RateLimitError):
        list(retriever.retrieve("snow"))
    assert len(api.asked) == 2


def test_a_reset_far_too_large_for_a_window_is_read_as_a_point_in_time() -> None:
    asked = pause_asked_for({"X-RateLimit-Reset": str(time.time() + 50)})
    assert asked == pytest.approx(50, abs=20)


def test_a_date_to_come_in_retry_after_is_a_pause_in_seconds() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=500), usegmt=True)
    assert pause_asked_for({"Retry-After": date}) == pytest.approx(500, abs=100)


def test_the_reset_of_a_limit_that_is_not_spent_is_no_pause_asked_for() -> None:
    headers = {"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "3600"}
    assert pause_asked_for(headers) is None
    assert pause_asked_for(headers | {"Retry-After": "5"}) == 5
    assert pause_asked_for(headers | {"X-RateLimit-Remaining": "0"}) == 3600


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Remaining": "0"}, {"X-RateLimit-Remaining": "none left"}])
def test_headers_that_say_nothing_useful_leave_the_budget_open(headers: dict[str, str]) -> None:
    budget = RequestBudget()
    budget.observe(headers)
    assert budget.seconds_to_wait() == 0
