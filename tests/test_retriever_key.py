"""The key: where it is found, and that it is shown nowhere."""

import copy
import gc
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from retriever import PixabayRetriever
from retriever.api_key import ApiKey, config_file, in_query
from retriever.errors import ConfigFileError, KeyMissingError, RetrieverError
from retriever.http.keyed_transport import KeyedTransport
from tests.servers import KEY, QUICK, ScriptedServer, Step, hit, of_hits, plain, redirect, stock_of

Connect = Callable[..., PixabayRetriever]

POSIX = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def write_config(text: str | bytes, mode: int = 0o600) -> Path:
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def key_sent(api: ScriptedServer, connect: Connect, given: str | None = None) -> str:
    api.otherwise = stock_of([])
    list(connect(api, key=given).retrieve("boat"))
    return api.asked[-1].query["key"]


# Where it is found.


def test_the_argument_comes_before_the_environment_and_that_before_the_config_file(
    api: ScriptedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config('pixabay_api_key = "from-the-file"\n')
    assert key_sent(api, connect) == "from-the-file"
    monkeypatch.setenv("PIXABAY_API_KEY", "from-the-environment")
    assert key_sent(api, connect) == "from-the-environment"
    assert key_sent(api, connect, "from-the-argument") == "from-the-argument"


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_key_counts_as_none(
    blank: str, api: ScriptedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config('pixabay_api_key = "from-the-file"\n')
    monkeypatch.setenv("PIXABAY_API_KEY", blank)
    assert key_sent(api, connect, blank) == "from-the-file"


def test_space_around_a_key_is_not_part_of_it(api: ScriptedServer, connect: Connect) -> None:
    assert key_sent(api, connect, f" {KEY}\n") == KEY


def test_a_key_of_any_characters_arrives_unchanged(api: ScriptedServer, connect: Connect) -> None:
    assert key_sent(api, connect, "a+b/c=d&e%20<f>") == "a+b/c=d&e%20<f>"


@pytest.mark.parametrize("config", [None, "", "other = 1\n", 'pixabay_api_key = ""\n'])
def test_without_a_key_the_message_says_where_to_get_one_and_how_to_do_without(config: str | None) -> None:
    if config is not None:
        write_config(config)
    with pytest.raises(KeyMissingError) as caught:
        PixabayRetriever()
    for words in (
        "https://pixabay.com/api/docs/",
        "PIXABAY_API_KEY",
        "pixabay_api_key",
        str(config_file()),
        'source="sample"',
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'pixabay_api_key = "{KEY}\n', "not valid TOML"),
        (f"pixabay_api_key = {KEY}\n", "not valid TOML"),
        (f"{KEY}\n", "not valid TOML"),
        (f'pixabay_api_key "{KEY}"\n', "not valid TOML"),
        (f'a = 1\na = "{KEY}"\n', "not valid TOML"),
        (f'[a]\n[a]\n"{KEY}" = 1\n', "not valid TOML"),
        (f'pixabay_api_key = ["{KEY}"]\n', "must be a text in quotes"),
        ("pixabay_api_key = 31415926\n", "must be a text in quotes"),
        (b'pixabay_api_key = "' + KEY.encode() + b'\xff"\n', "not UTF-8"),
    ],
)
def test_a_config_file_that_cannot_be_used_is_named_and_its_key_is_not_quoted(text: str | bytes, words: str) -> None:
    path = write_config(text)
    with pytest.raises(ConfigFileError) as caught:
        PixabayRetriever()
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "31415926" not in shown


def test_a_broken_line_of_the_config_file_is_named_by_its_number() -> None:
    write_config("a = 1\nb = \n")
    with pytest.raises(ConfigFileError, match="at line 2"):
        PixabayRetriever()


def test_a_config_file_that_cannot_be_opened_is_named() -> None:
    config_file().mkdir(parents=True)
    with pytest.raises(ConfigFileError, match="cannot read") as caught:
        PixabayRetriever()
    assert str(config_file()) in str(caught.value)


@POSIX
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_config_file_others_can_read_is_warned_about_with_the_remedy(
    mode: int, api: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_config(f'pixabay_api_key = "{KEY}"\n', mode)
    connect(api, key=None)
    assert f"chmod 600 {path}" in caplog.text
    assert KEY not in caplog.text


@POSIX
def test_a_config_file_of_ones_own_is_not_warned_about(
    api: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    write_config(f'pixabay_api_key = "{KEY}"\n')
    connect(api, key=None)
    assert caplog.records == []


# That it is shown nowhere.


def everything_about(error: BaseException) -> str:
    """What an error and all those behind it show, also the ones a traceback leaves out."""
    shown, seen, waiting = [], set(), [error]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        shown += [str(current), repr(current), repr(current.args), repr(vars(current))]
        shown += traceback.format_exception(current)
        waiting += [found for found in (current.__cause__, current.__context__) if found is not None]
        waiting += [argument for argument in current.args if isinstance(argument, BaseException)]
        request = getattr(current, "request", None)
        shown.append(str(getattr(request, "url", "")))
    return "\n".join(shown)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(
        f"{record.getMessage()} {vars(record)} {caplog.handler.format(record)}" for record in caplog.records
    )


SCRIPTS = {
    "a good answer": (of_hits([hit(1)]),),
    "a refused key": (plain(400, "[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/)."),),
    "an error that quotes the request": (plain(400, f"cannot make sense of /api/?key={KEY}&q=boat"),),
    "errors that quote the request": (plain(500, f"no answer for key={KEY}"),) * QUICK.attempts,
    "a limit that quotes the key": (plain(429, f"{KEY} asks too often", Retry_After="999"),),
    "HTML that quotes the request": (Step(200, f"<html>{KEY}</html>".encode()),),
    "JSON that quotes the key": (Step(200, f'["{KEY}"]'.encode()),) * QUICK.attempts,
    "a cut connection": (replace(of_hits([hit(1)]), cut_after=9),) * QUICK.attempts,
    "no answer at all": (Step(cut_after=-1),) * QUICK.attempts,
    "a slow server": (Step(delay_s=30),) * QUICK.attempts,
    "a redirect with the query repeated": (redirect(f"/v2/?key={KEY}"), of_hits([hit(1)])),
    "a redirect to nowhere": (redirect(f"http://127.0.0.1:1/?key={KEY}"),) * QUICK.attempts,
    "a redirect to no address": (redirect(f"ftp://127.0.0.1/?key={KEY}"),) * QUICK.attempts,
    "a redirect to something odd": (redirect(f"http://[{KEY}/"),) * QUICK.attempts,
    "a redirect with the key in its path": (redirect(f"/{KEY}/"), of_hits([hit(1)])),
    "a header line that is none": (replace(of_hits([hit(1)]), header_line=b"no colon in here"),),
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("keeping", [False, True], ids=["nothing kept", "answers kept"])
def test_the_key_is_in_no_error_and_no_log_at_any_level(
    script: str,
    keeping: bool,
    api: ScriptedServer,
    connect: Connect,
    tmp_path: Path,
    everything_logged: Callable[[], str],
) -> None:
    api.play(*SCRIPTS[script])
    patience = replace(QUICK, read_timeout_s=0.5) if script == "a slow server" else QUICK
    retriever = connect(api, policy=patience, cache_directory=tmp_path / "kept" if keeping else None)
    shown = ""
    try:
        list(retriever.retrieve("boat"))
    except RetrieverError as error:
        shown = everything_about(error)
    assert api.asked[0].query["key"] == KEY
    assert KEY not in shown
    assert "urllib3" in everything_logged()
    assert KEY not in everything_logged()


@pytest.mark.parametrize("spelling", ["a+b/c=d&e", "<schluessel>", "100%sicher"])
def test_a_key_that_looks_different_in_a_url_is_not_logged_either(
    spelling: str, api: ScriptedServer, connect: Connect, everything_logged: Callable[[], str]
) -> None:
    api.otherwise = lambda asked: plain(404, f"{asked.path} {asked.query['key']}")
    with pytest.raises(RetrieverError) as caught:
        list(connect(api, key=spelling).retrieve("boat"))
    start = spelling[:3]
    assert start not in str(caught.value)
    assert f"key={start[:1]}" not in everything_logged()
    assert "key=•••" in everything_logged()


def test_what_comes_out_of_the_keyed_transport_has_no_key_in_it(api: ScriptedServer) -> None:
    api.play(of_hits([hit(1)], X_Echo=f"key={KEY}"), replace(of_hits([hit(1)]), delay_s=30))
    with requests.Session() as session:
        session.mount(api.origin, KeyedTransport(in_query("key"), ApiKey(KEY)))
        response = session.get(api.url, params={"q": "boat"}, timeout=30)
        assert response.ok
        raw = response.raw
        shown = f"{vars(response)} {response.request.url} {vars(response.request)} {raw.url} {raw.headers}"
        assert KEY not in shown
        with pytest.raises(requests.Timeout) as caught:
            session.get(api.url, params={"q": "boat"}, timeout=0.5)
        assert caught.value.request is not None
        assert caught.value.request.url == f"{api.url}?q=boat"
        assert KEY not in everything_about(caught.value)
    assert api.asked[0].query == {"q": "boat", "key": KEY}


def test_what_cannot_be_reached_is_not_said_with_the_key() -> None:
    with requests.Session() as session:
        session.mount("http://127.0.0.1:1", KeyedTransport(in_query("key"), ApiKey(KEY)))
        with pytest.raises(requests.ConnectionError, match="refused") as caught:
            session.get("http://127.0.0.1:1/api/", params={"q": "boat"}, timeout=30)
        assert KEY not in everything_about(caught.value)


def test_a_retriever_used_after_it_was_closed_still_logs_no_key(
    api: ScriptedServer, connect: Connect, everything_logged: Callable[[], str]
) -> None:
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api)
    retriever.close()
    list(retriever.retrieve("boat"))
    assert KEY not in everything_logged()


def test_the_key_of_one_retriever_is_kept_quiet_after_another_was_closed(
    api: ScriptedServer, connect: Connect, everything_logged: Callable[[], str]
) -> None:
    api.otherwise = stock_of([hit(1)])
    first, second = connect(api), connect(api)
    first.close()
    list(second.retrieve("boat"))
    assert KEY not in everything_logged()


def test_a_key_does_not_show_itself() -> None:
    key = ApiKey(KEY)
    for shown in (repr(key), str(key), f"{key}", f"{key!r:>40}", f"{key}", "%s" % key, repr([key]), repr({"k": key})):  # noqa: UP031
        assert KEY not in shown
        assert "•••" in shown
    assert key.reveal() == KEY


def test_a_retriever_does_not_show_its_key(api: ScriptedServer, connect: Connect) -> None:
    retriever = connect(api)
    assert KEY not in f"{retriever!r} {retriever} {vars(retriever)} {vars(retriever._client)}"
    assert api.url in repr(retriever)


def test_a_key_is_not_pickled(api: ScriptedServer, connect: Connect) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ApiKey(KEY))
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(ApiKey(KEY))
    with pytest.raises((TypeError, NotImplementedError, AttributeError, pickle.PicklingError)):
        pickle.dumps(connect(api))
    assert KEY.encode() not in pickle.dumps(KeyedTransport(in_query("key"), ApiKey(KEY)))


def test_candidates_carry_no_key(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(1)])
    assert KEY not in repr(list(connect(api).retrieve("boat")))


def test_no_connection_is_left_open(api: ScriptedServer, recwarn: pytest.WarningsRecorder) -> None:
    for step in (of_hits([hit(1)]), Step(404), replace(of_hits([hit(1)]), cut_after=9), redirect("/v2/")):
        api.play(step, *(of_hits([]),) * 3)
        with PixabayRetriever(KEY, base_url=api.url, policy=QUICK) as retriever:
            try:
                list(retriever.retrieve("boat"))
            except RetrieverError as error:
                del error
        del retriever
    gc.collect()
    assert [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)] == []
