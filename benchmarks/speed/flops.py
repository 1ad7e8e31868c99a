"""How much arithmetic a vision transformer does for one picture, from its architecture."""

from collections.abc import Mapping
from typing import Any


def flops_per_picture(model: Mapping[str, Any]) -> int:
    """Floating-point operations of the matrix products for one picture, a multiplication and an addition being two.

    `model` is open_clip's `model_cfg` of a CLIP with a vision transformer. What is not a matrix product
    (norms, softmax, activations) is left out: under one in a hundred.
    """
    vision = model["vision_cfg"]
    width, layers, patch = int(vision["width"]), int(vision["layers"]), int(vision["patch_size"])
    patches = (int(vision["image_size"]) // patch) ** 2
    tokens = patches + 1  # and the class token
    hidden = int(width * vision.get("mlp_ratio", 4.0))
    embedding = 3 * patch * patch * width * patches
    projections = 4 * tokens * width * width  # query, key, value, out
    attention = 2 * tokens * tokens * width  # scores, and their weighing of the values
    mlp = 2 * tokens * width * hidden
    return 2 * (embedding + layers * (projections + attention + mlp) + width * int(model["embed_dim"]))
