"""Feedback over HTTP: noted where the server was told to, in the project's folder, each verdict once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phrasepix.adapting.picks import AVOIDED, PICKED, picked_pictures
from phrasepix.saving.feedback_file import FEEDBACK, read_feedback
from retriever.folder.file_index import FileIndex
from tests.serve_process import ServeProcess, serving_the_sample

PHRASE = "two red boats at night in the rain"
SEARCH = {"phrase": PHRASE, "tag": "boat", "source": "sample", "top": 8}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[ServeProcess]:
    with serving_the_sample(tmp_path_factory.mktemp("served"), link_export, "--note-feedback") as server:
        yield server


def refined(server: ServeProcess, search: Any, **feedback: list[int]) -> Any:
    return server.post(f"/api/v1/searches/{search['id']}/refine", feedback)


def said_in(folder: Path) -> list[tuple[str, bool]]:
    return [(one.id, one.right) for one in read_feedback(folder, lambda path, reason: pytest.fail(reason))]


def test_marks_are_noted_once_each_in_the_folder_of_the_project(server: ServeProcess, tmp_path: Path) -> None:
    found = server.post("/api/v1/search", SEARCH | {"project": "novel"})
    ids = [match["id"] for match in found["matches"]]
    first = refined(server, found, prefer=[2])
    assert "noted in novel/feedback.jsonl: what was said of 1 picture" in first["notices"]
    assert said_in(server.root / "novel") == [(ids[1], True)]
    # The page tells all marks again with each new one, and asks again when it is reloaded.
    both = refined(server, found, prefer=[2], avoid=[5, 6])
    assert "noted in novel/feedback.jsonl: what was said of 2 pictures" in both["notices"]
    again = refined(server, found, prefer=[2], avoid=[5, 6])
    assert again["notices"] == []
    assert said_in(server.root / "novel") == [(ids[1], True), (ids[4], False), (ids[5], False)]
    # Who changes their mind is heard, and marks on what was refined are noted in the same project.
    refined(server, found, prefer=[5])
    last = both["matches"][7]["id"]
    refined(server, both, avoid=[8])
    said = read_feedback(server.root / "novel", lambda path, reason: pytest.fail(reason))
    assert [(one.id, one.right) for one in said][3:] == [(ids[4], True), (last, False)]
    assert {one.phrase for one in said} == {PHRASE}
    with FileIndex(tmp_path / "files.sqlite") as index:
        pictures = picked_pictures([server.root / "novel"], index, lambda path, reason: pytest.fail(reason))
    labels = {one.candidate.id: one.label for one in pictures}
    assert labels == {ids[1]: PICKED, ids[4]: PICKED, ids[5]: AVOIDED, last: AVOIDED}


def test_without_a_project_it_is_noted_where_pictures_would_be_saved(server: ServeProcess) -> None:
    found = server.post("/api/v1/search", SEARCH)
    assert "noted in feedback.jsonl: what was said of 1 picture" in refined(server, found, avoid=[3])["notices"]
    assert said_in(server.root) == [(found["matches"][2]["id"], False)]


def test_feedback_that_means_nothing_is_not_noted(server: ServeProcess) -> None:
    found = server.post("/api/v1/search", SEARCH | {"project": "nothing"})
    for feedback in ({"prefer": [99]}, {"prefer": [1], "avoid": [1]}, {}):
        assert server.ask("POST", f"/api/v1/searches/{found['id']}/refine", feedback).status_code == 422
    assert not (server.root / "nothing" / FEEDBACK).exists()


def test_a_picture_as_the_question_says_nothing_of_its_phrase_and_is_not_noted(server: ServeProcess) -> None:
    found = server.post("/api/v1/search", SEARCH | {"project": "question"})
    like = server.post(f"/api/v1/searches/{found['id']}/more-like", {"rank": 2})
    assert like["matches"]
    assert not any("noted" in notice for notice in like["notices"])
    assert not (server.root / "question" / FEEDBACK).exists()


def test_where_it_cannot_be_noted_the_ranking_comes_with_the_reason(server: ServeProcess, tmp_path: Path) -> None:
    found = server.post("/api/v1/search", SEARCH | {"project": "linked"})
    (server.root / "linked").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("mine")
    (server.root / "linked" / FEEDBACK).symlink_to(elsewhere)
    answer = refined(server, found, prefer=[4])
    assert len(answer["matches"]) == 8
    (notice,) = [text for text in answer["notices"] if "is not noted" in text]
    assert "feedback.jsonl" in notice
    assert elsewhere.read_text() == "mine"


@pytest.mark.slow
def test_unless_it_is_told_to_a_server_notes_nothing(tmp_path: Path, link_export: Callable[[Path], None]) -> None:
    with serving_the_sample(tmp_path / "served", link_export) as server:
        found = server.post("/api/v1/search", SEARCH | {"project": "novel"})
        assert refined(server, found, prefer=[1], avoid=[2])["notices"] == []
        assert not [*server.root.rglob(FEEDBACK)]
