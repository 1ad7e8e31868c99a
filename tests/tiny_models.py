"""CLIP models of a few kilobytes, with random weights from a seed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import open_clip

CONTEXT = 12
TINY: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": CONTEXT, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "resize_mode": "squash"},
}


def random_tiny(seed: int) -> "open_clip.CLIP":
    """A model of open_clip's; without that, the test that needs one is skipped."""
    open_clip = pytest.importorskip("open_clip", reason="open_clip makes the model")
    import torch

    torch.manual_seed(seed)
    return open_clip.CLIP(**TINY["model_cfg"]).eval()


def write_model(directory: Path, model: "open_clip.CLIP", config: object = TINY) -> Path:
    from safetensors.torch import save_file

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "open_clip_config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), directory / "open_clip_model.safetensors")
    return directory
