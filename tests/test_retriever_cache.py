"""Answers are kept for a day, by whoever asked, and the key is not among what is kept."""

import logging
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from retriever import PixabayRetriever
from retriever.errors import KeyRefusedError, SourceAnswerError, SourceUnreachableError
from retriever.http import RequestPolicy
from retriever.pixabay.retriever import PIXABAY_POLICY
from tests.servers import KEY, QUICK, ScriptedServer, Step, as_json, hit, of_hits, plain, redirect, stock_of
from tests.small_disk import make_read_only, small_disk

Connect = Callable[..., PixabayRetriever]

SEARCH = """
import sys
from pathlib import Path
from retriever import PixabayRetriever

url, directory, tags = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
with PixabayRetriever(sys.stdin.readline(), base_url=url, cache_directory=directory) as retriever:
    for tag in tags:
        print(*(candidate.id for candidate in retriever.retrieve(tag)))
"""


def start_search(api: ScriptedServer, directory: Path, *tags: str) -> subprocess.Popen[str]:
    """The same search in a process of its own; the key goes through its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SEARCH, api.url, str(directory), *tags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdin is not None
    process.stdin.write(KEY)
    process.stdin.close()
    process.stdin = None
    return process


def bytes_of(directory: Path) -> bytes:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files, f"nothing was kept in {directory}"
    return b"".join(path.read_bytes() for path in files)


def test_answers_are_kept_for_24_hours_unless_someone_says_otherwise() -> None:
    assert RequestPolicy(user_agent="x").keep_answers_for == timedelta(hours=24)
    assert PIXABAY_POLICY.keep_answers_for == timedelta(hours=24)


def test_a_repeated_search_sends_nothing(api: ScriptedServer, connect: Connect, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 301)])
    retriever = connect(api, cache_directory=tmp_path)
    first = list(retriever.retrieve("boat", limit=300))
    assert len(first) == 300
    assert api.pages == [1, 2]
    assert list(retriever.retrieve("boat", limit=300)) == first
    assert list(connect(api, cache_directory=tmp_path).retrieve("boat", limit=300)) == first
    assert api.pages == [1, 2]


def test_a_repeated_search_sends_nothing_from_another_process(api: ScriptedServer, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1), hit(2)])
    for _ in range(2):
        output, errors = start_search(api, tmp_path, "boat").communicate(timeout=120)
        assert (output, errors) == ("1 2\n", "")
    assert len(api.asked) == 1


def test_another_tag_another_filter_and_another_server_are_other_questions(
    api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api, cache_directory=tmp_path)
    list(retriever.retrieve("boat"))
    list(retriever.retrieve("tiger"))
    list(retriever.retrieve("boat", limit=5))
    with ScriptedServer() as other:
        other.otherwise = stock_of([hit(2)])
        found = list(connect(other, cache_directory=tmp_path).retrieve("boat"))
    assert [candidate.id for candidate in found] == ["2"]
    assert len(api.asked) == 3


def test_another_key_gets_the_same_kept_answer(api: ScriptedServer, connect: Connect, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1)])
    list(connect(api, cache_directory=tmp_path).retrieve("boat"))
    list(connect(api, cache_directory=tmp_path, key="another").retrieve("boat"))
    assert len(api.asked) == 1


def test_an_answer_past_its_time_is_asked_for_again(api: ScriptedServer, connect: Connect, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1)])
    brief = replace(QUICK, keep_answers_for=timedelta(seconds=1))
    retriever = connect(api, cache_directory=tmp_path, policy=brief)
    list(retriever.retrieve("boat"))
    api.otherwise = stock_of([hit(2)])
    time.sleep(1.2)
    assert [candidate.id for candidate in retriever.retrieve("boat")] == ["2"]
    assert len(api.asked) == 2


def test_an_answer_past_its_time_leaves_the_file(api: ScriptedServer, connect: Connect, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1)])
    list(connect(api, cache_directory=tmp_path).retrieve("boat"))
    with closing(sqlite3.connect(tmp_path / "pixabay-answers.sqlite")) as file:
        assert file.execute("UPDATE responses SET expires = 1").rowcount == 1
        file.commit()
    connect(api, cache_directory=tmp_path)
    with closing(sqlite3.connect(tmp_path / "pixabay-answers.sqlite")) as file:
        assert file.execute("SELECT count(*) FROM responses").fetchone() == (0,)


@pytest.mark.parametrize("header", ["no-store", "no-cache", "max-age=0", "private"])
def test_what_the_server_says_about_keeping_does_not_shorten_the_day(
    header: str, api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.otherwise = lambda asked: of_hits([hit(1)], Cache_Control=header)
    retriever = connect(api, cache_directory=tmp_path)
    list(retriever.retrieve("boat"))
    list(retriever.retrieve("boat"))
    assert len(api.asked) == 1


def test_by_default_answers_are_kept_in_the_platforms_cache_directory(api: ScriptedServer, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1)])
    with PixabayRetriever(KEY, base_url=api.url) as retriever:
        list(retriever.retrieve("boat"))
        list(retriever.retrieve("boat"))
    assert len(api.asked) == 1
    assert [path.name for path in (tmp_path / "cache").glob("*.sqlite")] == ["pixabay-answers.sqlite"]


def test_where_answers_are_kept_for_no_time_nothing_is_kept(
    api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api, policy=replace(QUICK, keep_answers_for=timedelta(0)))
    list(retriever.retrieve("boat"))
    list(retriever.retrieve("boat"))
    assert len(api.asked) == 2
    assert list(tmp_path.rglob("*.sqlite")) == []


@pytest.mark.parametrize(
    ("useless", "error"),
    [
        (Step(200, b"<html>Sign in to the hotel's network</html>"), SourceAnswerError),
        (as_json({"message": "sign in"}), SourceAnswerError),
        (as_json({"hits": "none"}), SourceAnswerError),
        (plain(400, "[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/)."), KeyRefusedError),
        (plain(404, "not here"), SourceAnswerError),
    ],
    ids=["a page of HTML", "JSON without hits", "hits that are no list", "a refused key", "a 404"],
)
def test_what_is_no_answer_is_not_kept(
    useless: Step, error: type[Exception], api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.play(useless, of_hits([hit(1)]))
    retriever = connect(api, cache_directory=tmp_path)
    with pytest.raises(error):
        list(retriever.retrieve("boat"))
    assert len(list(retriever.retrieve("boat"))) == 1
    assert len(api.asked) == 2


# The key.


def test_the_key_is_not_in_the_kept_files(api: ScriptedServer, connect: Connect, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api, cache_directory=tmp_path)
    list(retriever.retrieve("boat"))
    open_files = bytes_of(tmp_path)  # with the write-ahead log beside the file
    retriever.close()
    for kept in (open_files, bytes_of(tmp_path)):
        assert b"cdn.example" in kept
        assert KEY.encode() not in kept
    assert api.asked[0].query["key"] == KEY


def test_a_redirect_that_repeats_the_query_does_not_bring_the_key_into_the_kept_files(
    api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.play(redirect(f"/v2/?q=boat&key={KEY}&page=1&per_page=200", status=301), of_hits([hit(1)], X_Your_Key=KEY))
    retriever = connect(api, cache_directory=tmp_path)
    assert len(list(retriever.retrieve("boat"))) == 1
    assert [asked.path for asked in api.asked] == ["/api/", "/v2/"]
    assert [asked.query["key"] for asked in api.asked] == [KEY, KEY]
    kept = bytes_of(tmp_path)
    retriever.close()
    assert KEY.encode() not in kept + bytes_of(tmp_path)


@pytest.mark.parametrize("location", ["{origin}/api/?q=boat", "{origin}/api/?q=boat&key={key}&page=1"])
def test_a_redirect_to_another_server_is_not_followed(
    location: str, api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    with ScriptedServer() as elsewhere:
        elsewhere.otherwise = stock_of([hit(5)])
        api.play(redirect(location.format(origin=elsewhere.origin, key=KEY)))
        with pytest.raises(SourceUnreachableError, match="to another server") as caught:
            list(connect(api, cache_directory=tmp_path).retrieve("boat"))
        assert f"{elsewhere.origin}/api/" in str(caught.value)
        assert KEY not in str(caught.value)
        assert elsewhere.asked == []
    assert len(api.asked) == 1


# Files that cannot be used.


def warnings_of(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)


@pytest.mark.parametrize("damage", [b"this is no database " * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_with_a_message_and_the_search_works(
    damage: bytes, api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "pixabay-answers.sqlite"
    file.write_bytes(damage)
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api, cache_directory=tmp_path)
    for _ in range(2):
        assert len(list(retriever.retrieve("boat"))) == 1
    assert len(api.asked) == 1
    assert "are damaged" in warnings_of(caplog)
    assert str(file) in warnings_of(caplog)
    assert file.with_suffix(".damaged").read_bytes() == damage


def test_a_file_damaged_while_in_use_is_set_aside_and_begun_afresh(
    api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api, cache_directory=tmp_path)
    list(retriever.retrieve("tiger"))
    with closing(sqlite3.connect(tmp_path / "pixabay-answers.sqlite")) as file:
        file.execute("DROP TABLE responses")
    for _ in range(2):
        assert len(list(retriever.retrieve("boat"))) == 1
    assert len(api.asked) == 2
    assert warnings_of(caplog).count("set aside as pixabay-answers.damaged") == 1
    assert "going on without" not in warnings_of(caplog)


def as_older_versions_wrote_it(file: Path) -> None:
    """Make of a store's file one in the journal mode of old, without a version and its indexes."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        db.execute("DROP INDEX responses_by_expiry")
        db.execute("PRAGMA user_version = 0")


def test_the_answers_an_older_version_kept_are_found(api: ScriptedServer, connect: Connect, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1)])
    with connect(api, cache_directory=tmp_path) as retriever:
        list(retriever.retrieve("boat"))
    as_older_versions_wrote_it(tmp_path / "pixabay-answers.sqlite")
    with connect(api, cache_directory=tmp_path) as retriever:
        assert len(list(retriever.retrieve("boat"))) == 1
    assert len(api.asked) == 1


def test_a_file_of_a_newer_version_is_left_as_it_is(
    api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.otherwise = stock_of([hit(1)])
    with connect(api, cache_directory=tmp_path) as retriever:
        list(retriever.retrieve("boat"))
    file = tmp_path / "pixabay-answers.sqlite"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 7")
    before = file.read_bytes()
    with connect(api, cache_directory=tmp_path) as retriever:
        for _ in range(2):
            assert len(list(retriever.retrieve("boat"))) == 1
    assert file.read_bytes() == before
    assert warnings_of(caplog).count("answers cannot be kept") == 1


def test_kept_answers_on_a_disk_that_cannot_be_written_are_found(
    api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.otherwise = stock_of([hit(1)])
    with small_disk(tmp_path / "disk", 4096) as disk:
        with connect(api, cache_directory=disk) as retriever:
            list(retriever.retrieve("boat"))
        make_read_only(disk)
        with connect(api, cache_directory=disk) as retriever:
            for tag in ("boat", "tiger", "boat", "tiger"):
                assert len(list(retriever.retrieve(tag))) == 1
    assert [asked.query["q"] for asked in api.asked] == ["boat", "tiger", "tiger"]
    assert warnings_of(caplog).count("nothing new can be kept in") == 1


def test_a_search_that_ends_after_its_files_were_closed_does_not_open_them_again(
    api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 301)])
    retriever = connect(api, cache_directory=tmp_path)
    candidates = retriever.retrieve("boat", limit=300)
    next(candidates)
    retriever.close()
    with closing(sqlite3.connect(tmp_path / "pixabay-answers.sqlite")) as file:
        file.execute("DELETE FROM responses")
        file.commit()
    assert len(list(candidates)) == 299
    with closing(sqlite3.connect(tmp_path / "pixabay-answers.sqlite")) as file:
        assert file.execute("SELECT count(*) FROM responses").fetchone() == (0,)


@pytest.mark.parametrize("value", [b"", b"\x80\x05", b"null", b"garbage", "text"])
def test_a_kept_answer_that_cannot_be_read_is_asked_for_again(
    value: bytes | str, api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.otherwise = stock_of([hit(1)])
    first = connect(api, cache_directory=tmp_path)
    list(first.retrieve("boat"))
    first.close()
    with closing(sqlite3.connect(tmp_path / "pixabay-answers.sqlite")) as file:
        assert file.execute("UPDATE responses SET value = ?", (value,)).rowcount == 1
        file.commit()
    second = connect(api, cache_directory=tmp_path)
    for _ in range(2):
        assert len(list(second.retrieve("boat"))) == 1
    assert len(api.asked) == 2


def test_a_file_where_the_directory_should_be_is_gone_without(
    api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("a file")
    api.otherwise = stock_of([hit(1)])
    retriever = connect(api, cache_directory=in_the_way)
    for _ in range(2):
        assert len(list(retriever.retrieve("boat"))) == 1
    assert len(api.asked) == 2
    assert f"nothing new can be kept in {in_the_way}" in warnings_of(caplog)
    assert in_the_way.read_text() == "a file"


def test_a_directory_where_the_file_should_be_is_gone_without(
    api: ScriptedServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pixabay-answers.sqlite").mkdir()
    api.otherwise = stock_of([hit(1)])
    assert len(list(connect(api, cache_directory=tmp_path).retrieve("boat"))) == 1
    assert "answers cannot be kept in" in warnings_of(caplog)


@pytest.mark.slow
def test_several_processes_at_once_share_the_kept_answers(api: ScriptedServer, tmp_path: Path) -> None:
    api.otherwise = stock_of([hit(1), hit(2)])
    tags = [f"tag {number}" for number in range(20)]
    searches = [start_search(api, tmp_path, *tags) for _ in range(3)]
    for search in searches:
        output, errors = search.communicate(timeout=240)
        assert errors == ""
        assert output == "1 2\n" * len(tags)
        assert search.returncode == 0
    asked = len(api.asked)
    assert asked <= 3 * len(tags)
    output, errors = start_search(api, tmp_path, *tags).communicate(timeout=120)
    assert (output, errors) == ("1 2\n" * len(tags), "")
    assert len(api.asked) == asked
