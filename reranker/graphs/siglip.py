"""timm's image towers of SigLIP and SigLIP 2."""

import re
from dataclasses import dataclass

from reranker.graphs.blocks import TIMM, Stack
from reranker.graphs.ops import Node
from reranker.graphs.options import Options
from reranker.graphs.vit import Sides, patches, sides_of
from reranker.graphs.weights import NamedTensors

_NAME = re.compile(r"vit_(base|large|so400m|giantopt)_patch(\d+)_siglip_(\d+)")
_EPSILON = 1e-6

# https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/vision_transformer.py
_SIZES = {
    "base": (12, 768, 12, 4.0),
    "large": (24, 1024, 16, 4.0),
    "so400m": (27, 1152, 16, 3.7362),
    "giantopt": (40, 1536, 16, 4.0),
}
"""Layers, width, heads, and how many times wider the hidden layer is."""
_APPROXIMATE = re.compile(r"vit_(base_patch32|large_patch16|so400m_patch16|giantopt_patch16)_siglip_\d+")
_EXACT = re.compile(r"vit_large_patch16_siglip_(256|384)")
"""Towers whose GELU is the approximate one, and those among them whose is not."""


@dataclass(frozen=True, slots=True)
class Siglip:
    """A transformer without a class token: a learnt query attends to what the blocks made of the patches."""

    size: Sides
    patch: Sides
    stack: Stack

    @classmethod
    def of(cls, options: Options, dimensions: int) -> "Siglip":
        """The tower of timm that `vision_cfg` names."""
        name = options.take("timm_model_name")
        named = _NAME.fullmatch(str(name))
        if named is None:
            raise options.unknown("timm_model_name", name)
        options.ignore("timm_model_pretrained", "timm_drop", "timm_drop_path", "patch_dropout")
        options.choice("timm_pool", "avg", ("map",))
        options.choice("timm_proj", "linear", ("none",))
        layers, width, heads, ratio = _SIZES[named[1]]
        if width != dimensions:
            raise options.unknown("timm_proj", "none")  # and then the vectors are as long as the tower is wide
        patch, side = int(named[2]), int(named[3])
        if sides_of(options, "image_size", 224) != (side, side):
            raise options.unknown("timm_model_name", name)
        return cls(
            (side, side),
            (patch, patch),
            Stack(
                layers=layers,
                width=width,
                heads=heads,
                hidden=int(width * ratio),
                activation="gelu_tanh" if _APPROXIMATE.fullmatch(name) and not _EXACT.fullmatch(name) else "gelu",
                epsilon=_EPSILON,
            ),
        )

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        weights, ops, width = weights.within("trunk"), weights.ops, self.stack.width
        vectors = patches(weights, "patch_embed.proj", pixels, self.patch, width, bias=True)
        count = (self.size[0] // self.patch[0]) * (self.size[1] // self.patch[1])
        vectors = ops.add(vectors, weights.take("pos_embed", 1, count, width))
        vectors = self.stack.build(weights.within("blocks"), TIMM, vectors)
        vectors = ops.normed(vectors, weights.norm("norm", width, _EPSILON))
        return self._pooled(weights.within("attn_pool"), vectors)

    def _pooled(self, weights: NamedTensors, vectors: Node) -> Node:
        ops, stack = weights.ops, self.stack
        width, heads = stack.width, stack.heads
        latent = ops.linear(weights.take("latent", 1, 1, width), weights.linear("q", width, width))
        queries = ops.heads(ops.repeat_for(latent, vectors), heads, width)
        keys, values = (
            ops.heads(ops.linear(vectors, layer), heads, width)
            for layer in weights.linear_parts("kv.weight", "kv.bias", 2, width, width)
        )
        attended = ops.reshape(ops.attended(queries, keys, values, width), [0, width])
        pooled = ops.linear(attended, weights.linear("proj", width, width))
        hidden = ops.normed(pooled, weights.norm("norm", width, _EPSILON))
        hidden = ops.activated(ops.linear(hidden, weights.linear("mlp.fc1", width, stack.hidden)), stack.activation)
        return ops.add(pooled, ops.linear(hidden, weights.linear("mlp.fc2", stack.hidden, width)))
