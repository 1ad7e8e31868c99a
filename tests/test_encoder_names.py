"""Encoders by name: adapters are listed beside the others, everywhere, with what they say of themselves."""

import json
from pathlib import Path

import numpy as np
import pytest

from phrasepix.errors import UnknownModelError
from phrasepix.models.adapters import adapters_directory
from phrasepix.models.catalogue import PROFILES, choose_model, profile_named, usable_adapters
from phrasepix.models.encoder_status import encoder_statuses
from reranker.adapters.adapted_encoder import AdaptedEncoder
from reranker.adapters.adapter import MANIFEST, Adapter, digest_of, write_adapter
from reranker.adapters.layer import Layer
from reranker.encoder_profile import HasProfile, reads_texts
from reranker.loading import Loading
from reranker.models.registry import load_registered
from reranker.testing import check_encoder
from tests import in_process


def adapt(name: str, base: str, dimensions: int, tower: str = "") -> Path:
    """Keep an adapter that changes nothing."""
    same = np.eye(dimensions, dtype=np.float32)
    layer = Layer(pictures=same, texts=same)
    adapter = Adapter(
        name=name,
        base=base,
        pretrained=None,
        base_tower=tower,
        dimensions=dimensions,
        digest=digest_of(layer),
        labels={"a": 6, "b": 6},
        figures={},
    )
    write_adapter(adapters_directory() / name, adapter, layer)
    return adapters_directory() / name


def test_an_adapter_is_listed_with_what_its_base_says(tmp_path: Path) -> None:
    adapt("my-colours", "colour", 245)
    adapt("my-boats", "sample", 192)
    adapt("my-clip", "ViT-L-14", 768)
    listed = {one.name: one for one in encoder_statuses(tmp_path)}
    assert list(listed)[-3:] == ["my-boats", "my-clip", "my-colours"], "behind those that come along"
    colours, boats, clip = listed["my-colours"], listed["my-boats"], listed["my-clip"]
    assert colours.profile is not None
    assert colours.profile.title == "my-colours, learnt over Colours, and how much of each"
    assert (colours.weights, colours.modalities, colours.remedy) == ("none needed", "pictures", "")
    assert boats.profile is not None
    assert (boats.weights, boats.modalities) == ("at hand", "texts and pictures")
    assert boats.profile.licence == PROFILES["sample"].licence
    assert clip.profile is not None
    assert (clip.profile.bytes_per_picture, clip.weights) == (4 * 768, "not here")


def test_an_adapter_remembers_embeddings_alone_whatever_its_base_does() -> None:
    adapt("my-sift", "sift", 1073)
    profile, base = profile_named("my-sift"), profile_named("sift")
    assert profile is not None
    assert base is not None
    assert profile.bytes_per_picture == 4 * 1073 < base.bytes_per_picture


def test_an_adapter_without_what_its_base_needs_says_so(tmp_path: Path) -> None:
    adapt("my-network", "dinov2-s", 384)
    network = next(one for one in encoder_statuses(tmp_path) if one.name == "my-network")
    assert (network.weights, network.remedy) == ("not here", "")


def test_a_damaged_one_is_listed_with_what_is_wrong_and_cannot_be_named(tmp_path: Path) -> None:
    (adapt("broken", "colour", 245) / MANIFEST).write_text("{}")
    broken = next(one for one in encoder_statuses(tmp_path) if one.name == "broken")
    assert "is damaged" in broken.remedy
    assert usable_adapters() == []


def test_an_adapter_that_is_called_like_an_encoder_hides_behind_it(tmp_path: Path) -> None:
    adapt("phash", "colour", 245)
    assert [one.name for one in encoder_statuses(tmp_path)].count("phash") == 1
    assert usable_adapters() == []


def test_the_loaded_adapter_says_of_itself_what_is_listed(tmp_path: Path) -> None:
    base = load_registered("colour", Loading(cache_directory=tmp_path))
    directory = adapt("my-colours", "colour", base.dimensions, base.name)
    adapted = AdaptedEncoder(base, directory)
    assert isinstance(adapted, HasProfile)
    assert adapted.profile == profile_named("my-colours")
    assert not reads_texts(adapted)
    check_encoder(adapted)


def test_the_command_lists_it() -> None:
    adapt("my-colours", "colour", 245)
    told = {one["name"]: one for one in json.loads(in_process.run("encoders", "--json").stdout)}
    assert told["my-colours"]["ready"] is True
    lines = [line.split("\t") for line in in_process.run("encoders").stdout.splitlines()]
    assert [line[2] for line in lines if line[0] == "my-colours"] == ["no"]


@pytest.mark.parametrize("typed", ["my-colurs", "My-colours"])
def test_one_that_is_misspelt_is_asked_for(typed: str) -> None:
    adapt("my-colours", "colour", 245)
    with pytest.raises(UnknownModelError, match=r'did you mean by="my-colours"\?'):
        choose_model(typed, None, only_the_sample=False, option="by")
