"""`by`: pictures compared with a picture by an encoder that is named for it, in every face."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phrasepix import Finder, SearchRequest
from phrasepix.config import Config
from phrasepix.errors import NoTextsError, UnknownModelError, WrongParameterError
from phrasepix.views.order_in_words import order_in_words
from phrasepix_core.extras import is_installed
from phrasepix_core.messages import Hint
from reranker.pairs import Agreement
from reranker.testing import ColourEncoder
from tests.drawn_folder import draw_scenes
from tests.test_command_line import run

needs_opencv = pytest.mark.skipif(not is_installed("cv2"), reason="OpenCV (the extra descriptors) is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six drawn scenes; of the first the same file again, a part, one that is turned, and what has no key points."""
    folder = tmp_path_factory.mktemp("pictures")
    draw_scenes(folder)
    shutil.copy(folder / "scene-0.png", folder / "the-same-file.png")
    Image.new("RGB", (300, 200), "white").save(folder / "white.png")
    Image.new("RGB", (1, 1), "red").save(folder / "pixel.png")
    return folder


@pytest.fixture
def finder(tmp_path: Path) -> Iterator[Finder]:
    with Finder(Config(cache_directory=tmp_path / "cache")) as finder:
        yield finder


def request(folder: Path, by: str, **more: object) -> SearchRequest:
    return SearchRequest(like=folder / "scene-0.png", source=folder, by=by, **more)  # type: ignore[arg-type]


def titles(results: object) -> list[str]:
    return [match.candidate.title for match in results]  # type: ignore[attr-defined]


@needs_opencv
@pytest.mark.slow
def test_parts_and_turned_copies_come_first_and_the_question_is_left_out(folder: Path, finder: Finder) -> None:
    results = finder.search(request(folder, "sift", fold=False))
    assert set(titles(results)[:2]) == {"part", "turned"}
    assert not {"scene-0", "the-same-file"} & {*titles(results)}
    assert len(results) == 9
    first, *_, last = results
    assert first.agreement is not None
    points = len(first.agreement.points)
    assert first.score == points / (points + 8) > 0.5
    assert first.first_score is not None
    assert first.fit == ""
    assert last.score == 0
    assert results.model == "sift"
    assert results.to_dict()["matches"][0]["agreeing_points"] == points
    assert any("n / (n + 8)" in sentence for sentence in order_in_words(results))


@needs_opencv
def test_what_is_remembered_is_enough_for_the_same_order(folder: Path, tmp_path: Path) -> None:
    config = Config(cache_directory=tmp_path / "cache")
    with Finder(config) as finder:
        before = finder.search(request(folder, "orb", fold=False))
    with Finder(config) as finder:
        memory = finder._resources().memory.embeddings
        (kept,) = memory.kept()
        assert kept.count == 10
        assert kept.size > 10 * 4 * 1073
        again = finder.search(request(folder, "orb", fold=False))
    assert [(match.candidate, match.score) for match in again] == [(match.candidate, match.score) for match in before]


@needs_opencv
@pytest.mark.slow
def test_features_that_are_gone_are_found_again(folder: Path, finder: Finder) -> None:
    before = finder.search(request(folder, "orb", fold=False))
    store = finder._resources().memory.embeddings
    (kept,) = store.kept()
    identities = [match.candidate.identity for match in before]
    vectors = store.get_many(kept.encoder_name, 1073, identities)
    store.clear()
    store.put_many(kept.encoder_name, vectors)  # as an older version or a library would have brought them: alone
    finder.models.clear()
    assert store.features(kept.encoder_name, identities) == {}
    again = finder.search(request(folder, "orb", fold=False))
    assert [match.score for match in again] == [match.score for match in before]


class Watched(ColourEncoder):
    """Compares pairs, and notes by which threads."""

    name = "watched colours"
    verified = 100

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.priorities: set[int] = set()

    def features(self, prepared: object) -> bytes:
        return b"some"

    def agreement(self, one: bytes, other: bytes) -> Agreement:
        if self.fails:
            raise ValueError("these cannot be compared")
        self.priorities.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return Agreement(0.5, np.zeros((1, 4), dtype=np.float32))


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of forty plain pictures: more than are compared by one thread at a time."""
    folder = tmp_path_factory.mktemp("forty")
    for number in range(40):
        Image.new("RGB", (24, 16), (6 * number, 90, 255 - 6 * number)).save(folder / f"scene-{number}.png")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_no_thread_that_gives_way_to_others_compares_what_somebody_waits_for(forty: Path, finder: Finder) -> None:
    by = Watched()
    results = finder.search(SearchRequest(like=forty / "scene-0.png", source=forty, by=by, top=40, fold=False))
    assert [match.score for match in results] == [0.5] * 39
    assert by.priorities == {os.getpriority(os.PRIO_PROCESS, 0)}


def test_what_a_comparison_raises_ends_the_search(forty: Path, finder: Finder) -> None:
    with pytest.raises(ValueError, match="these cannot be compared"):
        finder.search(SearchRequest(like=forty / "scene-0.png", source=forty, by=Watched(fails=True)))


@pytest.mark.parametrize("by", ["colour", "hog", "phash"])
def test_the_others_need_no_more_than_the_core(by: str, folder: Path, finder: Finder) -> None:
    results = finder.search(request(folder, by, fold=False))
    assert len(results) == 9
    assert results[0].agreement is None
    assert [match.score for match in results] == sorted((match.score for match in results), reverse=True)


def test_copies_are_found_that_a_search_for_likes_leaves_out(folder: Path, finder: Finder) -> None:
    by = finder.search(request(folder, "colour", fold=False))
    like = finder.search(SearchRequest(like=folder / "scene-0.png", source=folder, model=ColourEncoder()))
    assert "part" in titles(by)
    assert "part" not in titles(like)


def test_an_encoder_of_ones_own_and_a_model_may_be_named(folder: Path, finder: Finder) -> None:
    own = finder.search(SearchRequest(like=folder / "white.png", source=folder, by=ColourEncoder(), top=1))
    assert own.model == "colours"
    again = finder.refine(own, prefer=[1])
    assert again.model == "colours"


WRONG = [
    ({"by": "colour"}, ["by", 'like="photo.jpg"']),
    ({"by": "colour", "phrase": "a red boat", "like": True}, ["by", 'model="ViT-B-32"']),
    ({"by": "colour", "minus": "people", "like": True}, ["by", 'model="ViT-B-32"']),
    ({"by": "colour", "model": "sample", "like": True}, ["by", "model"]),
]


@pytest.mark.parametrize(("options", "hints"), WRONG)
def test_what_does_not_go_together_is_said_with_what_to_do(
    options: dict[str, object], hints: list[str], folder: Path
) -> None:
    if options.get("like"):
        options = options | {"like": folder / "scene-0.png"}
    with pytest.raises(WrongParameterError) as caught:
        SearchRequest(source=folder, **options)  # type: ignore[arg-type]
    assert [str(part) for part in caught.value.args if isinstance(part, Hint)] == hints


def test_an_unknown_name_is_said_with_the_one_that_is_meant(folder: Path, finder: Finder) -> None:
    with pytest.raises(UnknownModelError, match=r'by \'colur\' is not known; did you mean by="colour"\?'):
        finder.search(request(folder, "colur"))
    with pytest.raises(UnknownModelError, match="`phrasepix encoders` lists"):
        finder.search(request(folder, "nothing-like-it"))


def test_a_phrase_asked_of_pictures_alone_names_models_that_read_it(folder: Path, finder: Finder) -> None:
    with pytest.raises(NoTextsError, match=r"the encoder colour compares pictures .* model=\"ViT-B-32\", multilingual"):
        finder.search(SearchRequest("a red boat", source=folder, model="colour"))
    with pytest.raises(NoTextsError, match="the encoder phash compares"):
        finder.search(SearchRequest("a red boat", source=folder, model=ColourEncoder(), refine="phash"))


def test_a_second_look_may_be_taken_by_another_encoder(folder: Path, finder: Finder) -> None:
    results = finder.search(request(folder, "colour", refine="phash", refine_top=4, fold=False))
    assert results.refined_by == "phash"
    assert len(results) == 9


def test_a_request_with_it_is_written_as_json_and_read_again(folder: Path) -> None:
    asked = request(folder, "colour")
    assert json.loads(asked.to_json())["by"] == "colour"
    assert SearchRequest.from_json(asked.to_json()).by == "colour"


def test_the_command_compares_by_it_and_loads_no_model(folder: Path, tmp_path: Path) -> None:
    arguments = ("--like", str(folder / "scene-0.png"), "--source", str(folder), "--by", "colour", "--no-fold")
    done = run(*arguments, "--json", PHRASEPIX_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model"] == "colour"
    assert len(found["matches"]) == 9
    assert not (tmp_path / "engines").exists()


@pytest.mark.slow
def test_the_command_lists_encoders(tmp_path: Path) -> None:
    done = run("encoders", "--json", PHRASEPIX_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    by_name = {one["name"]: one for one in json.loads(done.stdout)}
    assert by_name["colour"] | {"ready": True, "weights": "none needed", "encodes": ["pictures"]} == by_name["colour"]
    assert by_name["sift"]["extra"] == "descriptors"
    assert by_name["sample"]["weights"] == "at hand"
    assert by_name["multilingual"]["encodes"] == ["pictures", "texts"]
    assert by_name["multilingual"]["weights"] == "not here"
    lines = run("encoders", "--header", PHRASEPIX_CACHE_DIR=str(tmp_path)).stdout.splitlines()
    assert lines[0].split("\t")[:4] == ["name", "title", "texts", "bytes"]
    assert {len(line.split("\t")) for line in lines} == {10}


def test_speed_is_measured_where_it_is_asked_for(tmp_path: Path) -> None:
    from phrasepix.models.encoder_status import encoder_statuses, measured

    phash = next(one for one in encoder_statuses(tmp_path) if one.name == "phash")
    assert phash.pictures_per_s is None
    (found,) = measured([phash], tmp_path)
    assert found.pictures_per_s is not None
    assert np.isfinite(found.pictures_per_s)
    assert found.to_dict()["pictures_per_s"] > 0
