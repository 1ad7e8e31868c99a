"""`--remember-in` as people type it: processes that ask a source on loopback, rank by the sample's model and end."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import lance
import pytest

from phrasepix.library.location import Location
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from tests import in_process
from tests.picture_server import PictureServer, file
from tests.serve_process import ServeProcess, problem
from tests.source_servers.base import Picture
from tests.source_servers.openverse import OpenverseServer
from tests.test_command_line import command, run

SEARCH = ("two red boats at night", "--tag", "boat", "--source", "openverse", "--model", "sample")
AGAIN = ("two red boats at night", "--source", "library:seen", "--model", "sample")


@pytest.fixture
def openverse(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenverseServer]:
    """Openverse's API with eight drawn pictures, as the environment has it asked."""
    with PictureServer() as pictures, OpenverseServer() as server:
        drawn = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:8]
        server.hold(
            *(
                Picture(number=number, file_url=pictures.put(f"/{path.name}", file(path.read_bytes())))
                for number, path in enumerate(drawn, start=1)
            )
        )
        monkeypatch.setenv("OPENVERSE_API_URL", server.api_url)
        yield server


def test_the_answer_is_the_same_and_what_was_seen_is_found_again(openverse: OpenverseServer) -> None:
    plain = in_process.run(*SEARCH, "--json")
    done = run(*SEARCH, "--json", "--remember-in", "seen")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(plain.stdout)
    asked = len(openverse.asked)
    again = run(*AGAIN, "--json")
    assert again.returncode == 0, again.stderr
    said, before = json.loads(again.stdout), json.loads(plain.stdout)
    assert [one["id"] for one in said["matches"]] == [one["id"] for one in before["matches"]]
    assert [one["credit_line"] for one in said["matches"]] == [one["credit_line"] for one in before["matches"]]
    assert said["sources"] == ["folder", "openverse"]
    assert len(openverse.asked) == asked


def test_the_library_says_what_it_has_seen_and_forgets_it(openverse: OpenverseServer) -> None:
    in_process.run(*SEARCH, "--remember-in", "seen")
    (state,) = json.loads(in_process.run("library", "status", "--json").stdout)
    assert (state["name"], state["pictures"], state["seen"]) == ("seen", 8, {"openverse": 8})
    assert "openverse 8" in in_process.run("library", "status", "--header").stdout
    sql = "SELECT source, count(*) FROM pictures GROUP BY 1"
    assert in_process.run("library", "sql", sql, "--name", "seen").stdout.split("\n")[1] == "openverse\t8"
    synced = in_process.run("library", "sync", "--name", "seen", "--json")
    assert (synced.returncode, json.loads(synced.stdout)["deleted"]) == (0, 0)
    refused = in_process.run("library", "forget", "flickr")
    assert refused.returncode != 0
    assert "remembers nothing of flickr; its sources: openverse" in refused.stderr
    forgotten = in_process.run("library", "forget", "openverse")
    assert "Forgotten in the library seen: 8 pictures" in forgotten.stderr
    assert in_process.run(*AGAIN).returncode != 0
    assert "nothing was wrong" in in_process.run("library", "doctor", "--name", "seen").stdout


def test_doctor_says_what_may_not_be_kept_any_more(openverse: OpenverseServer) -> None:
    in_process.run(*SEARCH, "--remember-in", "seen")
    location = Location.of("seen")
    lance.dataset(location.table).update({"kept_until": "CAST('2020-01-01T00:00:00Z' AS TIMESTAMP)"})
    place = Path(location.description)
    place.write_text(json.dumps(json.loads(place.read_text()) | {"expires": True}))
    done = in_process.run("library", "doctor", "--name", "seen")
    assert "forgot 8 candidates that their sources let nobody keep any longer" in done.stdout


def test_a_copy_of_the_library_has_it_all(openverse: OpenverseServer, tmp_path: Path) -> None:
    in_process.run(*SEARCH, "--remember-in", "seen")
    in_process.run("library", "backup", str(tmp_path / "copy"), "--name", "seen")
    in_process.run("library", "restore", str(tmp_path / "copy"), "--name", "again")
    found = json.loads(in_process.run(*AGAIN[:2], "library:again", *AGAIN[3:], "--json").stdout)
    assert len(found["matches"]) == 8
    assert "openverse" in found["sources"]


def test_what_goes_wrong_is_said_after_the_answer(openverse: OpenverseServer, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    done = run(*SEARCH, "--json", "--remember-in", "seen")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["matches"]) == 8
    told = [line for line in done.stderr.splitlines() if "not remembered" in line]
    assert len(told) == 1
    assert "the library seen cannot be" in told[0]


@pytest.mark.slow
def test_processes_at_once_remember_all(openverse: OpenverseServer, tmp_path: Path) -> None:
    run(*SEARCH, "--json")  # what was encoded is at hand: they write at one time
    started = [
        subprocess.Popen(
            command(*SEARCH, "--json", "--remember-in", "seen", "--no-fold"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ,
            text=True,
        )
        for _ in range(3)
    ]
    for process in started:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
        assert "not remembered" not in told
    keys = lance.dataset(Location.of("seen").table).to_table(columns=["key"])["key"].to_pylist()
    assert len(keys) == len(set(keys)) == 8


def test_a_name_that_is_none_is_refused_before_anybody_is_asked(openverse: OpenverseServer) -> None:
    done = in_process.run(*SEARCH, "--remember-in", "s3://bucket/seen")
    assert done.returncode == 2
    assert "is no name of a library" in done.stderr
    assert openverse.asked == []


@pytest.mark.slow
def test_the_api_remembers_and_finds_and_what_waits_is_written_when_it_ends(
    openverse: OpenverseServer, tmp_path: Path
) -> None:
    with ServeProcess(tmp_path / "root", {}) as server:
        asked = {"phrase": "two red boats", "tag": "boat", "source": "openverse", "model": "sample"}
        found = server.post("/api/v1/search", asked | {"remember_in": "seen"})
        assert len(found["matches"]) == 8
        problem(server.ask("POST", "/api/v1/search", asked | {"remember_in": "s3://bucket/seen"}), 422)
        assert server.end() == 0
    with ServeProcess(tmp_path / "root", {}) as server:
        again = server.post("/api/v1/search", {"phrase": "two red boats", "source": "library:seen", "model": "sample"})
        assert [one["credit"] for one in again["matches"]] == [one["credit"] for one in found["matches"]]
        assert again["sources"] == ["folder", "openverse"]
