"""What others may try with the server: each is refused, and none of it reaches what it aims at."""

import base64
import http.client
import json
import os
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests.picture_server import PictureServer, encoded, file, png_that_claims, stripes
from tests.serve_process import ServeProcess, problem

A_PICTURE = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[0]
SEARCH = {"phrase": "a boat", "tag": "boat", "source": "sample", "top": 2}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[ServeProcess]:
    place = tmp_path_factory.mktemp("attacked")
    link_export(place / "cache")
    secrets = place / "secrets"
    secrets.mkdir()
    (secrets / "private.jpg").write_bytes(A_PICTURE.read_bytes())
    root = place / "root"
    root.mkdir()
    (root / "way-out").symlink_to(secrets)
    (root / "picture.jpg").symlink_to(secrets / "private.jpg")
    with ServeProcess(root, {"PHRASEPIX_CACHE_DIR": str(place / "cache")}) as server:
        yield server


@dataclass(frozen=True)
class Knock:
    """A request as no library sends it; `{origin}`, `{port}` and `{token}` stand for the server's own."""

    name: str
    status: int
    method: str = "GET"
    path: str = "/api/v1/models"
    headers: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1:{port}"
    token: str = "Bearer {token}"

    def __str__(self) -> str:
        return self.name


POST = {"method": "POST", "path": "/api/v1/insert"}
KNOCKS = [
    Knock("another host's name", 421, host="evil.example"),
    Knock("another host's name with our port", 421, host="evil.example:{port}"),
    Knock("a name that begins as ours", 421, host="127.0.0.1.evil.example:{port}"),
    Knock("our name and another port", 421, host="127.0.0.1:1"),
    Knock("no port", 421, host="127.0.0.1"),
    Knock("an address of this machine in another spelling", 421, host="2130706433:{port}"),
    Knock("a user before the host", 421, host="evil@127.0.0.1:{port}"),
    Knock("an empty host", 421, host=""),
    Knock("the page of another host", 421, path="/?token={token}", host="evil.example", token=""),
    Knock("a file of the page of another host", 421, path="/page/index.html", host="evil.example"),
    Knock("the description for another host", 421, path="/api/v1/openapi.json", host="evil.example"),
    Knock("a post from another page", 403, **POST, headers={"Origin": "https://evil.example"}),
    Knock("a post from a page of another port", 403, **POST, headers={"Origin": "http://127.0.0.1:1"}),
    Knock("a post from our name by https", 403, **POST, headers={"Origin": "https://127.0.0.1:{port}"}),
    Knock("a post from our other name", 403, **POST, headers={"Origin": "http://localhost:{port}"}),
    Knock("a post from a page without an origin", 403, **POST, headers={"Origin": "null"}),
    Knock("a post across sites", 403, **POST, headers={"Sec-Fetch-Site": "cross-site"}),
    Knock("a post within the site", 403, **POST, headers={"Sec-Fetch-Site": "same-site"}),
    Knock("a read across sites", 403, headers={"Sec-Fetch-Site": "cross-site"}),
    Knock(
        "a delete across sites", 403, method="DELETE", path="/api/v1/history", headers={"Sec-Fetch-Site": "same-site"}
    ),
    Knock("tools across sites", 403, method="POST", path="/mcp", headers={"Origin": "https://evil.example"}),
    Knock(
        "vectors across sites", 403, method="POST", path="/v1/embeddings", headers={"Origin": "https://evil.example"}
    ),
    Knock("a question before a post", 403, method="OPTIONS", headers={"Origin": "https://evil.example"}),
    Knock("no token", 401, token=""),
    Knock("another token", 401, token="Bearer 00000000000000000000000000000000"),
    Knock("a part of the token", 401, token="Bearer {token:.10}"),
    Knock("an empty token", 401, token="Bearer "),
    Knock("the token as a password", 401, token="Basic {token}"),
    Knock("the token in the address of a route", 401, path="/api/v1/models?token={token}", token=""),
    Knock("the token as another port's cookie", 401, token="", headers={"Cookie": "phrasepix-1={token}"}),
    Knock("an old cookie", 401, token="", headers={"Cookie": "phrasepix-{port}=00000000000000000000000000000000"}),
    Knock("a cookie that is none", 401, token="", headers={"Cookie": "phrasepix-{port}"}),
    Knock("no token for tools", 401, method="POST", path="/mcp", token=""),
    Knock("no token for vectors", 401, method="POST", path="/v1/embeddings", token=""),
    Knock("no token for the page's files", 401, path="/page/index.html", token=""),
    Knock("no token for the description", 401, path="/api/v1/openapi.json", token=""),
    Knock("no token for what is not there", 401, path="/nosuch", token=""),
    Knock("a way out of the page's files", 404, path="/page/../settings.py"),
    Knock("the same, encoded", 404, path="/page/%2e%2e/settings.py"),
    Knock("the same, encoded twice", 404, path="/page/%252e%252e/settings.py"),
    Knock("the same, with backslashes", 404, path="/page/..%5csettings.py"),
    Knock("the same, absolute", 404, path="/page//etc/passwd"),
    Knock("a NUL in a path", 404, path="/page/index.html%00.js"),
    Knock("another verb", 405, method="TRACE"),
]


def raw_answer(
    server: ServeProcess, method: str, path: str, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, str]:
    """An answer to a request to which nothing is added, redirects not followed, and its body."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()


@pytest.mark.parametrize("knock", KNOCKS, ids=str)
def test_a_request_of_anybody_else_is_refused(server: ServeProcess, knock: Knock) -> None:
    given = {"origin": server.origin, "port": server.port, "token": server.token}
    headers = {name: value.format(**given) for name, value in knock.headers.items()}
    if knock.token:
        headers["Authorization"] = knock.token.format(**given)
    headers["Host"] = knock.host.format(**given)
    answer, body = raw_answer(server, knock.method, knock.path.format(**given), headers)
    assert answer.status == knock.status, body
    assert server.token not in body
    assert answer.getheader("access-control-allow-origin") is None
    assert answer.getheader("set-cookie") is None
    assert "default-src 'none'" in (answer.getheader("content-security-policy") or "")


def exchanged(server: ServeProcess, sent: bytes) -> bytes:
    """What the server answers to bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while block := connection.recv(65536):
            answer += block
    return answer


def test_two_hosts_and_none_are_refused(server: ServeProcess) -> None:
    ours = f"Host: 127.0.0.1:{server.port}\r\n"
    token = f"Authorization: Bearer {server.token}\r\n"
    for hosts in (f"{ours}Host: evil.example\r\n", ""):
        answer = exchanged(server, f"GET /api/v1/models HTTP/1.1\r\n{hosts}{token}\r\n".encode())
        assert answer.split()[1] in {b"400", b"421"}


def test_a_line_break_in_what_is_asked_makes_no_header(server: ServeProcess) -> None:
    path = "/api/v1/searches/x%0d%0aSet-Cookie:%20a=b/pictures/1"
    answer = server.ask("GET", path)
    problem(answer, 404)
    assert "set-cookie" not in answer.headers
    for name in ("model", "source", "project"):
        answer = server.ask("POST", "/api/v1/search", {**SEARCH, name: "x\r\nSet-Cookie: a=b"})
        assert "set-cookie" not in answer.headers


def test_every_answer_says_what_a_browser_may_do_with_it(server: ServeProcess) -> None:
    page = server.ask("GET", "/")
    assert page.status_code == 200
    for answer in (
        page,
        server.ask("GET", "/api/v1/models"),
        server.ask("GET", "/nosuch"),
        server.ask("GET", "/api/docs"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert "<script>" not in page.text
    assert " style=" not in page.text


def test_the_first_page_is_there_without_a_redirect_and_keeps_a_strict_cookie(server: ServeProcess) -> None:
    answer, _ = raw_answer(server, "GET", f"/?token={server.token}", {})
    assert answer.status == 200
    cookie = answer.getheader("set-cookie") or ""
    assert cookie.startswith(f"phrasepix-{server.port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    kept = f'a={{"b":1}}; {cookie.partition(";")[0]}; c'  # among those of other programs of this host
    assert raw_answer(server, "GET", "/api/v1/models", {"Cookie": kept})[0].status == 200


def test_an_address_of_an_earlier_start_says_what_to_do(server: ServeProcess) -> None:
    for path, headers in (("/?token=old", {}), ("/", {"Cookie": f"phrasepix-{server.port}=old"}), ("/", {})):
        answer, page = raw_answer(server, "GET", path, headers)
        assert answer.status == 401
        assert "phrasepix serve" in page
        assert "Open that address" in page


# Paths.


def files_beside(server: ServeProcess) -> list[Path]:
    """All files where the root lies, but those of the cache."""
    return sorted(path for path in server.root.parent.rglob("*") if "cache" not in path.parts)


OUTSIDE = ["..", "../secrets", "/etc", "way-out", "way-out/deeper", "own/../../secrets", "../root-beside", "x\0y"]


@pytest.mark.parametrize("path", OUTSIDE, ids=repr)
def test_no_path_leads_out_of_the_root(server: ServeProcess, path: str) -> None:
    before = files_beside(server)
    asked = [
        {**SEARCH, "source": path if "/" in path or path == ".." else f"./{path}"},
        {**SEARCH, "source": f"folder:{path}"},
        {**SEARCH, "source": ["sample", f"folder:{path}"]},
        {**SEARCH, "project": path},
        {**SEARCH, "like": path},
        {**SEARCH, "like": [{"picture": f"{path}/private.jpg"}]},
        {**SEARCH, "minus": [{"picture": f"{path}/private.jpg"}]},
        {**SEARCH, "model": f"local-dir:{path}"},
        {**SEARCH, "refine": f"local-dir:{path}"},
        {**SEARCH, "model": f"local-dir:{path}+local-dir:own"},
        {**SEARCH, "model": f"local-dir:own+local-dir:{path}"},
    ]
    for body in asked:
        told = problem(server.ask("POST", "/api/v1/search", body), 403)
        assert told["type"] == "urn:phrasepix:outside-root", body
    found = server.post("/api/v1/search", SEARCH)
    wish = {"items": [{"search": found["id"], "rank": 1}], "project": path}
    problem(server.ask("POST", "/api/v1/save", wish), 403)
    problem(server.ask("POST", "/v1/embeddings", {"input": "a boat", "model": f"local-dir:{path}"}), 403)
    assert files_beside(server) == before


def test_a_link_out_of_the_root_is_no_picture_of_it(server: ServeProcess) -> None:
    told = problem(server.ask("POST", "/api/v1/search", {**SEARCH, "like": "picture.jpg"}), 403)
    assert told["type"] == "urn:phrasepix:outside-root"


def test_a_tilde_is_a_name_like_any_other(server: ServeProcess) -> None:
    found = server.post("/api/v1/search", SEARCH)
    saved = server.post("/api/v1/save", {"items": [{"search": found["id"], "rank": 1}], "project": "~"})
    assert (server.root / saved["saved"][0]["path"]).parent == server.root / "~"


def test_words_that_look_like_a_file_are_words(server: ServeProcess) -> None:
    """On the command line they might be one; here that would tell which files there are."""
    for words in ("/etc/passwd", "../secrets/private.jpg", "picture.jpg"):
        answer = server.post("/api/v1/search", {**SEARCH, "minus": words})
        assert answer["query"]["unwanted"] == [{"phrase": words, "weight": 1.0}]


# Addresses.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/picture.png",
        "http://localhost:{port}/picture.png",
        "http://2130706433:{port}/picture.png",
        "http://[::1]:{port}/picture.png",
        "http://[::ffff:127.0.0.1]:{port}/picture.png",
        "http://0x7f.1:{port}/picture.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/picture.png",
        "http://192.168.1.1/picture.png",
        "http://printer.local/picture.png",
        "http://intranet/picture.png",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/picture.png",
        "gopher://127.0.0.1:{port}/picture.png",
    ],
)
def test_no_address_leads_into_the_servers_own_network(server: ServeProcess, url: str) -> None:
    """Though the sample that is searched is on this machine itself, whose pictures the search may fetch from there."""
    with PictureServer() as inside:
        inside.put("/picture.png", file(encoded(stripes(["red"]), "PNG"), "image/png"))
        address = url.format(port=inside.port)
        bodies: list[tuple[str, dict[str, Any]]] = [
            ("/api/v1/search", {**SEARCH, "like": address}),
            ("/api/v1/search", {**SEARCH, "like": [{"picture": address}]}),
            ("/api/v1/search", {**SEARCH, "minus": address}),
            ("/api/v1/search", {**SEARCH, "phrase": {"wanted": [{"picture": address}]}}),
            ("/v1/embeddings", {"input": address, "model": "sample"}),
            ("/v1/embeddings", {"input": [{"image": address}], "model": "sample"}),
            ("/v1/rerank", {"query": address, "documents": ["a boat"], "model": "sample"}),
        ]
        for path, body in bodies:
            told = problem(server.ask("POST", path, body), 403)
            assert told["type"] == "urn:phrasepix:forbidden-address", body
        assert inside.asked_in_all == 0


@pytest.mark.slow
def test_a_public_address_is_fetched_once(server: ServeProcess, tmp_path: Path) -> None:
    """A proxy stands for the network beyond."""
    with PictureServer() as proxy:
        url = "http://pictures.example/red.png"
        proxy.put("/red.png", file(encoded(stripes(["red"]), "PNG"), "image/png"))
        environment = {
            "PHRASEPIX_CACHE_DIR": str(tmp_path / "cache"),
            "http_proxy": proxy.url(""),
            "no_proxy": "127.0.0.1,localhost",
        }
        with ServeProcess(tmp_path / "root", environment) as behind_proxy:
            found = behind_proxy.post("/api/v1/search", {**SEARCH, "like": url})
            assert found["query"]["wanted"][1]["picture"] == "red.png"
            again = behind_proxy.post("/api/v1/search", {**SEARCH, "like": url})
            assert [one["score"] for one in again["matches"]] == [one["score"] for one in found["matches"]]
            assert proxy.asked["/red.png"] == 1
            told = problem(
                behind_proxy.ask("POST", "/api/v1/search", {**SEARCH, "like": f"{url}?2", "offline": True}), 404
            )
            assert "offline it is not fetched" in told["detail"]
            assert proxy.asked_in_all == 1


# Files and bodies.


def bombs() -> dict[str, bytes]:
    return {
        "pixels": png_that_claims(60_000, 60_000),
        "text": b"<script>alert(1)</script>",
        "nothing": b"",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
        "cut": A_PICTURE.read_bytes()[:2000],
        "line": png_that_claims(40_000, 1),
        "zip": b"PK\x03\x04" + bytes(100),
        "compressed": zlib.compress(bytes(1 << 20)),
    }


@pytest.mark.parametrize("name", bombs())
def test_a_file_that_is_no_usable_picture_is_refused(server: ServeProcess, name: str) -> None:
    data = bombs()[name]
    problem(server.ask("POST", "/api/v1/pictures", data), 422)
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    problem(server.ask("POST", "/v1/embeddings", {"input": url, "model": "sample"}), 422)
    problem(server.ask("POST", "/api/v1/search", {**SEARCH, "like": url}), 422)


def test_bodies_are_bounded_whether_they_say_their_length_or_not(server: ServeProcess) -> None:
    for path, size in (
        ("/api/v1/save", 2 << 20),
        ("/api/v1/pictures", 33 << 20),
        ("/mcp", 2 << 20),
        ("/v1/rerank", 49 << 20),
    ):
        problem(server.ask("POST", path, bytes(size)), 413)
    for path in ("/api/v1/save", "/mcp"):
        chunks = (b" " * (1 << 20) for _ in range(4))
        problem(server.ask("POST", path, data=chunks, headers={"Content-Type": "application/json"}), 413)


def test_what_is_uploaded_is_written_nowhere(server: ServeProcess) -> None:
    before = files_beside(server)
    server.ask(
        "POST",
        "/api/v1/pictures",
        A_PICTURE.read_bytes(),
        headers={"Content-Disposition": 'attachment; filename="../../evil.jpg"', "X-Filename": "evil.jpg"},
    )
    assert files_beside(server) == before


def test_many_uploads_do_not_fill_the_memory(server: ServeProcess) -> None:
    """The oldest go: only so many bytes of pixels are kept."""
    large = encoded(stripes(["red", "blue"], (2000, 1900)), "JPEG", quality=30)
    first = server.post("/api/v1/pictures", large)["picture"]
    for _ in range(13):
        last = server.post("/api/v1/pictures", large)["picture"]
    problem(server.ask("POST", "/api/v1/search", {**SEARCH, "like": first}), 404)
    assert server.post("/api/v1/search", {**SEARCH, "like": last})["matches"]


def test_the_token_is_in_no_answer_but_the_cookie(server: ServeProcess) -> None:
    for path in ("/", "/api/docs", "/api/v1/openapi.json", "/api/v1/sources", "/api/v1/history", "/page/index.html"):
        answer = server.ask("GET", path)
        assert server.token not in answer.text
        assert server.token not in json.dumps(dict(answer.headers))
    assert server.token not in server.said


def test_another_address_of_the_machine_is_not_listened_on(server: ServeProcess) -> None:
    own = socket.gethostbyname(socket.gethostname()) if os.name == "posix" else ""
    if own.startswith("127.") or not own:
        pytest.skip("this machine has no address but its own")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((own, server.port), timeout=5).close()
