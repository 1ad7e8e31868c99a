"""Arguments of a wrong kind are errors that say what was given and what to give, before anything is asked or loaded."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import phrasepix
from phrasepix import PhrasepixError, find_images
from reranker.encoder import Embeddings, checked_rows
from reranker.errors import ModelError
from reranker.testing import ColourEncoder
from tests.picture_tree import picture, write


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tag": 7}, ["tag 7", 'tag="tiger"']),
        ({"tag": ["tree", 7]}, ["tag ['tree', 7]", 'tag=["tiger", "snow"]']),
        ({"top": 3.5}, ["top 3.5", "whole numbers from 1"]),
        ({"top": "4"}, ["top '4'", "whole numbers from 1"]),
        ({"top": True}, ["top True", "whole numbers from 1"]),
        ({"limit": 9.5}, ["limit 9.5", "whole numbers from 1"]),
        ({"requests": None}, ["requests None", "whole numbers from 1"]),
        ({"refine_top": 0}, ["refine_top 0", "whole numbers from 1"]),
        ({"source": []}, ["source []", "leave it out", "the path of a folder"]),
        ({"source": ()}, ["source ()", "leave it out"]),
        ({"source": 8}, ["source 8", "the path of a folder"]),
        ({"source": ["sample", None]}, ["source None", "the path of a folder"]),
        ({"source": {"sample"}}, ["source {'sample'}", "a list of these"]),
        ({"model": 4}, ["model 4", "encode_pictures"]),
        pytest.param({"refine": object()}, ["refine <object", "encode_pictures"], id="refine"),
        ({"filters": "vertical"}, ["filters 'vertical'", "Filters(orientation"]),
        ({"diverse": "much"}, ["diverse 'much'", "0, the plain order, to 1"]),
        ({"device": 0}, ["device 0", "give a str"]),
        ({"project": 1}, ["project 1", "give a str or a Path"]),
        ({"phrase": 12}, ["phrase 12", "give a sentence"]),
        ({"phrase": Path("boat.jpg")}, ["boat.jpg", "like="]),
        ({"minus": 3}, ["3 is no picture"]),
        ({"key": b"a secret of bytes"}, ["the key is no text"]),
    ],
    ids=repr,
)
def test_an_argument_of_a_wrong_kind_says_what_was_given_and_what_to_give(
    given: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(PhrasepixError) as raised:
        find_images(**{"phrase": "a red boat", "tag": "boat", "source": "sample"} | given)
    assert [word for word in words if word not in str(raised.value)] == []
    assert "secret" not in str(raised.value)


class _Wide(ColourEncoder):
    name = "wide"

    def encode_pictures(self, pictures: Any) -> Embeddings:
        return np.hstack([super().encode_pictures(pictures), np.zeros((len(pictures), 3), np.float32)])


class _Long(ColourEncoder):
    name = "long"

    def encode_texts(self, texts: Any) -> Embeddings:
        return 3 * super().encode_texts(texts)


class _TooFew(ColourEncoder):
    name = "too few"

    def encode_pictures(self, pictures: Any) -> Embeddings:
        return super().encode_pictures(pictures)[:-1]


class _Mute(ColourEncoder):
    name = "mute"

    def encode_pictures(self, pictures: Any) -> Any:
        return None


class _Lists(ColourEncoder):
    name = "lists"

    def encode_pictures(self, pictures: Any) -> Any:
        return super().encode_pictures(pictures).tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(3):
        write(tmp_path / "pictures" / f"{seed}.png", picture(seed))
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (_Wide(), ["the encoder wide gives an array [", ", 12] for ", " pictures, not one row of 9 numbers each"]),
        (_Long(), ["the encoder long gives a row of L2 norm 3 for 1 texts", "unit_rows"]),
        (_TooFew(), ["the encoder too few gives an array [", ", 9] for "]),
        (_Mute(), ["the encoder mute", " pictures, not one row"]),
    ],
    ids=["wide", "long", "too few", "mute"],
)
def test_an_encoder_whose_rows_are_wrong_is_named_with_what_it_gave(
    encoder: ColourEncoder, words: list[str], folder: Path
) -> None:
    with pytest.raises(ModelError) as raised:
        find_images("something red", source=folder, model=encoder)
    assert [word for word in words if word not in str(raised.value)] == []


def test_an_encoder_that_gives_lists_is_understood(folder: Path) -> None:
    plain = find_images("something red", source=folder, model=ColourEncoder())
    lists = find_images("something red", source=folder, model=_Lists())
    assert [one.candidate.id for one in lists] == [one.candidate.id for one in plain]


def test_rows_that_are_not_finite_are_left_to_whoever_knows_the_text() -> None:
    rows = np.vstack([np.full(9, np.nan), np.full(9, np.inf), np.eye(9)[0]])
    assert checked_rows(ColourEncoder(), rows, 3, "texts").dtype == np.float32


def test_a_number_of_numpy_is_a_whole_number(folder: Path) -> None:
    assert len(find_images("red", source=folder, model=ColourEncoder(), top=np.int64(2))) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pick", [4, [1.5], [True], ["1"], object()], ids=["number", "fraction", "flag", "text", "object"]
)
def test_what_picks_no_ranks_is_said(pick: Any, folder: Path, tmp_path: Path) -> None:
    results = find_images("red", source=folder, model=ColourEncoder())
    for ask in (lambda: results.save(tmp_path / "saved", pick), lambda: results.refined(prefer=pick)):
        with pytest.raises(phrasepix.errors.WrongPickError, match=r"picks nothing; give ranks such as"):
            ask()
    assert not (tmp_path / "saved").exists()


def test_a_match_and_results_show_themselves_in_a_line(folder: Path) -> None:
    results = find_images("red", source=folder, model=ColourEncoder(), top=2, minus="blue")
    for one in (results, *results):
        assert "\n" not in repr(one)
        assert len(repr(one)) < 160
    assert repr(results[0]).startswith(f"<Match 1: folder:{results[0].candidate.id} '")
    assert f"score {results[0].score:.3f}" in repr(results[0])


def test_the_help_begins_with_an_example_and_names_every_parameter_in_a_line_of_its_own() -> None:
    text = inspect.getdoc(find_images) or ""
    assert text.splitlines()[2] == "Example::"
    assert text.index("from phrasepix import find_images") < text.index("- `phrase`")
    listed = [line.split("`")[1::2] for line in text.splitlines() if line.startswith(("- `", "`on_progress`"))]
    named = {name for names in listed for name in names}
    assert {*inspect.signature(find_images).parameters} <= named


def test_the_root_of_all_errors_is_importable_from_the_package() -> None:
    assert phrasepix.PhrasepixError is phrasepix.errors.PhrasepixError
    assert {"errors", "PhrasepixError"} <= {*dir(phrasepix)}
    for name in phrasepix.errors.__all__:
        assert issubclass(getattr(phrasepix.errors, name), PhrasepixError)


def test_a_picture_of_pillows_is_no_phrase() -> None:
    with pytest.raises(PhrasepixError, match="like="):
        find_images(Image.new("RGB", (8, 8)), tag="boat", source="sample")  # type: ignore[arg-type]
