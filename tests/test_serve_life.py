"""The server's life: how it starts and ends, who shares it, and what it never says."""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from phrasepix.server.settings import ServerSettings
from tests import in_process
from tests.first_often import first_often
from tests.picture_server import Exchange, PictureServer, encoded, file, hold_until, stripes
from tests.serve_process import ServeProcess, problem
from tests.servers import ScriptedServer, hit, of_hits, plain
from tests.terminal import run_on_terminal
from tests.test_command_line import command

KEYS = {"PIXABAY_API_KEY": "31415926-nobodyseesthis0", "PEXELS_API_KEY": "27182818nobodyseesthiseither"}
STOCK = {"phrase": "red stripes", "tag": "stripes", "source": "pixabay", "model": "sample", "top": 3}
PICTURES = 96


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Path:
    directory = tmp_path_factory.mktemp("served") / "cache"
    link_export(directory)
    return directory


class Stock:
    """A stock site with pictures of its own ids, from `first` on, each of which takes a while."""

    def __init__(self, api: ScriptedServer, pictures: PictureServer, *, first: int, delay_s: float) -> None:
        self.pictures = pictures
        hits = []
        for number in range(first, first + PICTURES):
            body = encoded(stripes(["red"] * (number % 50 + 1) + ["blue"] * 9), "PNG")
            url = pictures.put(f"/{number}.png", _after(delay_s, body))
            hits.append(hit(number, previewURL=url, webformatURL=url, largeImageURL=url))
        budget = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "93", "X-RateLimit-Reset": "57"}
        api.otherwise = lambda asked: of_hits(hits if asked.query["page"] == "1" else [], None, **budget)
        self.environment = {"PIXABAY_API_URL": api.url, **KEYS}


def _after(seconds: float, body: bytes) -> Callable[[Exchange], None]:
    answer = file(body, "image/png")

    def answer_later(exchange: Exchange) -> None:
        if not exchange.wait(seconds):
            answer(exchange)

    return answer_later


@pytest.fixture
def slow_stock(api: ScriptedServer, request: pytest.FixtureRequest) -> Iterator[Stock]:
    """Its pictures take seconds in all; nobody has seen them before."""
    with PictureServer() as pictures:
        yield Stock(api, pictures, first=1000 * (1 + request.node.name.startswith("test_the_end")), delay_s=0.25)


@pytest.fixture
def stock(api: ScriptedServer) -> Iterator[Stock]:
    with PictureServer() as pictures:
        yield Stock(api, pictures, first=1, delay_s=0)


def serving(tmp_path: Path, cache: Path, environment: dict[str, str], *arguments: str) -> ServeProcess:
    return ServeProcess(tmp_path / "root", {"PHRASEPIX_CACHE_DIR": str(cache), **environment}, *arguments)


def embeddings_of(cache: Path, first: int) -> int:
    """How many pictures of a stock are remembered."""
    with closing(sqlite3.connect(cache / "embeddings.sqlite")) as db:
        query = "SELECT COUNT(*) FROM embeddings WHERE CAST(picture AS INTEGER) BETWEEN ? AND ?"
        return int(db.execute(query, (first, first + PICTURES - 1)).fetchone()[0])


def looked_at(events: Iterator[tuple[str, Any]], least: int) -> None:
    """Read events until so many pictures were looked at."""
    for name, data in events:
        assert name != "error", data
        if name == "progress" and data["done"] >= least:
            return
    raise AssertionError("the search is over")


@pytest.mark.slow
def test_a_search_ends_with_its_client_and_what_was_encoded_is_kept(
    tmp_path: Path, cache: Path, slow_stock: Stock
) -> None:
    with serving(tmp_path, cache, slow_stock.environment) as server:
        events = server.events("/api/v1/search", STOCK)
        looked_at(events, 16)
        events.close()  # type: ignore[attr-defined]  # a generator: closes the connection
        asked = -1
        while asked != (asked := slow_stock.pictures.asked_in_all):  # until nobody asks for pictures any more
            threading.Event().wait(0.6)
        assert slow_stock.pictures.asked_in_all < PICTURES
        assert server.get("/api/v1/history")["searches"] == []
    assert embeddings_of(cache, 1000) >= 16


@pytest.mark.slow
def test_the_end_of_the_server_ends_its_searches_and_loses_nothing_that_was_encoded(
    tmp_path: Path, cache: Path, slow_stock: Stock
) -> None:
    with serving(tmp_path, cache, slow_stock.environment) as server:
        events = server.events("/api/v1/search", STOCK)
        looked_at(events, 16)
        assert server.end(signal.SIGTERM) == 0
        last = list(events)[-1]
        assert last[0] == "error"
        assert last[1]["status"] == 503
    assert slow_stock.pictures.asked_in_all < PICTURES
    assert embeddings_of(cache, 2000) >= 16


@pytest.mark.parametrize("number", first_often(1, [signal.SIGINT, signal.SIGTERM]))
def test_it_ends_at_once_when_nothing_is_under_way(tmp_path: Path, cache: Path, number: int) -> None:
    with serving(tmp_path, cache, {}) as server:
        server.get("/api/v1/models")
        assert server.end(number) == 0
        assert server.said == ""


@pytest.mark.slow
def test_two_servers_share_a_cache(tmp_path: Path, cache: Path, stock: Stock) -> None:
    with serving(tmp_path, cache, stock.environment) as one, serving(tmp_path, cache, stock.environment) as other:
        assert one.port != other.port
        first = one.post("/api/v1/search", STOCK)
        second = other.post("/api/v1/search", STOCK)
        assert [match["id"] for match in first["matches"]] == [match["id"] for match in second["matches"]]
        problem(other.ask("GET", f"/api/v1/searches/{first['id']}"), 404)
        assert other.ask("GET", "/", headers={"Authorization": f"Bearer {one.token}"}).status_code == 401


@pytest.mark.slow
def test_what_is_left_of_a_rate_limit_is_told(tmp_path: Path, cache: Path, stock: Stock, api: ScriptedServer) -> None:
    with serving(tmp_path, cache, stock.environment) as server:

        def budget_of(name: str) -> Any:
            return next(one["budget"] for one in server.get("/api/v1/sources") if one["name"] == name)

        assert budget_of("pixabay") is None
        answer = server.ask("POST", "/api/v1/search", {**STOCK, "tag": "lines"})
        assert answer.headers["ratelimit"].startswith('"pixabay";r=93;t=')
        assert answer.headers["ratelimit-policy"] == '"pixabay";q=100'
        left = budget_of("pixabay")
        assert (left["remaining"], left["limit"]) == (93, 100)
        assert budget_of("openverse") is None


@pytest.mark.slow
def test_a_spent_rate_limit_is_429_and_says_when_to_come_again(
    tmp_path: Path, cache: Path, stock: Stock, api: ScriptedServer
) -> None:
    api.otherwise = lambda asked: plain(429, "[ERROR 429] API rate limit exceeded", Retry_After="900")
    with serving(tmp_path, cache, stock.environment) as server:
        answer = server.ask("POST", "/api/v1/search", {**STOCK, "tag": "spent"})
        told = problem(answer, 429)
        assert told["type"] == "urn:phrasepix:rate-limit"
        assert 0 < int(answer.headers["retry-after"]) <= 900
        assert told["retry_after_s"] == int(answer.headers["retry-after"])


@pytest.mark.slow
def test_no_key_is_in_any_answer_event_or_log(tmp_path: Path, cache: Path, stock: Stock, api: ScriptedServer) -> None:
    with serving(tmp_path, cache, stock.environment, "--debug") as server:
        told = [json.dumps(list(server.events("/api/v1/search", STOCK)))]
        found = server.post("/api/v1/search", STOCK)
        wish = {"items": [{"search": found["id"], "rank": 1}]}
        for method, path, body in [
            ("GET", "/", None),
            ("GET", "/api/docs", None),
            ("GET", "/api/v1/sources", None),
            ("GET", "/api/v1/history", None),
            ("GET", "/api/v1/openapi.json", None),
            ("POST", "/api/v1/insert", wish),
            ("POST", "/api/v1/save", {**wish, "project": "keys"}),
            ("POST", "/api/v1/search", {**STOCK, "tag": KEYS["PIXABAY_API_KEY"]}),
        ]:
            answer = server.ask(method, path, body)
            if path != "/api/v1/search":  # where the client itself has said it
                told.append(answer.text)
            told.append(str(answer.headers))
        api.otherwise = lambda asked: of_hits([hit(1, tags=KEYS["PIXABAY_API_KEY"])])
        told.append(server.ask("POST", "/api/v1/search", {**STOCK, "tag": "echo"}).text)
        told.append((server.root / "keys" / "credits.json").read_text(encoding="utf-8"))
        assert server.end() == 0
        told.append(server.said)
    assert [key for key in KEYS.values() if key in "".join(told)] == []
    assert api.asked, "the key was used"


@pytest.mark.slow
def test_recent_searches_can_be_switched_off(tmp_path: Path, cache: Path, stock: Stock) -> None:
    with serving(tmp_path, cache, stock.environment, "--no-history") as server:
        server.post("/api/v1/search", STOCK)
        assert server.get("/api/v1/history") == {"enabled": False, "searches": []}


@pytest.mark.slow
def test_several_clients_at_once_each_get_their_own_answer(tmp_path: Path, cache: Path) -> None:
    with serving(tmp_path, cache, {}) as server:
        answers: dict[int, Any] = {}

        def ask(number: int) -> None:
            body = {"phrase": f"a boat number {number}", "tag": "boat", "source": "sample", "top": 2}
            answers[number] = server.post("/api/v1/search", body)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {number: answer["phrase"] for number, answer in answers.items()} == {
        number: f"a boat number {number}" for number in range(12)
    }
    assert len({answer["id"] for answer in answers.values()}) == 12


@pytest.mark.slow
def test_pictures_come_while_as_many_searches_as_may_run_are_under_way(
    tmp_path: Path, cache: Path, api: ScriptedServer
) -> None:
    go_on = threading.Event()
    with PictureServer() as pictures:
        url = pictures.put("/held.png", hold_until(go_on, encoded(stripes(["red"]), "PNG")))
        api.otherwise = lambda asked: of_hits([hit(9001, previewURL=url, webformatURL=url, largeImageURL=url)])
        with serving(tmp_path, cache, {"PIXABAY_API_URL": api.url, **KEYS}) as server:
            found = server.post("/api/v1/search", {"phrase": "a boat", "tag": "boat", "source": "sample", "top": 1})
            bodies = [
                {**STOCK, "phrase": f"red stripes, {number}"} for number in range(ServerSettings(port=0).most_searches)
            ]
            searches = [server.events("/api/v1/search", body) for body in bodies]
            for events in searches:
                next(events)
            assert server.ask("GET", found["matches"][0]["picture_url"]).ok
            assert server.get("/api/v1/sources")
            over = [one["phrase"] for one in server.get("/api/v1/history")["searches"]]
            assert over == ["a boat"], "none of the others had to end first"
            go_on.set()
            assert [list(events)[-1][0] for events in searches] == ["done"] * len(searches)


def test_open_to_others_it_says_what_that_means_and_still_wants_the_token(tmp_path: Path, cache: Path) -> None:
    with serving(tmp_path, cache, {}, "--host", "0.0.0.0") as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert server.get("/api/v1/models")
        assert problem(server.ask("GET", "/api/v1/models", headers={"Authorization": ""}), 401)
        for host, status in ((f"192.0.2.7:{server.port}", 200), (f"evil.example:{server.port}", 421)):
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
                headers = {"Host": host, "Authorization": f"Bearer {server.token}"}
                connection.request("GET", "/api/v1/models", headers=headers)
                assert connection.getresponse().status == status
        server.end()
        assert "not encrypted" in server.said


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path, cache: Path) -> None:
    with serving(tmp_path, cache, {}) as server:
        done = in_process.run("serve", "--port", str(server.port))
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr
    assert done.stdout == ""


def test_a_host_that_is_none_is_said_in_a_sentence() -> None:
    done = in_process.run("serve", "--host", "nosuch.invalid")
    assert done.returncode == 2
    assert "nosuch.invalid cannot be listened on" in done.stderr


@pytest.mark.slow
def test_it_starts_without_what_only_a_search_needs(tmp_path: Path, cache: Path) -> None:
    """No model, no engine, no protocol of assistants: it listens before anybody needs them."""
    with subprocess.Popen(
        command("serve", "--root", str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines() if line.startswith("import time:")}
    assert "fastapi" in imported
    later = {"jinja2", "phrasepix.saving.save", "phrasepix.saving.metadata"}
    heavy = {"torch", "openvino", "mcp", "open_clip", "tokenizers", "rich", "schemathesis", "huggingface_hub"}
    assert imported & (heavy | later) == set()


_SLOW_TO_START = """
import sys, threading
from phrasepix.cli import serve
from phrasepix.cli.main import main
demand = serve._demand_packages
def slowly():
    threading.Event().wait(2)
    demand()
serve._demand_packages = slowly
main()
"""


def test_a_start_that_takes_a_while_is_shown_on_a_terminal_alone(tmp_path: Path) -> None:
    program = [sys.executable, "-c", _SLOW_TO_START, "serve", "--root", str(tmp_path / "root")]

    def end_it(shown: str, process: "subprocess.Popen[bytes]") -> None:
        if "token=" in shown:
            process.send_signal(signal.SIGTERM)

    code, shown = run_on_terminal(program, on_shown=end_it)
    waiting, _, address = shown.partition("http://")
    assert (code, "Starting the server" in waiting) == (0, True), shown
    assert "Starting" not in address
    assert waiting.endswith("\x1b[2K"), "the line is taken away before the address is printed"
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
