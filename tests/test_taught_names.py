"""Names that people teach: what they stand for in phrases under each model, and phrases without one."""

import json
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from phrasepix import SearchRequest, find_images
from phrasepix.errors import NoSuchNameError, NotWrittenError, WrongParameterError, WrongQueryError, WrongValueError
from phrasepix.events import Notice
from phrasepix.names.phrases import with_names
from phrasepix.names.store import Taught, forget, taught_names
from phrasepix.names.teaching import name_given, teach
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.views.order_in_words import order_in_words
from reranker import ClipReranker
from reranker.memory import Memory
from reranker.query import Phrase, Query, TaughtName
from reranker.taught_names import NamesInPool, direction_of
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from tests import in_process
from tests.library_parts import CountingEncoder, sync
from tests.picture_server import encoded, stripes
from tests.picture_tree import write
from tests.test_command_line import on_a_terminal

pytestmark = pytest.mark.sample_remembered

USED = ("red", "green", "blue", "purple", "white")


def striped(*colours: str, seed: int = 0) -> bytes:
    made = stripes(list(colours), (64, 48))
    made.putpixel((seed % 64, seed // 64), (1, 2, 3))
    return encoded(made, "PNG")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Each pair of colours once; who is called Paul is purple."""
    place = tmp_path / "pictures"
    for first in USED:
        for second in USED:
            write(place / f"{first}-{second}.png", striped(first, second))
    return place


@pytest.fixture
def of_paul(tmp_path: Path) -> list[Path]:
    beside = [one for one in USED if one != "purple"]
    return [write(tmp_path / "paul" / f"{one}.png", striped("purple", one, seed=9)) for one in beside]


def learn(name: str, paths: list[Path], encoder: ColourEncoder | None = None) -> tuple[Taught, list[str]]:
    told: list[str] = []
    with Memory(cache_directory()) as memory:
        taught = teach(
            name,
            paths,
            reranker=ClipReranker(encoder or ColourEncoder()),
            memory=memory,
            on_event=lambda event: told.append(str(event)),
        )
    return taught, told


def first(phrase: str, source: Path | str, **options: object) -> str:
    results = find_images(phrase, source=source, model=ColourEncoder(), **options)  # type: ignore[arg-type]
    return Path(results[0].candidate.page_url).stem


def test_a_name_stands_for_what_its_pictures_share_and_the_rest_for_itself(pictures: Path, of_paul: list[Path]) -> None:
    assert first("Paul red", pictures) in {"red-red", "red-purple", "purple-red"}
    taught, told = learn("Paul", of_paul)
    assert (taught.name, len(taught.pictures), told) == ("Paul", 4, [])
    assert "purple" in first("Paul", pictures)
    for colour in ("red", "green", "white"):
        assert first(f"Paul {colour}", pictures) in {f"purple-{colour}", f"{colour}-purple"}
        assert first(f"{colour} beside Paul's", pictures) in {f"purple-{colour}", f"{colour}-purple"}


def test_it_is_understood_in_a_library_too(pictures: Path, of_paul: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("lance")
    learn("Paul", of_paul)
    sync(tmp_path / "data" / "libraries" / "mine", pictures, cache_directory())
    encoder = CountingEncoder()
    by_library = find_images("Paul red", source="library:mine", model=encoder)
    by_folder = find_images("Paul red", source=pictures, model=ColourEncoder())
    assert [one.candidate.id for one in by_library][:2] == [one.candidate.id for one in by_folder][:2]
    assert encoder.encoded == 0


def test_a_phrase_without_the_name_is_unchanged_to_the_bit(pictures: Path, of_paul: list[Path]) -> None:
    def asked(phrase: str) -> list[tuple[str, float, float | None]]:
        results = find_images(phrase, source=pictures, model=ColourEncoder(), top=64, explain=True)
        assert results.phrase == phrase
        return [(one.candidate.id, one.score, one.stands_out) for one in results]

    phrases = ("a red boat", "Paula in red", "green, not purple")
    before = {phrase: asked(phrase) for phrase in phrases}
    learn("Paul", of_paul)
    assert {phrase: asked(phrase) for phrase in phrases} == before


def test_one_may_be_kept_away_from(pictures: Path, of_paul: list[Path]) -> None:
    learn("Paul", of_paul)
    results = find_images("red", minus="Paul", source=pictures, model=ColourEncoder(), top=64)
    costs = {Path(one.candidate.page_url).stem: one.penalty for one in results}
    assert costs["red-purple"] > costs["red-red"]
    assert max(costs.values()) == max(costs["purple-purple"], costs["red-purple"], costs["purple-red"])


class OtherEncoder(CountingEncoder):
    name = "other colours"


@pytest.mark.slow
def test_another_model_encodes_the_pictures_once_when_it_is_asked(pictures: Path, of_paul: list[Path]) -> None:
    learn("Paul", of_paul)
    shutil.rmtree(cache_directory(), ignore_errors=True)
    find_images("red", source=pictures, model=OtherEncoder())
    encoded_for_the_name = []
    for _ in range(2):
        encoder = OtherEncoder()
        results = find_images("Paul red", source=pictures, model=encoder)
        assert Path(results[0].candidate.page_url).stem in {"purple-red", "red-purple"}
        encoded_for_the_name.append(encoder.encoded)
    assert encoded_for_the_name[0] >= 4
    assert encoded_for_the_name[1] == 0
    (taught,) = taught_names()
    assert {*taught.towers} == {"colours", "other colours"}


def test_pictures_that_are_gone_are_named_when_another_model_needs_them(pictures: Path, of_paul: list[Path]) -> None:
    learn("Paul", of_paul)
    shutil.rmtree(cache_directory(), ignore_errors=True)
    of_paul[0].write_bytes(striped("red", "red", seed=3))  # another content: it is not he
    for path in of_paul[1:]:
        path.unlink()
    assert first("Paul red", pictures) in {"purple-red", "red-purple"}
    with pytest.raises(WrongQueryError, match=r"“Paul” cannot be used with the model other colours.* teach it again"):
        find_images("Paul red", source=pictures, model=OtherEncoder())


def test_what_is_no_picture_is_left_out_by_its_name(of_paul: list[Path], tmp_path: Path) -> None:
    broken = write(tmp_path / "broken.jpg", b"no picture")
    taught, told = learn("Paul", [broken, *of_paul, of_paul[0], tmp_path / "missing.jpg"])
    assert len(taught.pictures) == 4
    assert len(told) == 2
    assert all(one.startswith("left out: ") for one in told)
    assert "broken.jpg" in told[0]
    with pytest.raises(WrongQueryError, match="none of the 1 files can teach “Mary”"):
        learn("Mary", [broken])
    assert [one.name for one in taught_names()] == ["Paul"]


def test_a_name_taught_again_stands_for_the_new_pictures(pictures: Path, of_paul: list[Path], tmp_path: Path) -> None:
    learn("Paul", of_paul)
    learn("Paul", [write(tmp_path / "green.png", striped("green", "green", seed=5))])
    assert first("Paul", pictures) == "green-green"
    forget("Paul")
    assert taught_names() == ()
    with pytest.raises(NoSuchNameError, match="no name 'Paul' was taught"):
        forget("Paul")


@pytest.mark.parametrize("name", ["", "  ", "-", "Paul!", "x" * 61, 5])
def test_what_can_be_no_name_is_refused(name: object) -> None:
    with pytest.raises(WrongValueError, match="can be no name"):
        name_given(name)


@pytest.fixture
def names() -> list[Taught]:
    return [Taught(name, ()) for name in ("Paul", "Anna Maria", "Anna", "保罗", "C3")]


def parts(request: SearchRequest) -> list[tuple[str, str]]:
    return [("name" if isinstance(part, TaughtName) else "phrase", part.title) for part in request.query.wanted]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Paul reading on a beach", [("name", "Paul"), ("phrase", "reading on a beach")]),
        ("a dog, with Paul", [("name", "Paul"), ("phrase", "a dog, with")]),
        ("Paul's dog and Paul’s cat", [("name", "Paul"), ("phrase", "dog and cat")]),
        ("Paul and Anna Maria", [("name", "Paul"), ("name", "Anna Maria")]),
        ("Anna at the sea", [("name", "Anna"), ("phrase", "at the sea")]),
        ("保罗在海滩上看书", [("name", "保罗"), ("phrase", "在海滩上看书")]),
        ("C3 in the snow", [("name", "C3"), ("phrase", "in the snow")]),
        ("Paul", [("name", "Paul")]),
        ("Pauline reads", [("phrase", "Pauline reads")]),
        ("St.Paul C30", [("name", "Paul"), ("phrase", "St. C30")]),
    ],
)
def test_a_name_is_a_word_of_its_own(names: list[Taught], phrase: str, expected: list[tuple[str, str]]) -> None:
    assert parts(with_names(SearchRequest(phrase), names, print)) == expected


def test_a_name_in_other_letters_is_said_to_stand_for_itself(names: list[Taught]) -> None:
    told: list[str] = []
    request = SearchRequest("paul reading")
    assert with_names(request, names, told.append) is request
    assert told == ["“paul” stands for itself; the name that was taught is written “Paul”"]


def test_no_source_is_asked_for_a_name(names: list[Taught]) -> None:
    request = with_names(SearchRequest("Paul reading on a beach"), names, print)
    assert request.text_for_tags == "reading on a beach"
    again = with_names(SearchRequest("red", words_for_tags="a boat with Paul"), names, print)
    assert again.text_for_tags == "a boat with Paul"  # nothing was named in the phrase
    both = with_names(SearchRequest("Paul", words_for_tags="a boat with Paul"), names, print)
    assert both.text_for_tags == "a boat with"
    with pytest.raises(WrongParameterError, match="a taught name alone names no tag"):
        find_images(with_names(SearchRequest("Paul"), names, print).query, source="sample")


def test_a_request_with_a_name_goes_through_json_and_pickles(names: list[Taught]) -> None:
    request = with_names(SearchRequest("Paul reading"), names, print)
    assert parts(with_names(SearchRequest.from_json(request.to_json()), names, print)) == parts(request)
    again = pickle.loads(pickle.dumps(request.query))
    assert [part.title for part in again.wanted] == ["Paul", "reading"]


def test_the_answer_says_that_a_name_was_understood(pictures: Path, of_paul: list[Path]) -> None:
    learn("Paul", of_paul)
    results = find_images("Paul red", source=pictures, model=ColourEncoder(), explain=True, top=64)
    assert results.phrase == "Paul + red"
    assert results.to_dict()["query"]["wanted"][0] == {"name": "Paul", "weight": 1.0}
    assert order_in_words(results)[0].startswith("Ordered by the taught name and the phrase together")
    shown = {Path(one.candidate.page_url).stem: {part.text: part.stands_out for part in one.parts} for one in results}
    assert all("Paul" in one for one in shown.values())
    assert (shown["purple-red"]["Paul"] or 0) > 1 > (shown["red-red"]["Paul"] or 0)
    alone = find_images("Paul", source=pictures, model=ColourEncoder(), explain=True)
    assert [part.text for part in alone[0].parts] == ["Paul"]
    assert order_in_words(alone)[0].startswith("Ordered by likeness to the pictures by which the name was taught")


def test_a_damaged_name_is_left_out_and_told(of_paul: list[Path], pictures: Path, tmp_path: Path) -> None:
    learn("Paul", of_paul)
    (path,) = (tmp_path / "data" / "names").glob("*.json")
    whole = json.loads(path.read_text())
    vector = whole["towers"]["colours"]["direction"]
    for damage in (
        "{",
        "[]",
        json.dumps(whole | {"format": 99}),
        json.dumps(whole | {"towers": {"colours": {"direction": vector[:8], "pictures": {}}}}),
        json.dumps(whole | {"name": ""}),
    ):
        path.write_text(damage)
        told: list[str] = []
        assert taught_names(told.append) == ()
        assert len(told) == 1
        assert "teach it again" in told[0]
    events: list[object] = []
    from phrasepix import Finder

    with Finder() as finder:
        request = SearchRequest("Paul red", source=pictures, model=ColourEncoder())
        assert len(finder.search(request, on_event=events.append)) == 10
    assert any(isinstance(event, Notice) and "teach it again" in str(event) for event in events)


def test_a_place_that_cannot_be_written_is_named(of_paul: list[Path], tmp_path: Path) -> None:
    write(tmp_path / "data", b"a file")
    with pytest.raises(NotWrittenError, match="names"):
        learn("Paul", of_paul)


def test_what_all_pictures_share_is_taken_off() -> None:
    random = np.random.default_rng(3)
    shared, own = random.normal(size=(2, 16))
    others = shared + 0.3 * random.normal(size=(400, 16))
    pictures = shared + own + 0.3 * random.normal(size=(5, 16))
    direction = direction_of(pictures.astype(np.float32), others.astype(np.float32))
    assert direction @ own / np.linalg.norm(own) > 0.97
    as_it_is = direction_of(pictures.astype(np.float32), np.empty((0, 16), np.float32))
    assert as_it_is @ own / np.linalg.norm(own) < 0.95
    same = direction_of(pictures[:1].astype(np.float32), pictures[:1].astype(np.float32))
    assert np.linalg.norm(same) == pytest.approx(1)


def test_a_pool_of_one_picture_says_nothing_of_names() -> None:
    vector = np.array([1, 0], np.float32)
    (part,) = NamesInPool([("Paul", vector)], [vector[None]]).parts(vector)
    assert part.stands_out is None


def test_the_same_cannot_be_wanted_and_not(names: list[Taught]) -> None:
    with pytest.raises(WrongQueryError, match="both wanted and not wanted"):
        with_names(SearchRequest("Paul", minus="Paul and Paul"), names, print)
    assert Query((TaughtName("red", names[0]), Phrase("red"))).title == "red + red"


@pytest.mark.slow
def test_the_command_teaches_lists_and_forgets() -> None:
    paths = [str(path) for path in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:3]]
    done = in_process.run("teach", "Paul", *paths, "--model", "sample")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "“Paul” now stands for what 3 pictures share" in done.stderr
    (listed,) = json.loads(in_process.run("teach", "--json").stdout)
    assert (listed["name"], len(listed["pictures"]), len(listed["encoders"])) == ("Paul", 3, 1)
    head, line = in_process.run("teach", "--header").stdout.splitlines()
    assert (head, line.split("\t")[:2]) == ("name\tpictures\tencoders", ["Paul", "3"])
    assert in_process.run("teach").stdout == line + "\n"
    _, shown = on_a_terminal("teach")
    assert re.search(r"Paul.* 3 pictures", shown), shown
    assert "\t" not in shown
    found = json.loads(
        in_process.run("Paul", "--source", str(PICTURES_DIRECTORY), "--model", "sample", "--json").stdout
    )
    assert found["query"]["wanted"] == [{"name": "Paul", "weight": 1.0}]
    assert found["matches"][0]["path"] in paths
    done = in_process.run("teach", "--forget", "Paul")
    assert (done.returncode, "Forgotten: Paul" in done.stderr) == (0, True)
    assert in_process.run("teach").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["teach", "Paul"], "no picture shows who or what Paul is"),
        (["teach", "Paul", "a.jpg", "--forget", "Paul"], "--forget takes the name alone"),
        (["teach", "--forget", "Nobody"], "no name 'Nobody' was taught"),
        (["teach", "?", "a.jpg"], "can be no name"),
        (["teach", "Paul", "missing.jpg", "b.jpg"], "is there: missing.jpg and 1 more"),  # before a model is looked for
    ],
)
def test_what_is_wrong_with_the_command_is_said_in_a_sentence(arguments: list[str], words: str) -> None:
    done = in_process.run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert words in done.stderr
