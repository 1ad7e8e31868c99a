"""The same random weights for everybody: as open_clip, as sentence-transformers and as rclip load them."""

import gzip
import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.random_models import write_random_vit

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "ViT-B-32"
RCLIP_ARCHITECTURE = "ViT-B-32-256"
"""What rclip 3 is built for: its preprocessing gives pictures of 256 pixels, 65 tokens instead of 50."""

_RCLIP_FOLDER = "ViT-B-32-256-datacomp_s34b_b86k"
_MERGES = 49152 - 256 - 2  # how many of the vocabulary's merges CLIP uses


def random_model(place: Path, architecture: str = ARCHITECTURE) -> Path:
    """The model's directory below `place`, written if it is not there."""
    directory = place / f"random-{architecture}"
    if not directory.is_dir():
        partial = place / f"{directory.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        write_random_vit(partial, architecture).rename(directory)
    return directory


def as_sentence_transformer(model: Path, target: Path) -> Path:
    """The model in `model` as a `SentenceTransformer` with a CLIP module, saved in `target`."""
    import torch
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import CLIPModel as Module
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    if target.is_dir():
        return target
    config = json.loads((model / "open_clip_config.json").read_text())
    shape, preprocessing = config["model_cfg"], config["preprocess_cfg"]
    vision, text = shape["vision_cfg"], shape["text_cfg"]
    begin, end = text["vocab_size"] - 2, text["vocab_size"] - 1
    theirs = CLIPModel(
        CLIPConfig(
            projection_dim=shape["embed_dim"],
            vision_config={
                "hidden_size": vision["width"],
                "intermediate_size": 4 * vision["width"],
                "num_hidden_layers": vision["layers"],
                "num_attention_heads": vision["width"] // vision.get("head_width", 64),
                "image_size": vision["image_size"],
                "patch_size": vision["patch_size"],
                "hidden_act": "gelu",
                "projection_dim": shape["embed_dim"],
            },
            text_config={
                "vocab_size": text["vocab_size"],
                "hidden_size": text["width"],
                "intermediate_size": 4 * text["width"],
                "num_hidden_layers": text["layers"],
                "num_attention_heads": text["heads"],
                "max_position_embeddings": text["context_length"],
                "hidden_act": "gelu",
                "projection_dim": shape["embed_dim"],
                "bos_token_id": begin,
                "eos_token_id": end,
                "pad_token_id": end,
            },
        )
    ).eval()
    converted = converted_names(load_file(model / "open_clip_model.safetensors"))
    missing, unexpected = theirs.load_state_dict(converted, strict=False)
    left = [name for name in missing if not name.endswith("position_ids")]
    if left or unexpected:
        raise ValueError(f"weights that do not fit: {left + list(unexpected)}")
    plain = target.with_name(target.name + ".clip")
    partial = target.with_name(target.name + ".partial")
    for directory in (plain, partial):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    theirs.save_pretrained(plain)
    _write_vocabulary(plain)
    tokenizer = CLIPTokenizer.from_pretrained(plain, model_max_length=text["context_length"])
    side = vision["image_size"]
    pictures = CLIPImageProcessor(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_mean=list(preprocessing["mean"]),
        image_std=list(preprocessing["std"]),
    )
    CLIPProcessor(pictures, tokenizer).save_pretrained(plain)
    with torch.no_grad():
        SentenceTransformer(modules=[Module(str(plain))], device="cpu").save(str(partial))
    shutil.rmtree(plain)
    partial.rename(target)
    return target


def converted_names(weights: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """open_clip's weights of a CLIP under the names transformers gives them."""
    renamed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if name.startswith(("visual.transformer.", "transformer.")):
            tower = "vision_model" if name.startswith("visual.") else "text_model"
            number, _, part = name.partition("resblocks.")[2].partition(".")
            renamed |= _layer(f"{tower}.encoder.layers.{number}", part, weight)
        elif name == "visual.proj":
            renamed["visual_projection.weight"] = weight.T.contiguous()
        elif name == "text_projection":
            renamed["text_projection.weight"] = weight.T.contiguous()
        else:
            renamed[_NAMES[name]] = weight
    return renamed


_NAMES = {
    "logit_scale": "logit_scale",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",  # spelt so over there
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
}
_PARTS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def _layer(place: str, part: str, weight: "Tensor") -> "dict[str, Tensor]":
    if part.startswith("attn.in_proj_"):
        kind = part.removeprefix("attn.in_proj_")
        thirds = zip("qkv", weight.chunk(3), strict=True)  # one matrix there, three here
        return {f"{place}.self_attn.{letter}_proj.{kind}": third.contiguous() for letter, third in thirds}
    module, _, kind = part.rpartition(".")
    return {f"{place}.{_PARTS[module]}.{kind}": weight}


def _write_vocabulary(directory: Path) -> None:
    """CLIP's vocabulary as transformers reads it, from the file that comes with open_clip."""
    from open_clip.tokenizer import SimpleTokenizer, default_bpe

    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode().split("\n")[1 : _MERGES + 1]
    encoder = dict(SimpleTokenizer().encoder)
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {names.get(word, word): number for word, number in encoder.items()}
    (directory / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (directory / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]), encoding="utf-8")


def as_rclip_data(model: Path, target: Path) -> Path:
    """The model in `model` (of `RCLIP_ARCHITECTURE`) as ONNX in `target`, where rclip looks for what it downloads."""
    import open_clip
    import torch
    from open_clip.tokenizer import default_bpe

    if target.is_dir():
        return target
    clip, _, _ = open_clip.create_model_and_transforms(f"local-dir:{model}", device="cpu")
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / _RCLIP_FOLDER).mkdir(parents=True)
    (partial / "tokenizer").mkdir()
    shutil.copy(default_bpe(), partial / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz")
    side = clip.visual.image_size[0] if isinstance(clip.visual.image_size, tuple) else clip.visual.image_size

    class Tower(torch.nn.Module):
        def __init__(self, method: str) -> None:
            super().__init__()
            self.clip, self.method = clip.eval(), method

        def forward(self, inputs: "Tensor") -> Any:
            return getattr(self.clip, self.method)(inputs)

    torch.backends.mha.set_fastpath_enabled(False)  # its fused operation is not one of ONNX's
    for name, method, example in (
        ("visual.onnx", "encode_image", torch.zeros(2, 3, side, side)),
        ("textual.onnx", "encode_text", torch.zeros(2, clip.context_length, dtype=torch.int64)),
    ):
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own ways; what it wrote is compared
            torch.onnx.export(
                Tower(method),
                (example,),
                str(partial / _RCLIP_FOLDER / name),
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": {0: "n"}, "output": {0: "n"}},
                dynamo=False,
            )
    partial.rename(target)
    return target
