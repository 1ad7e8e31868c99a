"""Taking pictures over HTTP: into a folder below the root, as a zip, as a text; and taking a save back."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phrasepix import find_images
from phrasepix.saving.undo import undo_save
from tests.serve_process import ServeProcess, problem, serving_the_sample

SEARCH = {"phrase": "a boat at night", "tag": "boat", "source": "sample", "top": 4}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[ServeProcess]:
    with serving_the_sample(tmp_path_factory.mktemp("saving"), link_export) as server:
        yield server


@pytest.fixture(scope="module")
def found(server: ServeProcess) -> Any:
    return server.post("/api/v1/search", SEARCH)


def items(found: Any, *ranks: int) -> list[dict[str, Any]]:
    return [{"search": found["id"], "rank": rank} for rank in ranks]


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_pictures_are_saved_with_their_credit_in_the_order_they_were_picked(server: ServeProcess, found: Any) -> None:
    answer = server.post("/api/v1/save", {"items": items(found, 3, 1), "project": "book/first"})
    assert [one["rank"] for one in answer["saved"]] == [3, 1]
    assert answer["failed"] == []
    assert answer["project"] == "book/first"
    paths = [server.root / one["path"] for one in answer["saved"]]
    assert all(path.parent == server.root / "book" / "first" for path in paths)
    page = (server.root / "book/first/CREDITS.md").read_text(encoding="utf-8")
    for one, path in zip(answer["saved"], paths, strict=True):
        assert path.is_file()
        assert path.name in page
        assert one["credit"]["markdown"] in page
        assert one["insert"]["markdown"].startswith("![")
        assert f"]({path.name})" in one["insert"]["markdown"]
    again = server.post("/api/v1/save", {"items": items(found, 3), "project": "book/first"})
    assert again["saved"][0]["is_new"] is False


def test_pictures_of_several_searches_are_saved_at_once(server: ServeProcess, found: Any) -> None:
    other = server.post("/api/v1/search", {**SEARCH, "tag": "house", "phrase": "a house"})
    picks = [*items(found, 1), *items(other, 1), *items(found, 2)]
    answer = server.post("/api/v1/save", {"items": picks, "project": "both"})
    assert [(one["search"], one["rank"]) for one in answer["saved"]] == [(one["search"], one["rank"]) for one in picks]
    assert len(files_in(server.root / "both")) == 5
    undone = server.post("/api/v1/save/undo", {"undo": answer["undo"]})
    assert len(undone["removed"]) == 3


def test_without_a_folder_pictures_are_saved_into_the_root_itself(server: ServeProcess, found: Any) -> None:
    answer = server.post("/api/v1/save", {"items": items(found, 4)})
    assert answer["project"] == "."
    assert (server.root / answer["saved"][0]["path"]).parent == server.root


def test_what_was_saved_before_is_marked_in_a_search(server: ServeProcess, found: Any) -> None:
    server.post("/api/v1/save", {"items": items(found, 1), "project": "marked"})
    again = server.post("/api/v1/search", {**SEARCH, "project": "marked"})
    assert [bool(match["used_before"]) for match in again["matches"]] == [True, False, False, False]


def test_undoing_a_save_removes_its_files_and_their_credit_and_nothing_else(server: ServeProcess, found: Any) -> None:
    folder = server.root / "undone"
    first = server.post("/api/v1/save", {"items": items(found, 1), "project": "undone"})
    second = server.post("/api/v1/save", {"items": items(found, 1, 2), "project": "undone"})
    undone = server.post("/api/v1/save/undo", {"undo": second["undo"]})
    assert undone == {"removed": [second["saved"][1]["path"]], "kept": []}
    stays = Path(first["saved"][0]["path"]).name
    assert files_in(folder) == {stays, "CREDITS.md", "credits.json"}
    entries = json.loads((folder / "credits.json").read_text(encoding="utf-8"))["pictures"]
    assert [entry["file"] for entry in entries] == [stays]
    assert (folder / "CREDITS.md").read_text(encoding="utf-8").count(".jpg](") == 1
    told = problem(server.ask("POST", "/api/v1/save/undo", {"undo": second["undo"]}), 404)
    assert told["type"] == "urn:phrasepix:undo-gone"


def test_a_file_that_somebody_worked_on_is_kept_with_its_credit(server: ServeProcess, found: Any) -> None:
    answer = server.post("/api/v1/save", {"items": items(found, 1), "project": "worked-on"})
    path = server.root / answer["saved"][0]["path"]
    path.write_bytes(path.read_bytes() + b"more")
    undone = server.post("/api/v1/save/undo", {"undo": answer["undo"]})
    assert undone == {"removed": [], "kept": [answer["saved"][0]["path"]]}
    assert path.name in (path.parent / "CREDITS.md").read_text(encoding="utf-8")


def test_a_save_is_undone_where_its_files_are_gone_already(tmp_path: Path) -> None:
    saved = find_images("a boat", tag="boat", source="sample", top=2).save(tmp_path / "book")
    saved.pictures[0].path.unlink()
    undone = undo_save(saved)
    assert undone.removed == saved.pictures
    assert undone.kept == ()
    assert files_in(tmp_path / "book") == {"CREDITS.md", "credits.json"}
    assert undo_save(saved).kept == saved.pictures, "nothing is known of them any more"


def test_a_zip_has_the_pictures_and_their_credits(server: ServeProcess, found: Any) -> None:
    answer = server.ask("POST", "/api/v1/zip", {"items": items(found, 2, 1)})
    assert answer.headers["content-type"] == "application/zip"
    assert "phrasepix-pictures.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        page = archive.read("CREDITS.md").decode()
    assert len([name for name in names if name.endswith(".jpg")]) == 2
    assert all(name in page for name in names if name.endswith(".jpg"))
    assert not any("/" in name or name.startswith(".") for name in names)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_what_is_put_into_a_text_has_the_credit(server: ServeProcess, found: Any, form: str) -> None:
    text = server.post("/api/v1/insert", {"items": items(found, 1, 2), "form": form})["text"]
    for match in found["matches"][:2]:
        assert match["credit_line"][form] in text
        assert match["insert"][form] in text


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"items": []}, 422),
        ({"items": [{"search": "nosuch", "rank": 1}]}, 404),
        ({"items": [{"search": "{id}", "rank": 99}]}, 422),
        ({"items": [{"search": "{id}", "rank": 0}]}, 422),
        ({"items": [{"search": "{id}", "rank": 1}] * 21}, 422),
        ({"items": [{"search": "{id}", "rank": 1}], "folder": "x"}, 422),
        ({"items": "all"}, 422),
    ],
    ids=str,
)
def test_picks_that_mean_nothing_are_refused(
    server: ServeProcess, found: Any, wish: dict[str, Any], status: int
) -> None:
    said = json.loads(json.dumps(wish).replace("{id}", found["id"]))
    problem(server.ask("POST", "/api/v1/save", said), status)
    problem(server.ask("POST", "/api/v1/zip", said), status)


def test_where_nothing_can_be_written_it_says_so(server: ServeProcess, found: Any) -> None:
    server.root.mkdir(exist_ok=True)
    (server.root / "a-file").write_text("x")
    told = problem(server.ask("POST", "/api/v1/save", {"items": items(found, 1), "project": "a-file"}), 507)
    assert "it is a file" in told["detail"]


@pytest.mark.usefixtures("usual_recursion")
def test_a_project_too_deep_for_any_disk_is_said_to_be(server: ServeProcess, found: Any) -> None:
    items = [{"search": found["id"], "rank": 1}]
    told = problem(server.ask("POST", "/api/v1/save", {"items": items, "project": "a/" * 1900}), 507)
    assert "it lies in too many folders" in told["detail"]
    assert not (server.root / "a").exists()
