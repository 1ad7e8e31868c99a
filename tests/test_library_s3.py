"""Libraries in a store of the S3 kind, and pictures that are in one: moto's server, by real HTTP on loopback."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from phrasepix.errors import LibraryError, WrongParameterError
from phrasepix.library.fetched import contents_of, row_of
from phrasepix.library.location import Location
from phrasepix.library.object_prefix import ObjectPrefix
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.schema import KEY, Row
from phrasepix.library.table import Library
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix_core.urls import shown_url
from reranker.pictures.objects import object_url, path_of_object
from retriever.folder.facts import Facts
from tests import in_process
from tests.object_store import KEY_ID, SECRET, ObjectStore, serving
from tests.picture_tree import picture, write
from tests.terminal import run_on_terminal
from tests.test_command_line import command, run

pytest.importorskip("lance", reason="libraries need pylance")
pytest.importorskip("moto", reason="the store of these tests is moto's server")

LIBRARY = "s3://tables/museum"
_PATIENCE_S = 60


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with serving() as store:
        store.make_bucket("tables")
        store.make_bucket("pictures")
        yield store


@pytest.fixture
def store(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    for bucket in ("tables", "pictures"):
        for path in server.paths(bucket):
            server.delete(path)
    return server


def said(*arguments: str) -> str:
    done = in_process.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def counts_of(*arguments: str) -> dict[str, int]:
    counts: dict[str, int] = json.loads(said("library", *arguments, "--json"))
    return counts


def fill(store: ObjectStore, number: int = 4) -> list[str]:
    """Put some of the sample's pictures below a prefix; return their names."""
    paths = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:number]
    for path in paths:
        store.put(f"pictures/spring/{path.name}", path.read_bytes())
    return [path.name for path in paths]


@contextmanager
def lists_alone(store: ObjectStore) -> Iterator[str]:
    """Serve the store's answers to whoever asks for a list; who asks for anything else is refused."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "list-type=" not in self.path:
                return self.do_HEAD()
            with urlopen(f"{store.access.endpoint}{self.path}", timeout=_PATIENCE_S) as answer:  # loopback
                body = answer.read()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_library_in_a_store_does_all_that_one_on_the_disk_does(store: ObjectStore, tmp_path: Path) -> None:
    for path in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:4]:
        write(tmp_path / "own" / path.name, path.read_bytes())
    folder = str(tmp_path / "own")
    assert counts_of("add", folder, "--name", LIBRARY, "--model", "sample")["written"] == 4
    assert counts_of("sync", "--name", LIBRARY)["unchanged"] == 4
    (state,) = json.loads(said("library", "status", "--name", LIBRARY, "--json"))
    assert (state["name"], state["path"], state["pictures"], state["problem"]) == (LIBRARY, LIBRARY, 4, "")

    options = ["--model", "sample", "--json", "-n", "2"]
    found = json.loads(said("a red boat", "--source", f"library:{LIBRARY}", *options))
    of_folder = json.loads(said("a red boat", "--source", folder, *options))
    assert [one["score"] for one in found["matches"]] == [one["score"] for one in of_folder["matches"]]
    count = "SELECT count(*) FROM pictures WHERE similarity('a red boat') > -1"
    assert json.loads(said("library", "sql", count, "--name", LIBRARY, "--json"))["rows"] == [[4]]
    assert said("library", "doctor", "--name", LIBRARY)
    said("library", "backup", str(tmp_path / "copy"), "--name", LIBRARY)
    said("library", "restore", str(tmp_path / "copy"), "--name", "here")
    assert Library.open(Location.of("here")).count() == 4
    said("library", "remove", folder, "--name", LIBRARY)
    assert Library.open(Location.of(LIBRARY)).count() == 0


def test_pictures_of_a_prefix_stay_there_and_only_what_is_new_is_read(store: ObjectStore) -> None:
    names = fill(store)
    store.put("pictures/spring/notes.txt", b"no picture")
    prefix = "s3://pictures/spring"
    assert counts_of("add", prefix, "--model", "sample")["encoded"] == 4
    for _ in range(2):  # young objects are looked at again, and are the same by their ETags
        counts = counts_of("sync")
        assert (counts["unchanged"], counts["encoded"], counts["deleted"]) == (4, 0, 0)
    store.put(f"pictures/spring/{names[0]}", picture(7))
    store.delete(f"pictures/spring/{names[1]}")
    store.put("pictures/spring/below/a name: ü #1 100%.png", picture(8))
    counts = counts_of("sync")
    assert (counts["encoded"], counts["deleted"], counts["unchanged"]) == (2, 1, 2)
    table = Library.open(Location.of("mine")).dataset.to_table(columns=[KEY, "size", "words"])
    expected = [f"pictures/spring/{name}" for name in (names[0], *names[2:], "below/a name: ü #1 100%.png")]
    assert sorted(map(path_of_object, table[KEY].to_pylist())) == sorted(expected)
    assert "library mine: 4 pictures" in in_process.run("library", "remove", prefix).stderr
    assert len(store.paths("pictures")) == 5


def test_what_is_found_in_a_store_is_shown_and_saved(store: ObjectStore, tmp_path: Path) -> None:
    fill(store, 3)
    said("library", "add", "s3://pictures/spring", "--model", "sample")
    into = tmp_path / "saved"
    done = in_process.run(
        "a red boat", "--source", "library:mine", "--model", "sample", "-n", "1", "--json", "--save", str(into)
    )
    assert done.returncode == 0, done.stderr
    (match,) = json.loads(done.stdout)["matches"]
    assert match["image_url"].startswith("s3://pictures/spring/")
    saved = [path for path in into.iterdir() if path.suffix == ".jpg"]
    assert len(saved) == 1
    offline = in_process.run("a red boat", "--source", "library:mine", "--model", "sample", "--offline", "--json")
    assert "offline nothing is fetched" in offline.stderr


def test_a_store_that_cannot_be_reached_is_no_deletion(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    said("library", "add", "s3://pictures/spring", "--model", "sample")
    with busy() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        done = in_process.run("library", "sync", "--json")
    counts = json.loads(done.stdout)
    assert (counts["deleted"], counts["kept_without_files"]) == (0, 4)
    assert "cannot be listed" in done.stderr
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.access.endpoint)
    for path in store.paths("pictures"):
        store.delete(path)
    assert counts_of("sync")["kept_without_files"] == 4
    assert Library.open(Location.of("mine")).count() == 4


class Endpoint:
    """A store that is busy: its URL, and what was asked of it."""

    url = ""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.may_answer = threading.Event()


@contextmanager
def busy(status: int = 503, *, holds: bool = False) -> Iterator[Endpoint]:
    """Serve a status to whoever asks; with `holds` as soon as it `may_answer`."""
    endpoint = Endpoint()
    if not holds:
        endpoint.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def refuse(self) -> None:
            endpoint.asked[f"{self.command} {self.path.partition('?')[0]}"] += 1
            endpoint.may_answer.wait(_PATIENCE_S)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = do_POST = refuse  # noqa: N815  # as the base class calls them

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_busy_store_is_asked_again_then_named_in_one_sentence(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with busy() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        done = run("library", "sync", "--name", LIBRARY)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
        assert LIBRARY in done.stderr
        assert "503" in done.stderr
        assert SECRET not in done.stderr
        assert max(endpoint.asked.values()) >= 3


@pytest.mark.slow
def test_a_table_that_cannot_be_listed_is_named_with_the_reason(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = Library.open_or_create(Location.of(LIBRARY)).description
    with busy() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        elsewhere = Library(Location.of(LIBRARY), description, None)
        with pytest.raises(LibraryError, match=f"{LIBRARY}.*503") as raised:
            elsewhere.delete({"a key"})
    assert SECRET not in str(raised.value)


def test_a_store_that_does_not_answer_is_named_with_what_to_compare(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", nowhere)
    done = in_process.run("library", "sync", "--name", LIBRARY)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert f"the library {LIBRARY} cannot be read: its store does not answer; compare AWS_ENDPOINT_URL" in done.stderr
    assert nowhere in done.stderr
    assert SECRET not in done.stderr
    assert KEY_ID not in done.stderr


@pytest.mark.slow
def test_a_store_that_refuses_or_hangs_is_told_apart(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with busy(403) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        refused = in_process.run("library", "add", "s3://pictures/spring", "--model", "sample")
        assert "refuses whoever asks; compare AWS_ACCESS_KEY_ID" in refused.stderr
        assert (refused.returncode, refused.stderr.count("s3://pictures/spring")) == (3, 1)
        assert "0 pictures stay" not in refused.stderr
    monkeypatch.setattr("reranker.pictures.objects._ANSWER_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        done = in_process.run("a boat", "--source", f"library:{LIBRARY}", "--model", "sample")
    assert done.returncode == 3, done.stderr
    assert f"the library {LIBRARY} cannot be read: its store does not answer" in done.stderr
    assert SECRET not in refused.stderr + done.stderr


def test_on_a_terminal_a_store_that_lets_one_wait_is_said_to_be_waited_for(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with busy(holds=True) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)

        def let_go(shown: str, process: object) -> None:
            if f"Reading the library {LIBRARY}" in shown:
                endpoint.may_answer.set()

        code, shown = run_on_terminal(command("library", "sync", "--name", LIBRARY), columns=150, on_shown=let_go)
    assert endpoint.may_answer.is_set(), shown
    assert (code, "503" in shown) == (3, True), shown


@pytest.mark.parametrize("prefix", ["s3://no-such-bucket/x", "s3://no-such-bucket", "s3://pictures/no such folder"])
def test_a_prefix_below_which_nothing_is_is_not_added(store: ObjectStore, prefix: str) -> None:
    done = in_process.run("library", "add", prefix, "--model", "sample", "--json")
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert f"there is nothing below {shown_url(prefix)} now" in done.stderr
    assert "there is no library" in in_process.run("library", "sync").stderr


def test_an_object_is_no_prefix_and_an_empty_bucket_is_empty(store: ObjectStore) -> None:
    (name,) = fill(store, 1)
    done = in_process.run("library", "add", f"s3://pictures/spring/{name}", "--model", "sample")
    assert (done.returncode, "name its folder" in done.stderr) == (3, True), done.stderr
    store.make_bucket("nothing-in-it")  # others keep marks of folders whose objects are deleted
    done = in_process.run("library", "add", "s3://nothing-in-it", "--model", "sample")
    assert (done.returncode, "nothing below s3://nothing-in-it" in done.stderr) == (3, True), done.stderr
    assert counts_of("add", "s3://pictures", "--model", "sample")["written"] == 1


def test_a_store_that_lets_nobody_ask_but_for_lists_is_added_from(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 2)
    with lists_alone(store) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        ObjectPrefix.of("s3://pictures/spring").demand_any()
        with pytest.raises(LibraryError, match="nothing below"):
            ObjectPrefix.of("s3://pictures/winter").demand_any()


def test_who_names_no_bucket_is_told_how_one_is_named(store: ObjectStore) -> None:
    for url in ("s3://", "s3:///folder", "s3://B*d/folder"):
        with pytest.raises(WrongParameterError, match="s3://BUCKET"):
            ObjectPrefix.of(url)
    fill(store, 1)
    said("library", "add", "s3://pictures/spring", "--model", "sample")
    nested = in_process.run("library", "add", "s3://pictures/spring/below", "--model", "sample")
    assert nested.returncode == 2
    assert "one below the other" in nested.stderr


def test_secrets_are_in_no_representation(store: ObjectStore) -> None:
    location = Location.of(LIBRARY)
    for one in (location, location.access, ObjectPrefix.of("s3://pictures")):
        assert SECRET not in repr(one)
        assert KEY_ID not in repr(one)


@pytest.mark.parametrize("path", ["b/plain.jpg", "b/ü/ #?%25&+=.png", "b/a//b", "b/日本 語.jpg", "b/%2F"])
def test_each_name_of_an_object_comes_back_from_its_url(path: str) -> None:
    assert path_of_object(object_url(path)) == path
    assert " " not in object_url(path)
    assert "#" not in object_url(path)


def row_called(name: str) -> Row:
    entry = WebEntry(object_url(f"pictures/{name}.png"), "", 1)
    return row_of(entry, Facts(), ObjectPrefix.of("s3://pictures"), contents_of(picture(1)), {})


@pytest.mark.slow
def test_several_writers_and_readers_share_a_table(store: ObjectStore) -> None:
    location = Location.of(LIBRARY)
    Library.open_or_create(location)

    def write_some(writer: int) -> None:
        library = Library.open_or_create(location)
        for start in range(0, 12, 4):
            library.upsert([row_called(f"{writer % 2}-{number}") for number in range(start, start + 4)])

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write_some, range(4)))
    keys = [key for _ in range(2) for key in Library.open(location).dataset.to_table(columns=[KEY])[KEY].to_pylist()]
    assert set(Counter(keys).values()) == {2}
    assert len(set(keys)) == 24


def test_a_store_that_is_nowhere_is_named_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    def without_a_network(bucket: str) -> str:  # nothing of a test may reach AWS; so Arrow words it
        raise OSError(f"When resolving region for bucket '{bucket}': AWS Error NETWORK_CONNECTION: curlCode: 6")

    monkeypatch.setattr("pyarrow.fs.resolve_s3_region", without_a_network)
    done = in_process.run("library", "add", str(tmp_path), "--name", "s3://bucket/library", "--model", "sample")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert done.stderr.startswith("Error: the library s3://bucket/library cannot be")
    assert "NETWORK_CONNECTION" in done.stderr
    assert "unforeseen" not in done.stderr
