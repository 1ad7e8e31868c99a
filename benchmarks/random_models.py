"""CLIP models with random weights from a seed: speed and fidelity do not depend on what a model knows."""

import json
from dataclasses import asdict
from pathlib import Path

SEED = 20


def write_random_vit(directory: Path, architecture: str = "ViT-B-32") -> Path:
    """Write a model of one of open_clip's architectures into `directory`, as `local-dir:` loads it."""
    import open_clip
    import torch
    from open_clip.transform import PreprocessCfg
    from safetensors.torch import save_file

    torch.manual_seed(SEED)
    model, _, _ = open_clip.create_model_and_transforms(architecture, load_weights=False, device="cpu")
    config = open_clip.get_model_config(architecture)
    preprocessing = asdict(PreprocessCfg(size=config["vision_cfg"]["image_size"]))
    directory.mkdir(parents=True)
    save_file(model.state_dict(), directory / "open_clip_model.safetensors")
    (directory / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing}))
    return directory
