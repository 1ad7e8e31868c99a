"""CLIP's own image tower that is a transformer."""

from dataclasses import dataclass
from typing import Literal

from reranker.graphs.blocks import OPEN_CLIP, Stack, TokenPlace
from reranker.graphs.ops import Node, Ops
from reranker.graphs.options import Options
from reranker.graphs.weights import NamedTensors

Sides = tuple[int, int]
"""Height and width, in pixels."""


def sides_of(options: Options, key: str, default: int) -> Sides:
    """A side, or height and width, of a configuration."""
    value = options.take(key, default)
    height, width = value if isinstance(value, list | tuple) and len(value) == 2 else (value, value)
    return options.demand_number(key, height), options.demand_number(key, width)


def patches(weights: NamedTensors, name: str, pixels: Node, patch: Sides, width: int, *, bias: bool) -> Node:
    """One vector a patch of the pixels: [n, patches, width]."""
    ops = weights.ops
    embedded = ops.convolution(pixels, weights.take(f"{name}.weight", width, 3, *patch), stride=patch)
    embedded = ops.transpose(ops.reshape(embedded, [0, width, -1]), [0, 2, 1])
    return ops.add(embedded, weights.take(f"{name}.bias", width)) if bias else embedded


@dataclass(frozen=True, slots=True)
class Vit:
    """open_clip's `VisionTransformer`, whose first vector is that of the class token.

    `pool` is tok (the class token) or avg (the mean of all others). `ln_pre` is whether there is a normalisation before
    the blocks, `ln_after_pool` whether that after them comes after pooling.
    """

    size: Sides
    patch: Sides
    stack: Stack
    pool: Literal["tok", "avg"]
    ln_pre: bool
    ln_after_pool: bool
    dimensions: int

    @classmethod
    def of(cls, options: Options, dimensions: int, *, quick_gelu: bool) -> "Vit":
        """The tower that `vision_cfg` describes."""
        options.ignore("patch_dropout", "output_tokens", "attn_pooler_queries", "attn_pooler_heads")
        size, patch = sides_of(options, "image_size", 224), sides_of(options, "patch_size", 16)
        width = options.number("width", 768)
        heads = width // options.number("head_width", 64)
        stack = Stack.of(
            options,
            layers=options.number("layers", 12),
            width=width,
            heads=options.demand_number("head_width", heads),
            quick_gelu=quick_gelu,
        )
        options.choice("pos_embed_type", "learnable", ("learnable", "sin_cos_2d"))  # its values stand in the weights
        return cls(
            size,
            patch,
            stack,
            options.choice("pool_type", "tok", ("tok", "avg")),
            not options.take("no_ln_pre"),
            bool(options.take("final_ln_after_pool")),
            dimensions,
        )

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        ops, stack, width = weights.ops, self.stack, self.stack.width
        embedded = patches(weights, "conv1", pixels, self.patch, width, bias=False)
        token = ops.reshape(weights.take("class_embedding", width), [1, 1, width])
        vectors = ops.concat([ops.repeat_for(token, embedded), embedded], 1)
        count = (self.size[0] // self.patch[0]) * (self.size[1] // self.patch[1]) + 1
        vectors = ops.add(vectors, weights.take("positional_embedding", count, width))
        if self.ln_pre:
            vectors = ops.normed(vectors, weights.norm("ln_pre", width, stack.epsilon))
        first = TokenPlace(0) if self.pool == "tok" else None
        vectors = stack.build(weights.within("transformer.resblocks"), OPEN_CLIP, vectors, pick=first)
        norm = weights.norm("ln_post", width, stack.epsilon)
        if first is not None:
            pooled = ops.normed(ops.reshape(vectors, [0, width]), norm)
        elif self.ln_after_pool:
            pooled = ops.normed(self._mean(ops, vectors, count), norm)
        else:
            pooled = self._mean(ops, ops.normed(vectors, norm), count)
        return ops.matmul(pooled, weights.take("proj", width, self.dimensions))

    def _mean(self, ops: Ops, vectors: Node, count: int) -> Node:
        return ops.mean(ops.cut(vectors, 1, 1, count), [1])
