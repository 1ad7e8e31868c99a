"""`phrasepix adapt --from-picks`: what projects say of pictures, and what is learnt from that."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phrasepix import Finder, SearchRequest
from phrasepix.adapting.labelled_folder import labelled_pictures
from phrasepix.adapting.picks import AVOIDED, PICKED, picked_pictures
from phrasepix.models.adapters import adapter_names
from phrasepix.results import FoundMatch
from phrasepix.saving.feedback_file import FEEDBACK, PictureFeedback, feedback_on, note_feedback, read_feedback
from retriever.errors import WrongParameterError
from retriever.folder.file_index import FileIndex
from tests import in_process
from tests.test_adapt import drawn, scenes

pytestmark = pytest.mark.sample_remembered

COUNT = 90


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn scenes in one folder, named after their weather."""
    folder = tmp_path_factory.mktemp("pictures")
    for scene in scenes(10_000_000, COUNT):
        drawn(scene).save(folder / f"{scene.weather}-{scene.seed}.png")
    return folder


def found_in(finder: Finder, pictures: Path) -> Sequence[FoundMatch]:
    question = min(pictures.iterdir())
    return [*finder.search(SearchRequest(like=question, source=str(pictures), model="sample", top=COUNT, fold=False))]


def weather_of(match: FoundMatch) -> str:
    return match.candidate.title.split("-")[0]


def noted(project: Path, found: Sequence[FoundMatch], right: Sequence[bool], phrase: str = "calm") -> None:
    note_feedback(project, [feedback_on(one.candidate, phrase, right=of) for one, of in zip(found, right, strict=True)])


def adapted(project: Path, *more: str) -> tuple[int, str, str]:
    done = in_process.run("adapt", "taste", "--from-picks", str(project), "--base", "sample", *more)
    return done.returncode, done.stdout, done.stderr


def labels_of(project: Path, notes: Path) -> tuple[Counter[str], list[str]]:
    said: list[str] = []
    with FileIndex(notes) as index:
        found = picked_pictures([project], index, lambda path, reason: said.append(f"{path.name}: {reason}"))
    return Counter(one.label for one in found), said


@pytest.mark.slow
def test_a_taste_is_learnt_from_what_was_saved_preferred_and_avoided(pictures: Path, tmp_path: Path) -> None:
    with Finder() as finder:
        results = finder.search(
            SearchRequest(like=min(pictures.iterdir()), source=str(pictures), model="sample", top=COUNT, fold=False)
        )
        bright = [weather_of(match) in ("clear", "snow") for match in results]
        ranks = [rank for rank, is_bright in enumerate(bright, 1) if is_bright]
        results.save(tmp_path, ranks[:5])
        noted(tmp_path, [*results], bright)  # the five saved are preferred too, and count once
    code, out, err = adapted(tmp_path, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["labels"] == {PICKED: sum(bright), AVOIDED: len(bright) - sum(bright)}
    assert told["figures"]["precision_gain"]["low"] > 0
    assert f"Learnt from {len(bright)} pictures of 2 labels" in err
    assert adapter_names() == ("taste",)


@pytest.mark.slow
def test_what_means_nothing_is_refused_with_its_figures(pictures: Path, tmp_path: Path) -> None:
    with Finder() as finder:
        found = found_in(finder, pictures)
    noted(tmp_path, found, [bool(one) for one in np.random.default_rng(5).integers(0, 2, len(found))])
    code, _, err = adapted(tmp_path)
    assert code == 3, err
    assert "would be of no use, and is not kept: on pictures it was not learnt on" in err
    assert adapter_names() == ()


def test_one_verdict_alone_or_too_few_are_refused_with_what_there_is(pictures: Path, tmp_path: Path) -> None:
    with Finder() as finder:
        found = found_in(finder, pictures)
    code, _, err = adapted(tmp_path)
    assert code == 2
    assert "is no project: it has neither credits.json nor feedback.jsonl" in err
    noted(tmp_path, found[:20], [True] * 20)
    code, _, err = adapted(tmp_path)
    assert code == 2
    assert "it takes 6 that were saved or preferred, and 6 to be avoided; there are 20 and 0" in err
    assert "noted with --note-feedback" in err
    noted(tmp_path, found[20:25], [False] * 5)
    assert "there are 20 and 5" in adapted(tmp_path)[2]


def test_the_last_word_counts_and_verdicts_that_contradict_are_left_out(pictures: Path, tmp_path: Path) -> None:
    project = tmp_path / "novel"
    with Finder() as finder:
        found = found_in(finder, pictures)[:4]
    noted(project, found, [True] * 4)
    noted(project, found[:1], [False])  # a change of mind
    noted(project, found[1:2], [False], phrase="storm")  # right for one phrase, wrong for another
    labels, said = labels_of(project, tmp_path / "notes.sqlite")
    assert labels == {PICKED: 2, AVOIDED: 1}
    assert len(said) == 1
    assert "1 pictures were right for one phrase and wrong for another" in said[0]


def said_of(source: str, number: int, *, no_ai_training: bool = False) -> PictureFeedback:
    return PictureFeedback(
        source=source, id=str(number), phrase="calm", right=True, at=f"2026-01-0{number}", no_ai_training=no_ai_training
    )


def test_what_no_model_may_be_trained_on_is_left_out_with_the_reason(tmp_path: Path) -> None:
    project = tmp_path / "novel"
    kept = [said_of("pixabay", 1), said_of("commons", 2), said_of("a plug-in that is gone", 3)]
    forbidden = [said_of("unsplash", 4), said_of("pexels at 127.0.0.1:1", 5), said_of("pexels", 6)]
    note_feedback(project, [*kept, *forbidden, said_of("pixabay", 7, no_ai_training=True)])
    labels, said = labels_of(project, tmp_path / "notes.sqlite")
    assert labels == {PICKED: 3}
    assert sorted(said) == [
        "novel: 2 pictures are left out, such as pexels at 127.0.0.1:1:5, pexels:6; "
        "Pexels: its terms forbid to use its pictures for machine learning",
        "novel: a picture is left out, such as pixabay:7; their creators want no model trained on them",
        "novel: a picture is left out, such as unsplash:4; "
        "Unsplash: its API's guidelines forbid to train models on what it brings",
    ]


def test_what_was_saved_into_a_labelled_folder_teaches_no_more_than_its_terms_let_it(
    pictures: Path, tmp_path: Path
) -> None:
    for label in ("calm", "wild"):
        (tmp_path / label).mkdir()
    first, second, third = sorted(pictures.iterdir())[:3]
    for file, name in ((first, "calm/mine.png"), (second, "calm/saved.png"), (third, "wild/mine.png")):
        (tmp_path / name).write_bytes(file.read_bytes())
    saved = {"file": "saved.png", "source": "unsplash", "id": "7"}
    (tmp_path / "calm" / "credits.json").write_text(json.dumps({"pictures": [saved]}))
    said: list[str] = []
    with FileIndex(tmp_path / "notes.sqlite") as index:
        found = labelled_pictures(tmp_path, index, lambda path, reason: said.append(f"{path.name}: {reason}"))
    assert sorted(one.candidate.relative_path for one in found) == ["calm/mine.png", "wild/mine.png"]
    assert [one for one in said if one.startswith("saved.png")] == [
        "saved.png: left out; Unsplash: its API's guidelines forbid to train models on what it brings"
    ]


def test_a_saved_picture_keeps_that_its_creator_wants_no_model_trained_on_it(pictures: Path, tmp_path: Path) -> None:
    project = tmp_path / "novel"
    with Finder() as finder:
        results = finder.search(
            SearchRequest(like=min(pictures.iterdir()), source=str(pictures), model="sample", top=2, fold=False)
        )
        matches = [replace(one, candidate=replace(one.candidate, no_ai_training=True)) for one in results]
        replace(results, matches=tuple(matches)).save(project, [1])
        note_feedback(project, [feedback_on(matches[1].candidate, "calm", right=False)])
    assert json.loads((project / "credits.json").read_text())["pictures"][0]["no_ai_training"] is True
    labels, said = labels_of(project, tmp_path / "notes.sqlite")
    assert labels == {}
    assert "2 pictures are left out" in said[0]


@pytest.mark.slow
def test_damaged_lines_are_counted_and_the_others_read(pictures: Path, tmp_path: Path) -> None:
    with Finder() as finder:
        found = found_in(finder, pictures)[:3]
    noted(tmp_path, found, [True, False, True])
    whole = (tmp_path / FEEDBACK).read_bytes()
    first = json.loads(whole.splitlines()[0])
    damaged = [
        b"{",
        b"[1]",
        b"\xff\xfe",
        b"[" * 50_000,
        json.dumps(first | {"right": "yes"}).encode(),
        json.dumps(first | {"id": 7}).encode(),
        json.dumps({"right": True}).encode(),
    ]
    (tmp_path / FEEDBACK).write_bytes(whole + b"\n".join(damaged))
    said: list[str] = []
    kept = read_feedback(tmp_path, lambda path, reason: said.append(reason))
    assert [one.identity for one in kept] == [one.candidate.identity for one in found]
    assert said == ["7 of its 10 lines are damaged and left out"]


def test_a_credits_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "credits.json").write_text("[]")
    with pytest.raises(WrongParameterError, match=r"credits\.json cannot be read"):
        labels_of(tmp_path, tmp_path / "notes.sqlite")


@pytest.mark.slow
def test_pictures_that_nobody_remembers_any_more_are_named(pictures: Path, tmp_path: Path) -> None:
    with Finder() as finder:
        found = found_in(finder, pictures)
    noted(tmp_path, found[:16], [True, False] * 8)
    lines = (tmp_path / FEEDBACK).read_text().splitlines()
    elsewhere = [json.loads(line) | {"source": "pixabay", "file_url": ""} for line in lines[:14]]
    (tmp_path / FEEDBACK).write_text("\n".join([*(json.dumps(one) for one in elsewhere), *lines[14:]]))
    code, _, err = adapted(tmp_path)
    assert code == 2
    assert "it is not remembered, and offline nothing is fetched" in err
    assert "there are 1 and 1" in err


@pytest.mark.slow
def test_the_command_notes_feedback_only_where_it_is_told_to(pictures: Path, tmp_path: Path) -> None:
    asked = ("a boat in fog", "--source", str(pictures), "--model", "sample", "--prefer", "1,2", "--avoid", "5")
    project = tmp_path / "novel"
    done = in_process.run(*asked, "--project", str(project))
    assert done.returncode == 0, done.stderr
    assert not (project / FEEDBACK).exists()
    for _ in range(2):
        done = in_process.run(*asked, "--project", str(project), "--note-feedback")
        assert done.returncode == 0, done.stderr
        assert f"Noted what was said of 3 pictures: {project / FEEDBACK}" in done.stderr
    kept = read_feedback(project, lambda path, reason: pytest.fail(reason))
    assert [one.right for one in kept] == [True, True, False] * 2
    assert {one.phrase for one in kept} == {"a boat in fog"}
    assert all(one.file_url.startswith("file:") for one in kept)


def test_feedback_without_a_project_or_without_a_verdict_is_refused(pictures: Path, tmp_path: Path) -> None:
    asked = ("a boat", "--source", str(pictures), "--note-feedback")
    done = in_process.run(*asked, "--prefer", "1")
    assert (done.returncode, "say where with --project DIR or --save DIR" in done.stderr) == (2, True)
    done = in_process.run(*asked, "--project", str(tmp_path))
    assert (done.returncode, "give one of them" in done.stderr) == (2, True)


def test_what_to_learn_from_is_said_one_way(pictures: Path, tmp_path: Path) -> None:
    for arguments in ((), ("--from", str(pictures), "--from-picks", str(tmp_path))):
        done = in_process.run("adapt", "taste", *arguments)
        assert done.returncode == 2
        assert "either --from FOLDER, or --from-picks PROJECT" in done.stderr


def test_a_link_in_place_of_the_notes_is_not_followed(pictures: Path, tmp_path: Path) -> None:
    with Finder() as finder:
        found = found_in(finder, pictures)[:1]
    matters = tmp_path / "matters.txt"
    matters.write_text("mine")
    project = tmp_path / "novel"
    project.mkdir()
    (project / FEEDBACK).symlink_to(matters)
    with pytest.raises(Exception, match=r"cannot write .*feedback\.jsonl"):
        noted(project, found, [True])
    assert matters.read_text() == "mine"
