"""CLIP's text towers: causal ones that end where the text does, and those that look both ways."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reranker.graphs.blocks import OPEN_CLIP, Stack, TokenPlace
from reranker.graphs.ops import Node
from reranker.graphs.options import Options
from reranker.graphs.weights import NamedTensors


@dataclass(frozen=True, slots=True)
class ClipText:
    """open_clip's `TextTransformer`, of texts of `context` tokens.

    `pool` is where its result is read: at the first or last token, at the first of the largest id (argmax), or at the
    first `end` (eos). `projection` is none, matrix, or linear, which has a bias.
    """

    context: int
    vocabulary: int
    stack: Stack
    is_causal: bool
    pool: Literal["first", "last", "argmax", "eos"]
    end: int
    projection: Literal["none", "matrix", "linear"]
    dimensions: int

    @classmethod
    def of(cls, options: Options, dimensions: int, *, quick_gelu: bool) -> "ClipText":
        """The tower that `text_cfg` describes."""
        options.ignore("hf_tokenizer_name", "tokenizer_kwargs", "tokenizer_mode", "output_tokens", "pad_id")
        options.ignore("final_ln_after_pool", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type")
        stack = Stack.of(
            options,
            layers=options.number("layers", 12),
            width=options.number("width", 512),
            heads=options.number("heads", 8),
            quick_gelu=quick_gelu,
        )
        bias = options.take("proj_bias")
        projected = options.choice("proj_type", "linear", ("linear", "none")) == "linear"
        if not projected and stack.width != dimensions:
            raise options.unknown("proj_type", "none")
        return cls(
            options.number("context_length", 77),
            options.number("vocab_size", 49408),
            stack,
            not options.take("no_causal_mask"),
            options.choice("pool_type", "argmax", ("first", "last", "argmax", "eos")),
            options.number("eos_id", 2),
            "none" if not projected else "linear" if bias else "matrix",
            dimensions,
        )

    @property
    def ends(self) -> bool:
        """Whether it takes tokens up to the end of the longest text only: what stands behind cannot reach the end."""
        return self.is_causal and self.pool == "argmax"

    def build(self, weights: NamedTensors, tokens: Node) -> Node:
        """From tokens [n, length] to vectors [n, dimensions]; the length is the context, unless the tower `ends`."""
        ops, stack, width = weights.ops, self.stack, self.stack.width
        embedded = ops.gather(weights.take("token_embedding.weight", self.vocabulary, width), tokens, 0)
        positions = weights.take("positional_embedding", self.context, width)
        mask = self._mask(weights) if self.is_causal else None
        if self.ends:
            length = ops.length(tokens, 1)
            positions = ops.cut(positions, 0, 0, length)
            mask = ops.cut(ops.cut(mask, 0, 0, length), 1, 0, length)
        vectors = ops.add(embedded, positions)
        pick = self._pick(weights, tokens)
        vectors = stack.build(weights.within("transformer.resblocks"), OPEN_CLIP, vectors, mask=mask, pick=pick)
        pooled = ops.normed(ops.reshape(vectors, [0, width]), weights.norm("ln_final", width, stack.epsilon))
        match self.projection:
            case "matrix":
                return ops.matmul(pooled, weights.take("text_projection", width, self.dimensions))
            case "linear":
                return ops.linear(pooled, weights.linear("text_projection", width, self.dimensions))
        return pooled

    def _mask(self, weights: NamedTensors) -> Node:
        """Keeps a token from those behind it: [context, context]."""
        return weights.ops.constant(np.triu(np.full((self.context, self.context), -np.inf, dtype=np.float32), 1))

    def _pick(self, weights: NamedTensors, tokens: Node) -> TokenPlace:
        match self.pool:
            case "first":
                return TokenPlace(0)
            case "last":
                return TokenPlace(self.context - 1)
            case "argmax":
                return TokenPlace(weights.ops.place_of_largest(tokens))
            case "eos":
                return TokenPlace(weights.ops.place_of_largest(weights.ops.equal(tokens, self.end)))
