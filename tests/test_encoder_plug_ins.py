"""Encoders of other packages, found by their names as any that are installed."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

from phrasepix import find_images
from phrasepix.models.catalogue import choose_model
from reranker.encoder import KeepsOneTower, LoadsAhead, PreparesPictures
from reranker.errors import EncoderFaultError, ModelError, UnknownModelError, WeightsUnavailableError
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.models.registry import Loading, is_registered, load_registered
from reranker.testing import ColourEncoder, check_encoder
from tests.test_command_line import run

REGISTERED = """
    [phrasepix.encoders]
    hues = hues_encoder:load
    nofunction = hues_encoder:NAMES
    noencoder = hues_encoder:nothing
    missing = hues_encoder:nowhere
    leaving = hues_that_leave:load
    failing = hues_encoder:fail
    offline = hues_encoder:want_weights
    falling = hues_encoder:fall_later
    best = hues_encoder:load
    ViT-B-32 = hues_encoder:load
"""
MODULE = '''
    """An encoder of another package: the share of red, green and blue, and the words for them."""

    import numpy as np

    from reranker.encoder import unit_rows
    from reranker.errors import WeightsUnavailableError

    NAMES = ("red", "green", "blue")


    class Hues:
        name = "hues 1"
        dimensions = 4
        input_side = 8

        def __init__(self, loading):
            self.loading = loading

        def encode_texts(self, texts):
            rows = [[text.lower().count(name) for name in NAMES] for text in texts]
            return self._unit(np.array(rows, dtype=np.float32).reshape(-1, 3))

        def prepare_picture(self, picture):
            return np.asarray(picture.convert("RGB").resize((8, 8)), dtype=np.float32).mean(axis=(0, 1)) / 255

        def encode_prepared(self, prepared):
            return self._unit(np.array(prepared, dtype=np.float32).reshape(-1, 3))

        def encode_pictures(self, pictures):
            return self.encode_prepared([self.prepare_picture(picture) for picture in pictures])

        def _unit(self, rows):
            return unit_rows(np.hstack([rows, np.full((len(rows), 1), 0.1, dtype=np.float32)]))


    class Falling(Hues):
        def encode_texts(self, texts):
            raise KeyError("no such word")


    def load(loading):
        return Hues(loading)


    def nothing(loading):
        return {"name": "hues"}


    def fail(loading):
        raise RuntimeError("no such thing")


    def want_weights(loading):
        if not loading.download:
            raise WeightsUnavailableError("the weights of hues are not on this machine")
        return Hues(loading)


    def fall_later(loading):
        return Falling(loading)
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Another package as it lies on the disk when it is installed."""
    site = tmp_path / "site"
    facts = site / "hues_encoder-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: hues-encoder\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(dedent(REGISTERED))
    (site / "hues_encoder.py").write_text(dedent(MODULE))
    (site / "hues_that_leave.py").write_text("import sys\nsys.exit(5)\n")
    return site


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is installed for this process."""
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("hues_encoder", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for colour in ("red", "green", "blue"):
        Image.new("RGB", (64, 48), colour).save(folder / f"{colour}.png")
    return folder


def first(folder: Path, model: str) -> str:
    return find_images("a green thing", source=folder, model=model).matches[0].candidate.title


@pytest.mark.usefixtures("installed")
def test_a_search_finds_an_encoder_of_another_package_by_its_name(folder: Path) -> None:
    results = find_images("a green thing", source=folder, model="hues")
    assert results.matches[0].candidate.title == "green"
    assert results.model == "hues"
    refined = find_images("a green thing", source=folder, model=ColourEncoder(), refine="hues", refine_top=3)
    assert refined.matches[0].candidate.title == "green"


@pytest.mark.usefixtures("installed")
def test_it_is_told_how_to_load_and_does_what_it_can_and_no_more(tmp_path: Path) -> None:
    encoder = load_registered("hues", Loading(cache_directory=tmp_path, device="cpu", download=False))
    assert isinstance(encoder, PreparesPictures)
    assert not isinstance(encoder, LoadsAhead | KeepsOneTower)
    np.testing.assert_allclose(np.linalg.norm(encoder.encode_texts(["red", ""]), axis=1), 1, atol=1e-6)
    undecided = check_encoder(encoder)
    assert "prepares_pictures" not in undecided


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("nofunction", EncoderFaultError, r"hues_encoder:NAMES, which is registered as encoder 'nofunction', is no f"),
        ("noencoder", EncoderFaultError, r"returns dict, which is no Encoder: that has name, dimensions"),
        ("missing", EncoderFaultError, r"the model 'missing' failed by a mistake in its own code \(AttributeError"),
        ("leaving", EncoderFaultError, r"the model 'leaving' failed by a mistake in its own code \(SystemExit: 5\)"),
        ("failing", EncoderFaultError, r"the model 'failing' failed .*\(RuntimeError: no such thing\); tell whoever"),
        ("falling", EncoderFaultError, r"the model 'falling' failed .*\(KeyError: 'no such word'\)"),
    ],
)
def test_a_broken_one_is_named_and_ends_only_its_own_search(
    model: str, error: type[ModelError], words: str, folder: Path
) -> None:
    with pytest.raises(error, match=words):
        first(folder, model)
    assert first(folder, "hues") == "green"


@pytest.mark.usefixtures("installed")
def test_errors_of_ours_that_it_raises_are_raised_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"^the weights of hues are not on this machine$"):
        load_registered("offline", Loading(cache_directory=tmp_path, download=False))


@pytest.mark.usefixtures("installed")
def test_names_of_models_that_come_along_are_theirs() -> None:
    assert choose_model("best", None, only_the_sample=False)[1].plug_in is False
    assert choose_model("ViT-B-32", None, only_the_sample=False)[1] == DEFAULT_MODEL
    assert choose_model("hues", None, only_the_sample=False)[1].plug_in is True
    assert choose_model("local-dir:hues", None, only_the_sample=False)[1].plug_in is False


@pytest.mark.usefixtures("installed")
def test_it_has_weights_of_its_own_and_runs_itself(folder: Path) -> None:
    with pytest.raises(UnknownModelError, match="hues has weights of its own"):
        find_images("a green thing", source=folder, model="hues", pretrained="openai")
    with pytest.raises(UnknownModelError, match="the encoder hues runs itself"):
        find_images("a green thing", source=folder, model="hues", engine="torch")


def test_one_that_is_not_installed_any_more_is_named(tmp_path: Path) -> None:
    assert not is_registered("hues")
    with pytest.raises(EncoderFaultError, match="no package registers the encoder 'hues'"):
        load_registered("hues", Loading(cache_directory=tmp_path))


@pytest.mark.slow
def test_the_command_takes_it_by_its_name_and_says_which_one_is_broken(site: Path, folder: Path) -> None:
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    done = run("a green thing", "--source", str(folder), "--model", "hues", "--json", PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["matches"][0]["title"] == "green"
    done = run("a green thing", "--source", str(folder), "--model", "failing", PYTHONPATH=path)
    assert done.returncode == 3
    assert "the model 'failing' failed by a mistake in its own code (RuntimeError: no such thing)" in done.stderr
    assert "Traceback" not in done.stderr
