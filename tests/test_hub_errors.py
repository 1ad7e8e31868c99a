"""The hub of models on loopback, refusing in every way: each is told apart, with the remedy that fits."""

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from tests.hub_server import COMMIT, Answer, HubServer
from tests.picture_server import unused_port
from tests.small_disk import small_disk
from tests.tiny_models import TINY, random_tiny, write_model

LOGIN = (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Hotel Meerblick</title><form>room number</form>")
REFUSALS: dict[str, Answer] = {
    "busy": (429, {"Retry-After": "83"}, b""),
    "down": (503, {}, b"<html>maintenance</html>"),
    "login": LOGIN,
    "moved": (302, {"Location": "/welcome"}, b""),
    "gated": (403, {"X-Error-Code": "GatedRepo"}, b""),
    "unknown": (404, {"X-Error-Code": "RepoNotFound"}, b""),
    "token": (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, b""),
    "forbidden": (403, {"X-Error-Message": "not for you"}, b""),
}

CODE = """
import json, sys
from reranker.errors import RerankerError
from reranker.models.text_weights import find_text_tower
from reranker.models.weights import find_weights

def outcome(name):
    try:
        if name.startswith("text:"):
            return "found", str(find_text_tower(name.removeprefix("text:")).directory)
        model, _, tag = name.partition(" ")
        return "found", str(find_weights(model, tag or None).weights_file)
    except RerankerError as error:
        return type(error).__name__, str(error)

print(json.dumps({name: outcome(name) for name in json.loads(sys.argv[1])}))
"""


def outcomes(names: list[str], home: Path, **environment: str) -> dict[str, tuple[str, str]]:
    """What came of each model, in a process of its own: the hub's settings are read once, on import."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(names)],
        env={**clean, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return {name: (kind, said) for name, (kind, said) in json.loads(done.stdout.splitlines()[-1]).items()}


def refusal_of(path: str) -> Answer | None:
    """The refusal that the name of the repository in a path asks for."""
    if path == "/welcome":
        return LOGIN
    return next((answer for name, answer in REFUSALS.items() if f"/somebody/{name}" in path), None)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    place = write_model(tmp_path_factory.mktemp("models") / "tiny", random_tiny(0))
    code = dict.fromkeys(("tokenizer_tiny.py", "tokenizer.py", "vocab.py", "modeling_tiny.py"), b"raise SystemExit")
    texts = {"modules.json": b"[]", "tokenizer_config.json": b"{}", "vocab.txt": b"a"}
    return {path.name: path.read_bytes() for path in place.iterdir()} | code | texts


@pytest.fixture(scope="module")
def told(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, tuple[str, str]], str]:
    """What is said of each refusal, of models and of text towers, and the hub's address."""
    names = [f"{kind}hf-hub:somebody/{name}" for kind in ("", "text:") for name in REFUSALS]
    with HubServer(files, refusal_of) as hub:
        return outcomes(names, tmp_path_factory.mktemp("home"), HF_ENDPOINT=hub.url), hub.url


@pytest.mark.parametrize("kind", ["", "text:"], ids=["model", "text tower"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("busy", ["too many requests", "try again in 83 s", "HF_TOKEN"]),
        ("down", ["out of order (503", "later", "local-dir:PATH"]),
        ("login", ["is not the hub", "page to log in", "browser"]),
        ("moved", ["is not the hub", "page to log in", "browser"]),
        ("gated", ["consent", "{hub}/somebody/gated", "accept their terms", "HF_TOKEN"]),
        ("unknown", ["no model somebody/unknown", "not public", "HF_TOKEN"]),
        ("token", ["does not take the token", "unset it"]),
        ("forbidden", ["forbids it (403)", "{hub}/somebody/forbidden"]),
    ],
)
def test_each_refusal_is_told_with_its_remedy(
    told: tuple[dict[str, tuple[str, str]], str], kind: str, name: str, says: list[str]
) -> None:
    answers, hub = told
    error, message = answers[f"{kind}hf-hub:somebody/{name}"]
    assert error == "WeightsUnavailableError"
    assert f"hf-hub:somebody/{name} cannot be downloaded: " in message
    for words in says:
        assert words.format(hub=hub) in message
    assert "\n" not in message


FILES_ALONE = {
    "weights": ("open_clip_model.safetensors", (429, {"Retry-After": "83"}, b"")),
    "config": ("open_clip_config.json", (503, {}, b"")),
    "modules": ("modules.json", (504, {}, b"")),
}


def test_a_hub_that_refuses_one_file_alone_is_told_without_waiting_for_its_retries(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    def refusal(path: str) -> Answer | None:
        refused = (answer for name, (file, answer) in FILES_ALONE.items() if f"/{name}/" in path and file in path)
        return next(refused, None)

    names = ["hf-hub:somebody/weights", "hf-hub:somebody/config", "text:hf-hub:somebody/modules"]
    with HubServer(files, refusal) as hub:
        # The client alone would ask six times, and sleep for 84 s in between: longer than this may take.
        said = outcomes(names, tmp_path, HF_ENDPOINT=hub.url)
    assert [error for error, _ in said.values()] == ["WeightsUnavailableError"] * 3
    busy, down, also_down = (message for _, message in said.values())
    assert "too many requests from here; try again in 83 s" in busy
    assert f"out of order (503 from {hub.url})" in down
    assert f"out of order (504 from {hub.url})" in also_down


def test_a_name_that_is_none_of_the_hubs_is_said(files: dict[str, bytes], tmp_path: Path) -> None:
    names = ["hf-hub:../../etc", "hf-hub:a/b/c", "hf-hub:tiny\x1b[31m\u202e", "text:hf-hub:a b"]
    with HubServer(files) as hub:
        for error, message in outcomes(names, tmp_path, HF_ENDPOINT=hub.url).values():
            assert error == "UnknownModelError"
            assert "hf-hub:OWNER/NAME" in message
            assert message.isprintable()
        assert hub.asked == []


def test_no_python_of_a_repository_is_downloaded(files: dict[str, bytes], tmp_path: Path) -> None:
    names = ["hf-hub:somebody/tiny", "text:hf-hub:somebody/texts"]
    with HubServer(files) as hub:
        found = outcomes(names, tmp_path, HF_ENDPOINT=hub.url)
        assert [kind for kind, _ in found.values()] == ["found", "found"]
        fetched = {path.rpartition("/")[2] for path in hub.asked if f"/resolve/{COMMIT}/" in path}
    assert {"open_clip_config.json", "tokenizer_config.json", "vocab.txt"} <= fetched
    assert not [path for path in tmp_path.rglob("*.py*") if path.exists()]
    assert not [name for name in fetched if ".py" in name]


def test_a_configuration_from_the_hub_is_checked_too(files: dict[str, bytes], tmp_path: Path) -> None:
    foreign = files | {
        "tokenizer_config.json": json.dumps({"auto_map": {"AutoTokenizer": ["tokenizer.T", None]}}).encode()
    }
    with HubServer(foreign) as hub:
        ((error, message),) = outcomes(["hf-hub:somebody/tiny"], tmp_path, HF_ENDPOINT=hub.url).values()
    assert error == "ModelError"
    assert "hf-hub:somebody/tiny cannot be loaded: tokenizer_config.json: auto_map" in message


@pytest.mark.slow
def test_what_a_text_tower_is_built_after_is_checked_before_it_is(tmp_path: Path) -> None:
    after = "facebook/nllb-200-distilled-600M"
    config = {"model_cfg": {**TINY["model_cfg"], "text_cfg": {**TINY["model_cfg"]["text_cfg"], "hf_model_name": after}}}
    model = write_model(tmp_path / "model", random_tiny(0), config)
    code = "import sys; from reranker import OpenClipEncoder; OpenClipEncoder(f'local-dir:{sys.argv[1]}', None)"
    foreign = {"config.json": json.dumps({"auto_map": {"AutoConfig": "configuration_foreign.Config"}}).encode()}
    with HubServer(foreign | {"configuration_foreign.py": b"raise SystemExit"}) as hub:
        done = subprocess.run(
            [sys.executable, "-c", code, str(model)],
            env=os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url},
            input="y\ny\n",  # to whoever asks whether to run it
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not [path for path in hub.asked if path.endswith(".py")]
    assert "model local-dir:model cannot be loaded: config.json: auto_map" in done.stderr
    assert done.stdout == ""


def test_a_full_disk_is_said_with_the_remedy(files: dict[str, bytes], tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 256) as home, HubServer(files) as hub:
        ((error, message),) = outcomes(["hf-hub:somebody/tiny"], home, HF_ENDPOINT=hub.url).values()
    assert error == "WeightsUnavailableError"
    assert "the disk is full" in message
    assert "HF_HOME" in message


@pytest.fixture
def distrusted() -> Iterator[str]:
    """The address of a server whose certificate nobody here trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # the handshake that fails
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_certificate_that_is_not_trusted_is_said(distrusted: str, tmp_path: Path) -> None:
    names = ["hf-hub:somebody/tiny", "ViT-B-32 laion2b_s34b_b79k"]
    for error, message in outcomes(names, tmp_path, HF_ENDPOINT=distrusted).values():
        assert error == "WeightsUnavailableError"
        assert f"the certificate of {distrusted} is not trusted" in message
        assert "SSL_CERT_FILE" in message


def test_a_proxy_that_does_not_answer_is_said(tmp_path: Path) -> None:
    proxy = {"HTTP_PROXY": f"http://127.0.0.1:{unused_port()}", "NO_PROXY": "", "no_proxy": ""}
    ((error, message),) = outcomes(
        ["hf-hub:somebody/tiny"], tmp_path, HF_ENDPOINT="http://hub.example", **proxy
    ).values()
    assert error == "WeightsUnavailableError"
    assert "the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY does not answer" in message


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_the_variable_that_forbids_downloads_is_named(tmp_path: Path, variable: str) -> None:
    ((error, message),) = outcomes(["hf-hub:somebody/tiny"], tmp_path, **{variable: "1"}).values()
    assert error == "WeightsUnavailableError"
    assert f"and {variable} forbids the download: unset it" in message
