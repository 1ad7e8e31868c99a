"""The sample's model: its configuration, its birth, its two encoders while training, and its files.

The model is open_clip's own `CLIP` class with a small ModifiedResNet for pictures and a small causal transformer for
phrases. Its token table has one row for each of the 49 408 tokens of CLIP's vocabulary; rows of tokens that no wording
contains stay zero, so a word the model never met adds (almost) nothing instead of noise.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from training import captions

INPUT = 96
"""Side of the model's input in pixels."""
CONTEXT = 32
"""Tokens of a phrase, start and end included."""

MODEL: dict[str, Any] = {
    "embed_dim": 192,
    "vision_cfg": {"image_size": INPUT, "layers": [1, 2, 2, 1], "width": 20, "head_width": 64, "patch_size": None},
    "text_cfg": {"context_length": CONTEXT, "vocab_size": 49408, "width": 96, "heads": 4, "layers": 3},
}
PREPROCESS: dict[str, Any] = {
    "size": [INPUT, INPUT],
    "mode": "RGB",
    "mean": [0.46, 0.45, 0.48],
    "std": [0.29, 0.27, 0.27],
    "interpolation": "bicubic",
    "resize_mode": "squash",
}


def known_words() -> list[str]:
    """Every wording of the phrases, as loose strings that together contain every word there is."""
    tables: list[Sequence[str]] = [
        [word for pairs in captions.SUBJECT_WORDS.values() for pair in pairs for word in pair],
        captions.SNOWY_WORDS,
        captions.ONE_WORDS,
        captions.IDLE_WORDS,
        ["an"],
    ]
    for table in (
        captions.COLOUR_WORDS,
        captions.GROUND_WORDS,
        captions.ABOVE_WORDS,
        captions.SIDE_WORDS,
        captions.TIME_WORDS,
        captions.WEATHER_WORDS,
        captions.TIME_ADJECTIVES,
        captions.WEATHER_ADJECTIVES,
    ):
        tables.extend(table.values())
    tables.extend(captions.COUNT_WORDS.values())
    loose = [*captions.TRAINING_FORMS, *captions.TRAINING_PAIR_FORMS]
    bare = ["".join(part.split("}")[-1] for part in form.split("{")) for form in loose]
    return sorted({words for table in [*tables, bare] for words in table if words.strip()})


def known_tokens(tokenizer: SimpleTokenizer) -> Tensor:
    """The ids of all tokens a wording can contain, with start, end and padding: int64, ascending."""
    ids = {0, tokenizer.sot_token_id, tokenizer.eot_token_id}
    for words in known_words():
        ids.update(tokenizer.encode(words))
    return torch.tensor(sorted(ids))


def tokenizer() -> SimpleTokenizer:
    """CLIP's tokenizer at the model's context length."""
    return SimpleTokenizer(context_length=CONTEXT)


def newborn(seed: int, config: dict[str, Any] | None = None) -> CLIP:
    """An untrained model; equal seeds give equal weights. Rows of unknown tokens are zero."""
    torch.manual_seed(seed)
    cfg = MODEL if config is None else config
    model = CLIP(**json.loads(json.dumps(cfg)))
    table = model.token_embedding.weight
    known = torch.zeros(table.shape[0], 1)
    known[known_tokens(tokenizer())] = 1.0
    with torch.no_grad():
        table.mul_(known)
        # From CLIP's usual start all heads of the pooling look everywhere alike for hundreds of steps, and left and
        # right cannot be learned before they differ. Places that stand out make each head prefer some of them.
        pooling = model.visual.attnpool
        torch.nn.init.normal_(pooling.positional_embedding, std=0.5)
        pooling.q_proj.weight.mul_(1.5)
        pooling.k_proj.weight.mul_(1.5)
    return model


def encode_phrases(model: CLIP, tokens: Tensor) -> Tensor:
    """Unit vectors float32 [n, embed_dim] of int64 tokens [n, CONTEXT].

    The same function as the model's own `encode_text`, without the padding after the longest phrase: attention is
    causal and the vector is read at the end-of-text token, so what follows it cannot count.
    """
    tokens = tokens[:, : int(tokens.argmax(dim=-1).max()) + 1]
    length = tokens.shape[1]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
    x = model.ln_final(x)
    ends = x[torch.arange(len(x)), tokens.argmax(dim=-1)]
    return functional.normalize((ends @ model.text_projection).float(), dim=-1)


def encode_squares(model: CLIP, squares: Tensor) -> Tensor:
    """Unit vectors float32 [n, embed_dim] of normalised pictures float32 [n, 3, INPUT, INPUT]."""
    return functional.normalize(model.encode_image(squares).float(), dim=-1)


def normalised(squares: Tensor) -> Tensor:
    """Pictures with values 0-1, float32 [n, 3, side, side], in the units the model expects."""
    mean = torch.tensor(PREPROCESS["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(PREPROCESS["std"]).view(1, 3, 1, 1)
    return (squares - mean) / std


def export(model: CLIP, directory: Path) -> None:
    """Write `open_clip_config.json` and `open_clip_model.safetensors` (fp16) for open_clip's `local-dir:` names.

    Both files are written under temporary names and moved into place.
    """
    directory.mkdir(parents=True, exist_ok=True)
    halves = {
        name: (value.detach().half() if value.is_floating_point() else value.detach()).contiguous()
        for name, value in model.state_dict().items()
    }
    weights, config = directory / "open_clip_model.safetensors", directory / "open_clip_config.json"
    partial = directory / "open_clip_model.partial"
    save_file(halves, partial, metadata={"format": "pt"})
    partial.chmod(0o644)
    partial.replace(weights)
    cfg = {"model_cfg": MODEL, "preprocess_cfg": PREPROCESS}
    partial = directory / "open_clip_config.partial"
    partial.write_text(json.dumps(cfg, indent=2) + "\n", encoding="utf-8")
    partial.replace(config)


def exported(directory: Path) -> tuple[CLIP, Any, Any]:
    """Model (in `eval` mode), picture transform and tokenizer of an exported directory, as open_clip loads them."""
    name = f"local-dir:{directory}"
    model, _, transform = open_clip.create_model_and_transforms(name)
    model.eval()
    return model, transform, open_clip.get_tokenizer(name)
