"""A model's configuration as open_clip reads it, without open_clip."""

import json
from pathlib import Path
from typing import Any

from phrasepix_core.text import printable, shortened
from reranker.errors import ModelError
from reranker.models.file_names import CONFIG
from reranker.models.model_spec import LOCAL_DIR
from reranker.models.open_clip_registry import architecture
from reranker.models.weights import Weights

_IMAGE_SIDE = 224
"""open_clip's own default, in pixels."""
# open_clip 3.3, `transform.PreprocessCfg`: those of OpenAI's CLIP.
_PREPROCESSING: dict[str, Any] = {
    "size": _IMAGE_SIDE,
    "mode": "RGB",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}


def model_config(weights: Weights) -> dict[str, Any]:
    """The `model_cfg` that the weights fit, with the activation they were trained with; the caller's own.

    Raises `ModelError` where a directory's configuration has none.
    """
    config = _of_directory(weights)["model_cfg"] if _is_directory(weights) else architecture(weights.model)
    if not isinstance(config, dict):
        raise ModelError(f"model {weights.title} cannot be loaded: its configuration has no model_cfg")
    if weights.quick_gelu:
        config["quick_gelu"] = True
    return config


def preprocess_config(weights: Weights) -> dict[str, Any]:
    """The `preprocess_cfg` that open_clip comes to for the model.

    It has size, mode, mean, std, interpolation, resize_mode and fill_color. The size is the image tower's,
    whatever else is said. Raises `ModelError`.
    """
    given = _of_directory(weights).get("preprocess_cfg") if _is_directory(weights) else {}
    if not isinstance(given or {}, dict):
        raise ModelError(f"model {weights.title} cannot be loaded: its preprocess_cfg is no object")
    vision = model_config(weights).get("vision_cfg")
    side = vision.get("image_size", _IMAGE_SIDE) if isinstance(vision, dict) else _IMAGE_SIDE
    is_resnet = (
        isinstance(vision, dict) and isinstance(vision.get("layers"), list) and not vision.get("timm_model_name")
    )
    size = {"size": side if is_resnet or isinstance(side, list) else [side, side]}  # a ResNet's is one number
    known = _known(given or {})
    return _PREPROCESSING | known | size | _known(weights.preprocessing)


def _known(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in _PREPROCESSING and value is not None}


def _is_directory(weights: Weights) -> bool:
    return weights.model.startswith(LOCAL_DIR)


def _of_directory(weights: Weights) -> dict[str, Any]:
    path = Path(weights.model.removeprefix(LOCAL_DIR)) / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = shortened(printable(str(error)), 500)
        raise ModelError(f"model {weights.title} cannot be loaded from {printable(str(path))}: {why}") from None
    if not isinstance(config, dict) or "model_cfg" not in config:
        raise ModelError(f"model {weights.title} cannot be loaded: {CONFIG} has no model_cfg")
    return config
