"""Graphs built from a configuration and weights alone: they say what open_clip says, or why they are not built."""

import gc
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reranker.engine import runtime
from reranker.graphs.towers import Plan, Towers

open_clip = pytest.importorskip("open_clip", reason="open_clip is what graphs are compared with")
torch = pytest.importorskip("torch", reason="torch runs what graphs are compared with")

SAMPLE_MODEL = Path(__file__).parents[1] / "phrasepix" / "sample" / "model"
INPUTS = 64
LARGEST_DIFFERENCE = 1e-5
"""Of a number of two unit vectors, in f32."""


def shaken(module: Any, seed: int = 0) -> Any:
    """The module with other weights than those it begins with, of which many are zeros or ones; from a seed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point():
                tensor.add_(torch.empty_like(tensor).uniform_(-0.03, 0.03, generator=generator))
    return module.eval()


def model_of(config: Mapping[str, Any]) -> Any:
    """open_clip's own model, with random weights."""
    settings = dict(config)
    torch.manual_seed(7)
    kind = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    return shaken(kind(**settings))


def written(model: Any, place: Path) -> Path:
    from safetensors.torch import save_file

    path = place / "open_clip_model.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}, path)
    return path


def tokens_for(config: Mapping[str, Any], seed: int = 1) -> NDArray[np.int64]:
    """Texts of every length: the start, words, the end, and zeros behind it."""
    rng = np.random.default_rng(seed)
    vocabulary, context = config.get("vocab_size", 49408), config.get("context_length", 77)
    tokens = np.zeros((INPUTS, context), dtype=np.int64)
    for number, row in enumerate(tokens):
        length = 2 + number % (context - 1)
        row[:length] = rng.integers(3, vocabulary - 2, length)
        row[0], row[length - 1] = vocabulary - 2, vocabulary - 1
    tokens[3, 1:3] = vocabulary - 1  # an end within the text: the first counts
    return tokens


def unit(rows: Any) -> NDArray[np.float64]:
    vectors: NDArray[np.float64] = np.asarray(rows, dtype=np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def compiled(model: Any) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    ready = runtime.core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: NDArray[Any]) -> NDArray[np.float64]:
        return unit(np.concatenate([np.array(ready(inputs[at : at + 32])[0]) for at in range(0, len(inputs), 32)]))

    return run


def in_torch(encode: Callable[[Any], Any], inputs: NDArray[Any]) -> NDArray[np.float64]:
    with torch.inference_mode():
        return unit(torch.cat([encode(torch.from_numpy(inputs[at : at + 32])) for at in range(0, len(inputs), 32)]))


def check(model: Any, config: Mapping[str, Any], weights: Path) -> Towers:
    """Compare both towers with open_clip's."""
    plan = Plan.of(config)
    towers = Towers.build(plan, weights, runtime.import_openvino())
    pixels = np.random.default_rng(0).standard_normal((INPUTS, 3, *plan.image.size)).astype(np.float32)
    said = compiled(towers.image)(pixels)
    assert said.shape == (INPUTS, plan.dimensions)
    np.testing.assert_allclose(said, in_torch(model.encode_image, pixels), atol=LARGEST_DIFFERENCE, rtol=0)
    tokens = tokens_for(config["text_cfg"])
    expected = in_torch(model.encode_text, tokens)
    assert np.linalg.norm(expected[0] - expected[-1]) > 0.01, "texts must differ for the comparison to mean anything"
    read = compiled(towers.text)
    np.testing.assert_allclose(read(tokens), expected, atol=LARGEST_DIFFERENCE, rtol=0)
    if plan.text.ends:
        short = tokens[:5, : int(tokens[:5].argmax(axis=1).max()) + 1]
        np.testing.assert_allclose(read(short), expected[:5], atol=LARGEST_DIFFERENCE, rtol=0)
    return towers


VIT: dict[str, Any] = {"image_size": 96, "layers": 2, "width": 768, "patch_size": 32}
TEXT: dict[str, Any] = {"context_length": 20, "vocab_size": 300, "width": 512, "heads": 8, "layers": 2}


def clip(vision: Mapping[str, Any] = {}, text: Mapping[str, Any] = {}, **others: Any) -> dict[str, Any]:
    """ViT-B-32's configuration of few layers, with other settings."""
    return {"embed_dim": 512, "vision_cfg": {**VIT, **vision}, "text_cfg": {**TEXT, **text}, **others}


SIGLIP_TEXT = {
    "width": 768,
    "heads": 12,
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
    "act_kwargs": {"approximate": "tanh"},
}
FEATURES: dict[str, dict[str, Any]] = {
    "CLIP's own": clip(),
    "quick GELU": clip(quick_gelu=True),
    "a text tower of its own": clip(custom_text=True),
    "an oblong picture": clip({"image_size": [64, 128], "patch_size": [32, 16]}),
    "patches that do not fill the picture": clip({"image_size": 100}),
    "the mean of patches, normalised after it": clip(
        {"pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True}
    ),
    "the mean of patches, normalised before it": clip({"pool_type": "avg"}),
    "the class token, normalised after it": clip({"final_ln_after_pool": True}),
    "positions of sines": clip({"pos_embed_type": "sin_cos_2d"}),
    "queries and keys normalised": clip({"qk_norm": True}, {"qk_norm": True}, custom_text=True),
    "custom blocks": clip({"block_type": "custom"}, {"block_type": "custom"}, custom_text=True),
    "layer scale": clip({"ls_init_value": 0.1}, {"ls_init_value": 0.1}),
    "patches left out in training": clip({"patch_dropout": 0.5}),
    "other hidden layers": clip({"mlp_ratio": 4.9231, "width": 1664, "head_width": 104, "layers": 1}),
    "the width of H-14": clip({"width": 1280, "head_width": 80, "patch_size": 14, "image_size": 56, "layers": 1}),
    "SigLIP's text tower": clip(text=SIGLIP_TEXT, custom_text=True),
    "the end by its id": clip(text={"pool_type": "eos", "eos_id": 299}, custom_text=True),
    "the first token": clip(text={"pool_type": "first", "no_causal_mask": True}, custom_text=True),
    "a causal tower's last token": clip(text={"pool_type": "last"}, custom_text=True),
    "no projection of texts": clip(text={"proj_type": "none"}, custom_text=True),
    "a projection with a bias": clip(text={"proj_bias": True}, custom_text=True),
    "a ResNet": clip({"layers": [1, 2, 1, 1], "width": 64, "patch_size": None}),
    "RN50x16's width": clip({"layers": [1, 1, 1, 1], "width": 96, "patch_size": None}),
}


@pytest.mark.parametrize("name", FEATURES)
def test_towers_are_open_clips(tmp_path: Path, name: str) -> None:
    config = FEATURES[name]
    model = model_of(config)
    check(model, config, written(model, tmp_path))


def test_the_samples_towers_are_open_clips() -> None:
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{SAMPLE_MODEL}", device="cpu")
    config = json.loads((SAMPLE_MODEL / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]
    check(model.eval(), config, SAMPLE_MODEL / "open_clip_model.safetensors")


def test_the_default_models_towers_are_open_clips(tmp_path: Path) -> None:
    config = open_clip.get_model_config("ViT-B-32")
    model = model_of(config)
    weights = written(model, tmp_path)
    towers = check(model, config, weights)
    assert towers.image_parameters == sum(tensor.numel() for tensor in model.visual.parameters())
    del towers
    gc.collect()
    weights.unlink()  # 600 MB
