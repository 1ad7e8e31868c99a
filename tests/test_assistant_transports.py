"""The tools for assistants over their transports: the real command on stdio, and HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
import requests
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from phrasepix import Finder
from phrasepix.assistant.toolbox import Toolbox
from phrasepix.kept_searches import KeptSearches
from phrasepix.server.app import create_app
from phrasepix.server.running import bound_socket
from phrasepix.server.settings import ServerSettings
from phrasepix_core.root import Root
from tests import in_process
from tests.assistants import MODES, running, served, text_of, with_client
from tests.first_often import first_often
from tests.test_command_line import command

pytestmark = pytest.mark.sample_remembered

SEARCH = {"phrase": "two red boats at night in the rain", "tag": ["boat"], "source": ["sample"], "top": 3}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


async def the_whole_way(client: Client) -> dict[str, Any]:
    """Search, look, save and credit; return what each answered, by the tool's name."""
    answers: dict[str, types.CallToolResult] = {}
    answers["search"] = await client.call_tool("search", SEARCH)
    search = answers["search"].structured_content["id"]
    answers["look"] = await client.call_tool("look", {"search": search, "rank": 1, "size": 128})
    answers["save"] = await client.call_tool("save", {"search": search, "ranks": [2, 1], "folder": "book"})
    answers["insert_text"] = await client.call_tool(
        "insert_text", {"search": search, "ranks": [2, 1], "form": "markdown", "folder": "book"}
    )
    assert {name: text_of(one) for name, one in answers.items() if one.is_error} == {}
    return answers


def check(answers: dict[str, Any], root: Path) -> None:
    assert len(answers["search"].structured_content["matches"]) == 3
    assert [one.type for one in answers["look"].content] == ["text", "image"]
    files = [one["path"] for one in answers["save"].structured_content["saved"]]
    assert all((root / file).is_file() for file in files)
    shown = [one["text"] for one in answers["insert_text"].structured_content["inserts"]]
    assert [Path(file).name in text for file, text in zip(files, shown, strict=True)] == [True, True]


# stdio.


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.slow
def test_the_command_serves_a_client_on_stdio(tmp_path: Path, mode: str) -> None:
    program, *arguments = command("mcp", "--root", str(tmp_path))
    server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
    with (tmp_path / "stderr").open("w") as said:
        answers = with_client(stdio_client(server, errlog=said), the_whole_way, mode=mode)
    check(answers, tmp_path)
    assert "Traceback" not in (tmp_path / "stderr").read_text()


@pytest.mark.slow
def test_the_configuration_of_the_guide_starts_the_tools(tmp_path: Path) -> None:
    guide = Path(__file__).parents[1] / "docs" / "how-to" / "use-from-an-assistant.md"
    written = guide.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
    described = json.loads(written)["mcpServers"]["phrasepix"]
    assert described["command"] == "phrasepix"
    program, *arguments = command(*(str(tmp_path) if one.startswith("/") else one for one in described["args"]))
    server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))

    async def talk(client: Client) -> set[str]:
        return {tool.name for tool in (await client.list_tools()).tools}

    assert with_client(stdio_client(server), talk) == set(re.findall(r"^\| `(\w+)` \|", guide.read_text("utf-8"), re.M))


def lines(*messages: dict[str, Any]) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


@pytest.mark.slow
def test_stdout_carries_the_protocol_alone_whatever_is_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    called = {"name": "search", "arguments": {"phrase": "a boat", "source": ["."], "model": "sample"}}
    answered: list[dict[str, Any]] = []
    with (tmp_path / "stderr").open("w") as said:
        process = subprocess.Popen(
            command("mcp", "--root", str(tmp_path), "--debug"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines(INITIALIZE, {"jsonrpc": "2.0", "method": "notifications/initialized"}))
        process.stdin.write("this is no JSON\n")
        process.stdin.write(lines({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": called}))
        process.stdin.flush()
        while not any(one.get("id") == 2 for one in answered):
            answered.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(30) == 0
    assert all(one["jsonrpc"] == "2.0" for one in answered)
    assert answered[-1]["result"]["structuredContent"]["skipped"][0]["id"].endswith("broken.jpg")


@pytest.mark.parametrize("number", first_often(1, [signal.SIGTERM, signal.SIGINT]))
def test_a_signal_ends_the_command_while_it_waits_for_the_assistant(number: signal.Signals) -> None:
    process = subprocess.Popen(
        command("mcp"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines(INITIALIZE))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 1
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_command_starts_without_torch_and_without_what_a_search_needs() -> None:
    code = "from phrasepix.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, "mcp"],
        input=lines(INITIALIZE),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "phrasepix"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "import time:" in line}
    assert "mcp.server.stdio" in imported
    unused = {"torch", "open_clip", "openvino", "transformers", "requests", "rich", "jsonschema", "fastapi"}
    assert sorted(imported & unused) == []


@pytest.mark.parametrize("missing", first_often(1, ["mcp", "mcp_types"]))
def test_a_missing_package_is_said_in_one_sentence(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from phrasepix.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "mcp"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert re.match("Error: phrasepix mcp needs (version 2 or newer of )?the package mcp: ", line)
    assert "pip install" in line


def test_a_root_that_is_no_folder_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    done = in_process.run("mcp", "--root", str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert done.stderr == f"Error: the root {tmp_path / 'nothing'} is no folder; make it first, or name another\n"


def test_the_word_mcp_is_searched_for_behind_a_dash() -> None:
    done = in_process.run("--", "mcp", "--tag", "boat", "--source", "sample", "--json", "-n", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["phrase"] == "mcp"


# HTTP.


@pytest.mark.parametrize("mode", MODES)
def test_a_client_is_served_over_http(tmp_path: Path, mode: str) -> None:
    with Finder() as finder, served(Toolbox(finder, KeptSearches(), Root.at(tmp_path))) as url:
        check(with_client(url, the_whole_way, mode=mode), tmp_path)


def test_progress_comes_while_a_search_over_http_runs(tmp_path: Path) -> None:
    told = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async def talk(client: Client) -> types.CallToolResult:
        return await client.call_tool("search", SEARCH, progress_callback=hear)

    with Finder() as finder, served(Toolbox(finder, KeptSearches())) as url:
        assert not with_client(url, talk).is_error
    assert len(told) > 1
    assert told == sorted(set(told))


def test_several_clients_share_the_searches_that_are_kept(tmp_path: Path) -> None:
    async def both(url: str) -> types.CallToolResult:
        async with Client(url) as one, Client(url) as other:
            answer = await one.call_tool("search", SEARCH)
            return await other.call_tool("look", {"search": answer.structured_content["id"], "rank": 1})

    with Finder() as finder, served(Toolbox(finder, KeptSearches())) as url:
        assert not anyio.run(both, url).is_error


@pytest.mark.parametrize("mode", first_often(1, MODES))
def test_the_served_process_has_the_tools_for_whoever_shows_its_token(tmp_path: Path, mode: str) -> None:
    async def run(origin: str, token: str) -> dict[str, types.CallToolResult]:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
            transport = streamable_http_client(f"{origin}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await the_whole_way(client)

    with Finder() as finder, bound_socket("127.0.0.1", 0) as bound:
        settings = ServerSettings(port=bound.getsockname()[1], root=tmp_path)
        with running(create_app(finder, settings), [bound]) as origin:
            refused = requests.post(f"{origin}/mcp", json=INITIALIZE, timeout=30)
            elsewhere = requests.post(
                f"{origin}/mcp",
                json=INITIALIZE,
                headers={"Authorization": f"Bearer {settings.token}", "Origin": "https://evil.example"},
                timeout=30,
            )
            check(anyio.run(run, origin, settings.token), tmp_path)
    assert refused.status_code == 401
    assert elsewhere.status_code == 403


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b"x" * (5 << 20), 413), (json.dumps(INITIALIZE).encode(), 200)]
)
def test_what_is_no_message_is_refused_over_http(body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with Finder() as finder, served(Toolbox(finder, KeptSearches())) as url:
        answer = requests.post(url, data=body, headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
