"""Graphs built from a configuration and weights alone: they say what open_clip says, or why they are not built."""

import gc
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray

from reranker.engine import runtime
from reranker.engine.numpy_tower import NumpyTower
from reranker.errors import ModelError, NotNativeError
from reranker.graphs.bert import KNOWN, ROBERTA, Bert
from reranker.graphs.hub_text import HubText
from reranker.graphs.ops import Ops
from reranker.graphs.options import Options
from reranker.graphs.sentence_text import SentenceText
from reranker.graphs.siglip import Siglip
from reranker.graphs.tensors import tensors_in
from reranker.graphs.torch_file import TorchFile
from reranker.graphs.towers import Plan, Towers
from reranker.graphs.weights import NamedTensors
from reranker.graphs.weights_file import WeightsFile
from tests.first_often import first_often

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
    vectors: NDArray[np.float64] = np.array(rows, dtype=np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def compiled(model: Any) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    ready = runtime.core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: NDArray[Any]) -> NDArray[np.float64]:
        return unit(np.concatenate([np.array(ready(inputs[at : at + 32])[0]) for at in range(0, len(inputs), 32)]))

    return run


FEW = 4
"""How many texts are read in NumPy: it takes its time."""


def in_numpy(model: Any, place: Path) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """Runs a text tower from the file that is written for OpenVINO."""
    runtime.save_model(model, place / "text-in-numpy.xml")
    tower = NumpyTower(place / "text-in-numpy.xml")
    return lambda tokens: unit(tower(tokens))


def in_torch(encode: Callable[[Any], Any], inputs: NDArray[Any]) -> NDArray[np.float64]:
    with torch.inference_mode():
        return unit(
            torch.cat([encode(torch.from_numpy(inputs[at : at + 32])) for at in range(0, len(inputs), 32)]).numpy()
        )


def check(model: Any, config: Mapping[str, Any], weights: Path, *, numpy: bool = True) -> Towers:
    """Compare both towers with open_clip's, the text tower also as it runs in NumPy."""
    plan = Plan.of(config)
    towers = Towers.build(plan, weights, runtime.import_openvino())
    pixels = np.random.default_rng(0).standard_normal((INPUTS, 3, *plan.image.size)).astype(np.float32)
    said = compiled(towers.image)(pixels)
    assert said.shape == (INPUTS, plan.dimensions)
    np.testing.assert_allclose(said, in_torch(model.encode_image, pixels), atol=LARGEST_DIFFERENCE, rtol=0)
    tokens = tokens_for(config["text_cfg"])
    expected = in_torch(model.encode_text, tokens)
    assert np.linalg.norm(expected - expected[0], axis=1).max() > 0.01, (
        "texts must differ for the comparison to mean anything"
    )
    read = compiled(towers.text)
    np.testing.assert_allclose(read(tokens), expected, atol=LARGEST_DIFFERENCE, rtol=0)
    if plan.text.ends:
        short = tokens[:5, : int(tokens[:5].argmax(axis=1).max()) + 1]
        np.testing.assert_allclose(read(short), expected[:5], atol=LARGEST_DIFFERENCE, rtol=0)
    if numpy:
        with TemporaryDirectory() as place:  # which may take half a gigabyte
            alone = in_numpy(towers.text, Path(place))(tokens[:FEW])
        np.testing.assert_allclose(alone, expected[:FEW], atol=LARGEST_DIFFERENCE, rtol=0)
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


_OFTEN = {"CLIP's own", "SigLIP's text tower"}
"""One of each kind; the others are for those who change what they are about, and CI."""


@pytest.mark.parametrize(
    "name", [name if name in _OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in FEATURES]
)
def test_towers_are_open_clips(tmp_path: Path, name: str) -> None:
    config = FEATURES[name]
    model = model_of(config)
    check(model, config, written(model, tmp_path))


@pytest.mark.slow
def test_the_samples_towers_are_open_clips() -> None:
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{SAMPLE_MODEL}", device="cpu")
    config = json.loads((SAMPLE_MODEL / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]
    check(model.eval(), config, SAMPLE_MODEL / "open_clip_model.safetensors")


@pytest.mark.slow
def test_the_default_models_towers_are_open_clips(tmp_path: Path) -> None:
    config = open_clip.get_model_config("ViT-B-32")
    model = model_of(config)
    weights = written(model, tmp_path)
    towers = check(model, config, weights)
    assert towers.image_parameters == sum(tensor.numel() for tensor in model.visual.parameters())
    del towers
    gc.collect()
    weights.unlink()  # 600 MB


# --- SigLIP


@pytest.mark.slow
def test_siglip_2s_towers_are_open_clips(tmp_path: Path) -> None:
    config = open_clip.get_model_config("ViT-B-32-SigLIP2-256")
    model = model_of(config)
    check(model, config, written(model, tmp_path))
    (tmp_path / "open_clip_model.safetensors").unlink()  # 1.5 GB


@pytest.mark.parametrize(
    "size", ["base", *(pytest.param(size, marks=pytest.mark.slow) for size in ("large", "so400m", "giantopt"))]
)
def test_timms_towers_of_siglip_are_timms(tmp_path: Path, size: str) -> None:
    timm = pytest.importorskip("timm", reason="timm runs what graphs are compared with")
    side = 256
    name = f"vit_{size}_patch{32 if size == 'base' else 16}_siglip_{side}"
    whole = Siglip.of(
        Options({"timm_model_name": name, "timm_pool": "map", "timm_proj": "none", "image_size": side}, "vision_cfg"),
        {"base": 768, "large": 1024, "so400m": 1152, "giantopt": 1536}[size],
    )
    plan = replace(whole, stack=replace(whole.stack, layers=1), size=(64, 64))
    torch.manual_seed(7)
    trunk = shaken(timm.create_model(name, num_classes=0, global_pool="map", depth=1, img_size=64))
    path = written(torch.nn.ModuleDict({"trunk": trunk}), tmp_path)
    ops = Ops(runtime.import_openvino())
    pixels = ops.input("pixels", [-1, 3, 64, 64], "f32")
    weights = NamedTensors(ops, WeightsFile(path))
    model = ops.model([pixels], plan.build(weights, pixels), "image")
    weights.demand_all_taken()
    pictures = np.random.default_rng(0).standard_normal((INPUTS, 3, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(compiled(model)(pictures), in_torch(trunk, pictures), atol=LARGEST_DIFFERENCE, rtol=0)


@pytest.mark.slow
def test_what_is_said_of_timms_towers_is_what_timm_says() -> None:
    timm = pytest.importorskip("timm", reason="timm says what they are")
    names = {
        config["vision_cfg"].get("timm_model_name")
        for config in map(open_clip.get_model_config, open_clip.list_models())
    }
    known = [name for name in names if name and "_siglip_" in name]
    assert len(known) > 10
    for name in known:
        side = int(name.rpartition("_")[2])
        vision = {"timm_model_name": name, "timm_pool": "map", "timm_proj": "none", "image_size": side}
        with torch.device("meta"):
            theirs = timm.create_model(name, num_classes=0, global_pool="map")
        ours = Siglip.of(Options(vision, "vision_cfg"), theirs.embed_dim)
        block = theirs.blocks[0]
        assert ours.size == theirs.patch_embed.img_size
        assert ours.patch == theirs.patch_embed.patch_size
        assert ours.stack.layers == len(theirs.blocks)
        assert ours.stack.heads == block.attn.num_heads == theirs.attn_pool.num_heads
        assert ours.stack.hidden == block.mlp.fc1.out_features == theirs.attn_pool.mlp.fc1.out_features
        assert ours.stack.epsilon == block.norm1.eps == theirs.norm.eps
        approximate = getattr(block.mlp.act, "approximate", "none")
        tanh = approximate == "tanh" or type(block.mlp.act).__name__ == "GELUTanh"
        assert (ours.stack.activation == "gelu_tanh") is tanh, name


# --- text towers of the hub


def small(config: Any) -> Bert:
    """What a configuration of RoBERTa's kind describes."""
    return Bert(
        ROBERTA,
        config.num_hidden_layers,
        config.hidden_size,
        config.num_attention_heads,
        config.intermediate_size,
        config.vocab_size,
        config.max_position_embeddings,
        padding=config.pad_token_id,
        epsilon=config.layer_norm_eps,
        counts_padding=False,
        kinds=config.type_vocab_size,
    )


@pytest.mark.parametrize(
    ("kind", "pool", "projection", "dimensions"),
    first_often(
        1,
        [
            ("xlm-roberta", "mean_pooler", "linear", 512),
            ("xlm-roberta", "cls_pooler", "mlp", 512),
            ("roberta", "mean_pooler", "mlp", 640),
            ("roberta", "mean_pooler", None, 768),
        ],
    ),
)
def test_text_towers_of_the_hub_are_open_clips(
    tmp_path: Path, kind: str, pool: str, projection: str | None, dimensions: int
) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers runs what graphs are compared with")
    from open_clip.hf_model import HFTextEncoder

    known = KNOWN[f"{kind}-base"]
    classes = {"xlm-roberta": transformers.XLMRobertaConfig, "roberta": transformers.RobertaConfig}
    config = classes[kind](
        vocab_size=300,
        hidden_size=known.width,
        num_attention_heads=known.heads,
        intermediate_size=known.hidden,
        num_hidden_layers=2,
        max_position_embeddings=known.positions,
        type_vocab_size=known.kinds,
        layer_norm_eps=known.epsilon,
        pad_token_id=known.padding,
    )
    torch.manual_seed(7)
    theirs = shaken(HFTextEncoder("", dimensions, config=config, pooler_type=pool, proj_type=projection))
    unused = () if pool == "cls_pooler" else ("transformer.pooler.dense.weight", "transformer.pooler.dense.bias")
    path = written(theirs, tmp_path)
    plan = HubText(20, small(config), pool, projection or "none", dimensions)  # type: ignore[arg-type]
    ops = Ops(runtime.import_openvino())
    tokens = ops.input("tokens", [-1, -1], "i64")
    weights = NamedTensors(ops, WeightsFile(path))
    model = ops.model([tokens], plan.build(weights, tokens), "text")
    weights.leave(*unused)  # made by transformers, which open_clip does not ask for it
    weights.demand_all_taken()
    texts = texts_with_padding(300, known.padding)
    read, expected = compiled(model), in_torch(theirs, texts)
    np.testing.assert_allclose(read(texts), expected, atol=LARGEST_DIFFERENCE, rtol=0)
    np.testing.assert_allclose(read(texts[:4, :8]), expected[:4], atol=LARGEST_DIFFERENCE, rtol=0)
    alone = in_numpy(model, tmp_path)
    np.testing.assert_allclose(alone(texts[:FEW]), expected[:FEW], atol=LARGEST_DIFFERENCE, rtol=0)


def texts_with_padding(vocabulary: int, padding: int, context: int = 20) -> NDArray[np.int64]:
    rng = np.random.default_rng(1)
    tokens = np.full((INPUTS, context), padding, dtype=np.int64)
    for number, row in enumerate(tokens):
        length = 2 + number % (context - 1)
        row[:length] = rng.integers(3, vocabulary, length)
    return tokens


def test_what_is_said_of_the_hubs_models_fits_the_registry() -> None:
    configs = map(open_clip.get_model_config, open_clip.list_models())
    named = {config["text_cfg"].get("hf_model_name") for config in configs}
    assert set(KNOWN) <= named


@pytest.mark.parametrize("matrix", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.slow
def test_a_text_tower_of_sentence_transformers_is_theirs(tmp_path: Path, matrix: str) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="it runs what is compared")
    from safetensors.torch import save_file

    from tests.made_tokenizers import write_text_tower

    directory = write_text_tower(tmp_path / "text", 512, context=32, width=768, heads=12, layers=2)
    if matrix == "model.safetensors":
        save_file(
            torch.load(directory / "2_Dense" / "pytorch_model.bin", weights_only=True), directory / "2_Dense" / matrix
        )
    theirs = sentence_transformers.SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    ops = Ops(runtime.import_openvino())
    plan = SentenceText.of(directory)
    assert (plan.context, plan.dimensions) == (32, 512)
    tower = plan.build(ops, directory)
    read, alone = compiled(tower), in_numpy(tower, tmp_path)
    tokens = texts_with_padding(plan.model.vocabulary, plan.model.padding, 32)

    def encode(rows: Any) -> Any:
        return theirs({"input_ids": rows, "attention_mask": (rows != 0).long()})["sentence_embedding"]

    expected = in_torch(encode, tokens)
    np.testing.assert_allclose(read(tokens), expected, atol=LARGEST_DIFFERENCE, rtol=0)
    np.testing.assert_allclose(alone(tokens[:FEW]), expected[:FEW], atol=LARGEST_DIFFERENCE, rtol=0)


# --- weights


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
@pytest.mark.slow
def test_weights_of_other_precision_stay_as_they_are_on_disk(tmp_path: Path, kind: str) -> None:
    config = clip()
    model = model_of(config).to(getattr(torch, kind))
    weights = written(model, tmp_path)
    towers = check(model.float(), config, weights, numpy=kind != "bfloat16")  # of which NumPy has none
    runtime.save_model(towers.image, tmp_path / "image.xml")
    runtime.save_model(towers.text, tmp_path / "text.xml")
    size = sum((tmp_path / name).stat().st_size for name in ("image.bin", "text.bin"))
    assert size < 1.02 * weights.stat().st_size


@pytest.mark.slow
def test_a_model_with_a_text_tower_of_its_own_takes_weights_of_the_older_names(tmp_path: Path) -> None:
    config = clip()
    model = model_of(config)
    check(model, {**config, "custom_text": True}, written(model, tmp_path))


def problem(config: Mapping[str, Any], weights: Path | None = None) -> str:
    with pytest.raises(NotNativeError) as caught:
        Towers.build(Plan.of(config), weights or Path("none"), runtime.import_openvino())
    return str(caught.value)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "model_cfg.embed_dim is None"),
        ({"embed_dim": 512}, "vision_cfg is no table of options"),
        (clip({"width": "wide"}), "vision_cfg.width is 'wide'"),
        (clip({"width": 100, "head_width": 30}), "vision_cfg.width is 100"),
        (clip({"pool_type": "none"}), "vision_cfg.pool_type is 'none'"),
        (clip({"attentional_pool": True}), "vision_cfg.attentional_pool is True"),
        (clip({"scaled_cosine_attn": True}), "vision_cfg.scaled_cosine_attn is True"),
        (clip({"norm_kwargs": {"bias": False}}), "vision_cfg.norm_kwargs is {'bias': False}"),
        (clip({"timm_model_name": "convnext_base"}), "vision_cfg.timm_model_name is 'convnext_base'"),
        (clip({"a_new_one": 3}), "vision_cfg.a_new_one is 3"),
        (clip(text={"embed_cls": True}), "text_cfg.embed_cls is True"),
        (clip(text={"hf_model_name": "google/mt5-base"}), "text_cfg.hf_model_name is 'google/mt5-base'"),
        (clip(multimodal_cfg={"width": 8}), "model_cfg.multimodal_cfg is {'width': 8}"),
        (clip(quick_gelu=True, text={"act_kwargs": {"approximate": "tanh"}}), "text_cfg.act_kwargs"),
    ],
)
def test_what_is_not_known_is_named(config: dict[str, Any], says: str) -> None:
    assert says in problem(config)


def test_missing_strange_and_misshapen_weights_are_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    config = clip({"layers": 1, "width": 64, "head_width": 32}, {"layers": 1, "width": 64, "heads": 2}, embed_dim=32)
    tensors = {name: tensor.contiguous() for name, tensor in model_of(config).state_dict().items()}
    path = tmp_path / "open_clip_model.safetensors"
    missing = dict(tensors)
    del missing["ln_final.bias"]
    save_file(missing, path)
    assert problem(config, path) == "the weights have no ln_final.bias"
    save_file({**tensors, "visual.adapter.weight": torch.zeros(3)}, path)
    assert problem(config, path) == "the weights have visual.adapter.weight, which nothing known here uses"
    save_file({**tensors, "lora.weight": torch.zeros(3)}, path)
    assert problem(config, path) == "the weights have lora.weight, which nothing known here uses"
    save_file({**tensors, "visual.proj": torch.zeros(32, 64)}, path)
    assert problem(config, path) == "the weights' visual.proj has the shape [32, 64], not [64, 32]"
    save_file({**tensors, "visual.proj": torch.zeros(64, 32, dtype=torch.int8)}, path)
    assert "visual.proj is of numbers I8" in problem(config, path)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "open_clip_model.safetensors"
    whole = (SAMPLE_MODEL / path.name).read_bytes()
    header = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]}}).encode()
    contents = {
        b"": "it is empty",
        b"PK": "cut short",
        b"\xff" * 100: "cut short",
        whole[:5000]: "cut short",
        whole[:-1]: "is not in it as its header says",
        len(header).to_bytes(8, "little") + header + bytes(8): "is not in it as its header says",
        (2).to_bytes(8, "little") + b"[]": "cannot be read",
        (2).to_bytes(8, "little") + b"\xff\xff": "cannot be read",
        (9).to_bytes(8, "little") + b'{"a": {}}': "cannot be read",
    }
    for content, says in contents.items():
        path.write_bytes(content)
        with pytest.raises(NotNativeError, match=says):
            WeightsFile(path)


def bytes_of(tensor: Any) -> bytes:
    numbers: NDArray[np.uint8] = tensor.detach().reshape(-1).view(torch.uint8).numpy()
    return numbers.tobytes()


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "old"])
def test_a_file_of_torch_has_the_same_tensors(tmp_path: Path, is_new: bool) -> None:
    expected = {
        "a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "half": torch.ones(3, dtype=torch.float16),
        "brain": torch.ones(1, 3, dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "cut": torch.arange(10.0)[4:8],
        "turned": torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
        "turned and cut": torch.arange(20.0).reshape(4, 5)[1:3].T,
        "parameter": torch.nn.Parameter(torch.zeros(2)),
    }
    for number, saved in enumerate((expected, {"epoch": 3, "state_dict": expected})):
        path = tmp_path / f"{number}.bin"
        torch.save(saved, path, _use_new_zipfile_serialization=is_new)
        found = tensors_in(path)
        assert found.names == expected.keys()
        for name, tensor in expected.items():
            assert found[name].shape == tuple(tensor.shape)
            assert found[name].content.tobytes() == bytes_of(tensor)


class Runs:
    """What a pickle of it would do to whoever loads it."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def test_a_file_of_torch_that_is_more_than_tensors_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.bin"
    cases = {
        "posix.mkdir": {"a": torch.zeros(2), "b": Runs()},
        "something else than tensors": {"a": torch.zeros(2), "b": 3},
        "several times": {"a": torch.zeros(2).expand(3, 2)},
        "_rebuild_sparse_tensor": {"a": torch.eye(2).to_sparse()},
    }
    for is_new in (True, False):
        for says, saved in cases.items():
            torch.save(saved, path, _use_new_zipfile_serialization=is_new)
            with pytest.raises(NotNativeError, match=says):
                tensors_in(path)
        torch.save({"a": torch.zeros(200)}, path, _use_new_zipfile_serialization=is_new)
        whole = path.read_bytes()
        for content in (b"", whole[:500], whole[:-1], whole[-500:]):
            path.write_bytes(content)
            with pytest.raises(NotNativeError, match="cannot be read without torch"):
                tensors_in(path)
    assert not (tmp_path / "ran").exists()


def test_an_old_file_of_torch_that_is_not_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"

    def row_of(*said: object, after: bytes = b"") -> bytes:
        return b"".join(pickle.dumps(one, protocol=2) for one in said) + after

    magic, machine = 0x1950A86A20F9469CFC6C, {"little_endian": True}
    contents = {
        row_of(magic, 1002, machine, {}, []): "another format",
        row_of(magic, 1001, {"little_endian": False}, {}, []): "big-endian",
        row_of(magic, 1001, machine, {}, ["0"]): "its records are not those of its tensors",
        row_of(magic, 1001, machine, [1, 2], []): "something else than tensors",
        row_of(magic, 1001, machine): "cannot be read",
        row_of(magic, 1001, machine)[:-3] + b"r\xff\xff\xff\x7f.": "more objects than it has",
    }
    for content, says in contents.items():
        path.write_bytes(content)
        with pytest.raises(NotNativeError, match=says):
            tensors_in(path)


def as_archive(place: Path, records: Mapping[str, bytes], compression: int = ZIP_STORED) -> bytes:
    path = place / "made.zip"
    with ZipFile(path, "w", compression) as archive:
        for name, content in records.items():
            archive.writestr(f"weights/{name}", content)
    return path.read_bytes()


def test_archives_that_torch_does_not_write_are_named(tmp_path: Path) -> None:
    empty = b"\x80\x02}."
    encrypted = bytearray(as_archive(tmp_path, {"data.pkl": empty}))
    encrypted[6] |= 1
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1
    cut = bytearray(as_archive(tmp_path, {"data.pkl": bytes(5000)}, ZIP_DEFLATED))
    cut[52:60] = b"\xff" * 8
    cases = {
        "no list of tensors": as_archive(tmp_path, {"data": empty}),
        "or several": as_archive(tmp_path, {"data.pkl": empty, "a/data.pkl": empty}),
        "weights/data.pkl is not one that torch writes": bytes(cut),
        "weights/byteorder is not one": as_archive(tmp_path, {"data.pkl": empty, "byteorder": bytes(100)}),
        "big-endian": as_archive(tmp_path, {"data.pkl": empty, "byteorder": b"big"}),
        "encrypted": bytes(encrypted),
        "more objects than it has": as_archive(tmp_path, {"data.pkl": b"\x80\x02}r\xff\xff\xff\x7f."}),
    }
    path = tmp_path / "weights.bin"
    for says, content in cases.items():
        path.write_bytes(content)
        with pytest.raises(NotNativeError, match=f"weights.bin cannot be read without torch: .*{says}"):
            TorchFile(path)
    path.write_bytes(as_archive(tmp_path, {"data.pkl": empty, "byteorder": b"little"}))
    assert TorchFile(path).names == set()


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"])
def test_weights_that_the_system_does_not_give_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} cannot be read: No such file or directory") as caught:
        tensors_in(tmp_path / name)
    assert not isinstance(caught.value, NotNativeError), "torch could not read it either"


@pytest.mark.slow
def test_building_takes_hardly_more_memory_than_the_weights(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="the system does not tell what a process needed at most")
    config = clip({"width": 1024, "layers": 4}, {"width": 1024, "heads": 16, "layers": 4, "vocab_size": 20000})
    weights = written(model_of(config), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], check=True, capture_output=True, text=True, timeout=120
    )
    before, after = map(int, done.stdout.split())
    assert (after - before) * 1024 < 1.3 * weights.stat().st_size


BUILD = """
import json, resource, sys
from pathlib import Path
from reranker.engine import runtime
from reranker.graphs.torch_file import TorchFile
from reranker.graphs.towers import Plan, Towers

place = Path(sys.argv[1])
openvino = runtime.import_openvino()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
plan = Plan.of(json.loads((place / "config.json").read_text()))
towers = Towers.build(plan, place / "open_clip_model.safetensors", openvino)
runtime.save_model(towers.image, place / "image.xml")
runtime.save_model(towers.text, place / "text.xml")
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
