"""What is known of open_clip's models without open_clip is what open_clip itself knows."""

import json
import lzma
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from reranker.engine.clip_tokenizer import ClipTokenizer, write_merges
from reranker.errors import ModelError
from reranker.models.model_config import model_config, preprocess_config
from reranker.models.open_clip_registry import (
    DATA,
    architecture,
    architectures,
    is_text_model,
    pretrained,
    pretrained_tags,
)
from reranker.models.weights import Weights, find_weights
from tests.first_often import first_often

VISION: dict[str, Any] = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
TEXT: dict[str, Any] = {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1}


def test_what_is_kept_is_what_the_script_makes_of_the_installed_open_clip(tmp_path: Path) -> None:
    pytest.importorskip("open_clip", reason="open_clip is what it is compared with")
    from training.open_clip_data import main

    main(tmp_path)
    assert (tmp_path / "registry.json").read_text() == (DATA / "registry.json").read_text()
    packed = [lzma.decompress((place / "clip_merges.txt.xz").read_bytes()) for place in (tmp_path, DATA)]
    assert packed[0] == packed[1]


def test_names_and_weights_are_read_as_open_clip_knows_them() -> None:
    open_clip = pytest.importorskip("open_clip", reason="open_clip is what it is compared with")
    assert set(architectures()) == set(open_clip.list_models())
    for name in architectures():
        assert architecture(name) == open_clip.get_model_config(name)
        assert pretrained_tags(name) == open_clip.list_pretrained_tags_by_model(name)
        for tag in pretrained_tags(name):
            ours, theirs = pretrained(name, tag), open_clip.get_pretrained_cfg(name, tag)
            assert ours is not None
            assert ours.place == theirs["hf_hub"]
            assert ours.quick_gelu == bool(theirs.get("quick_gelu"))
            assert {
                name: value if isinstance(value, str) else tuple(value) for name, value in ours.preprocessing.items()
            } == {name: theirs[name] for name in ("mean", "std", "interpolation", "resize_mode")}


def test_a_configuration_is_the_callers_own() -> None:
    first = architecture("ViT-B-32")
    assert first is not None
    first["vision_cfg"]["layers"] = 0
    second = architecture("ViT-B-32")
    assert second is not None
    assert second["vision_cfg"]["layers"] == 12


def test_what_is_not_known_is_nothing() -> None:
    assert architecture("ViT-B-33") is None
    assert pretrained("ViT-B-33", "openai") is None
    assert pretrained("ViT-B-32", "laion9b") is None
    assert pretrained_tags("ViT-B-33") == []
    assert is_text_model("xlm-roberta-base")
    assert not is_text_model("somebody/their-model")


NEWER = """
def list_models(): return ["ViT-B-32", "ViT-Z-1"]
def get_model_config(name): return {"embed_dim": 1, "text_cfg": {"hf_model_name": "new/model"}}
def list_pretrained(): return [("ViT-B-32", "laion9b"), ("ViT-Z-1", "web"), ("ViT-Z-1", "elsewhere")]
def get_pretrained_cfg(name, tag):
    place = "" if tag == "elsewhere" else f"new/{name}/"
    return {"hf_hub": place, "url": "https://new.invalid/w.pt", "mean": (0.5,) * 3, "std": None, "quick_gelu": True}
"""


@pytest.mark.parametrize("version", ["99.0", None], ids=["another version", "the version that is kept"])
def test_what_another_open_clip_knows_besides_is_found(tmp_path: Path, version: str | None) -> None:
    (tmp_path / "open_clip.py").write_text(NEWER)
    metadata = tmp_path / "open_clip_torch-0.dist-info"
    metadata.mkdir()
    kept = version or json.loads((DATA / "registry.json").read_text())["version"]
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: open_clip_torch\nVersion: {kept}\n")
    code = """
import json, sys
from reranker.models.open_clip_registry import *
known = pretrained("ViT-B-32", "openai"), architecture("ViT-B-16"), is_text_model("xlm-roberta-base")
early = "open_clip" in sys.modules
new = pretrained("ViT-B-32", "laion9b")
print(json.dumps([
    early, new and [new.place, new.preprocessing, new.quick_gelu], architecture("ViT-Z-1") is not None,
    pretrained_tags("ViT-Z-1"), "laion9b" in pretrained_tags("ViT-B-32"), is_text_model("new/model"),
]))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])}
    said = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    expected = [False, ["new/ViT-B-32/", {"mean": [0.5] * 3}, True], True, ["web"], True, True]
    assert json.loads(said.stdout) == (expected if version else [False, None, False, [], False, False])


def test_the_merges_are_those_that_make_clips_vocabulary(tmp_path: Path) -> None:
    write_merges(tmp_path)
    tokens = ClipTokenizer(tmp_path, context=6)(["a photo of a tiger"])  # it looks at their digest
    # The ids that OpenAI's CLIP gives: its start and end are the last two of 49,408.
    assert tokens.tolist() == [[49406, 320, 1125, 539, 320, 49407]]


def test_origin_and_licence_stand_beside_the_data() -> None:
    said = (DATA / "LICENSES.md").read_text()
    assert "Copyright (c) 2021 OpenAI" in said
    assert "Ilharco" in said
    assert "Permission is hereby granted" in said
    assert {path.name for path in DATA.iterdir()} == {"LICENSES.md", "registry.json", "clip_merges.txt.xz"}


# --- the configuration that open_clip comes to


def directory_with(place: Path, config: dict[str, Any]) -> Weights:
    place.mkdir()
    (place / "open_clip_config.json").write_text(json.dumps(config))
    (place / "open_clip_model.safetensors").touch()
    return find_weights(f"local-dir:{place}", None)


@pytest.mark.parametrize(
    ("vision", "preprocessing"),
    [
        ({}, None),
        ({}, {}),
        ({}, {"mean": [0.5, 0.4, 0.3], "std": None, "resize_mode": "squash", "size": 99, "fill_color": 3, "other": 1}),
        ({"image_size": [32, 48]}, {"interpolation": "bilinear"}),
        ({"layers": [1, 1, 1, 1], "width": 32, "head_width": 64}, {"size": [32, 32]}),
        ({"timm_model_name": "vit_tiny_patch16_224", "image_size": 224}, {"mean": [0.5] * 3}),
    ],
    ids=["no preprocessing", "empty", "some of it", "oblong", "ResNet", "timm"],
)
def test_preprocessing_is_what_open_clip_comes_to(
    tmp_path: Path, vision: dict[str, Any], preprocessing: dict[str, Any] | None
) -> None:
    open_clip = pytest.importorskip("open_clip", reason="open_clip is what it is compared with")
    config: dict[str, Any] = {"model_cfg": {"embed_dim": 16, "vision_cfg": VISION | vision, "text_cfg": TEXT}}
    if preprocessing is not None:
        config["preprocess_cfg"] = preprocessing
    weights = directory_with(tmp_path / "model", deepcopy(config))
    theirs = open_clip.create_model(weights.model, load_weights=False).visual.preprocess_cfg
    assert json.dumps(preprocess_config(weights), sort_keys=True) == json.dumps(theirs, sort_keys=True)


@pytest.mark.parametrize("model", first_often(1, ["RN50", "ViT-B-32", "ViT-B-32-256"]))
def test_a_registry_models_preprocessing_is_what_open_clip_comes_to(model: str) -> None:
    open_clip = pytest.importorskip("open_clip", reason="open_clip is what it is compared with")
    tag = pretrained_tags(model)[0]
    told = pretrained(model, tag)
    assert told is not None
    weights = Weights(model, model, Path("w.safetensors"), told.preprocessing, told.quick_gelu)
    whole, _, _ = open_clip.create_model_and_transforms(
        model,
        load_weights=False,
        device="meta",
        **{f"image_{name}": value for name, value in told.preprocessing.items()},
    )
    theirs = whole.visual.preprocess_cfg
    assert json.dumps(preprocess_config(weights), sort_keys=True) == json.dumps(theirs, sort_keys=True)


def test_weights_say_which_activation_their_model_has() -> None:
    def activation(quick_gelu: bool) -> object:
        return model_config(Weights("m", "ViT-B-32", Path("w.safetensors"), {}, quick_gelu)).get("quick_gelu")

    assert activation(True) is True
    assert activation(False) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [("[]", "no model_cfg"), ("{}", "no model_cfg"), ('{"model_cfg": 3}', "no model_cfg"), ("{", "Expecting")],
)
def test_a_directory_whose_configuration_says_nothing_is_an_error(tmp_path: Path, content: str, why: str) -> None:
    weights = directory_with(tmp_path / "model", {})
    (tmp_path / "model" / "open_clip_config.json").write_text(content)
    with pytest.raises(ModelError, match=rf"model local-dir:model cannot be loaded.*{why}"):
        preprocess_config(weights)
