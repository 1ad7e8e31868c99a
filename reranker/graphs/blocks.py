"""Stacks of transformer blocks that normalise before each part: those of CLIP's towers and of timm's."""

from dataclasses import dataclass
from typing import Literal

from reranker.graphs.ops import Activation, Node, Ops
from reranker.graphs.options import Options
from reranker.graphs.weights import NamedTensors


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """The one vector of each row that a tower's result is read from: at the same place in each, or each at its own.

    What the last block makes of the others, nobody reads: it is not computed.
    """

    place: int | Node

    def vectors(self, ops: Ops, vectors: Node) -> Node:
        """From [n, length, width] to [n, 1, width]."""
        if isinstance(self.place, int):
            return ops.cut(vectors, 1, self.place, self.place + 1)
        return ops.gather(vectors, ops.reshape(self.place, [-1, 1]), 1, rows=1)

    def mask(self, ops: Ops, mask: Node) -> Node:
        """From [length, length] to [n, 1, 1, length], or [1, length] where all are at the same place."""
        if isinstance(self.place, int):
            return ops.cut(mask, 0, self.place, self.place + 1)
        return ops.gather(mask, ops.reshape(self.place, [-1, 1, 1]), 0)


@dataclass(frozen=True, slots=True)
class Names:
    """What a library calls the parts of a block."""

    norms: tuple[str, str]
    qkv_weight: str
    qkv_bias: str
    qk_norms: tuple[str, str]
    out: str
    hidden: tuple[str, str]
    scales: tuple[str, str]


OPEN_CLIP = Names(
    ("ln_1", "ln_2"),
    "attn.in_proj_weight",
    "attn.in_proj_bias",
    ("attn.ln_q", "attn.ln_k"),
    "attn.out_proj",
    ("mlp.c_fc", "mlp.c_proj"),
    ("ls_1.gamma", "ls_2.gamma"),
)
TIMM = Names(
    ("norm1", "norm2"),
    "attn.qkv.weight",
    "attn.qkv.bias",
    ("attn.q_norm", "attn.k_norm"),
    "attn.proj",
    ("mlp.fc1", "mlp.fc2"),
    ("ls1.gamma", "ls2.gamma"),
)


@dataclass(frozen=True, slots=True)
class Stack:
    """`layers` blocks of `width`, whose hidden layer is `hidden` wide; `epsilon` is that of all normalisations."""

    layers: int
    width: int
    heads: int
    hidden: int
    activation: Activation
    epsilon: float
    layer_scale: bool = False
    qk_norm: bool = False

    @classmethod
    def of(cls, options: Options, *, layers: int, width: int, heads: int, quick_gelu: bool) -> "Stack":
        """The stack that a section of open_clip's configuration describes."""
        if width % heads:
            raise options.unknown("width", width)
        norm, activation = options.take("norm_kwargs") or {}, options.take("act_kwargs")
        if not isinstance(norm, dict) or norm.keys() - {"eps"}:
            raise options.unknown("norm_kwargs", norm)
        known: dict[str, Activation] = {"tanh": "gelu_tanh", "none": "gelu"}
        if quick_gelu and activation is not None:
            raise options.unknown("act_kwargs", activation)
        if activation and (activation.keys() != {"approximate"} or activation["approximate"] not in known):
            raise options.unknown("act_kwargs", activation)
        block = options.choice("block_type", None, (None, "default", "custom"))
        return cls(
            layers=layers,
            width=width,
            heads=heads,
            hidden=int(width * options.decimal("mlp_ratio", 4.0)),
            activation="quick_gelu" if quick_gelu else known[activation["approximate"]] if activation else "gelu",
            epsilon=Options(norm, "norm_kwargs").decimal("eps", 1e-5),
            layer_scale=options.take("ls_init_value") is not None,
            qk_norm=bool(options.take("qk_norm")) and block != "default",
        )

    def build(
        self,
        weights: NamedTensors,
        names: Names,
        vectors: Node,
        *,
        mask: Node | None = None,
        pick: TokenPlace | None = None,
    ) -> Node:
        """What the blocks of `weights` make of `vectors`; with `pick` the last block computes only what that picks."""
        for number in range(self.layers):
            picks = pick if number == self.layers - 1 else None
            vectors = self._block(weights.within(str(number)), names, vectors, mask, picks)
        return vectors

    def _block(
        self, weights: NamedTensors, names: Names, vectors: Node, mask: Node | None, pick: TokenPlace | None
    ) -> Node:
        ops, width = weights.ops, self.width
        normed = ops.normed(vectors, weights.norm(names.norms[0], width, self.epsilon))
        layers = weights.linear_parts(names.qkv_weight, names.qkv_bias, 3, width, width)
        asking = normed
        if pick is not None:
            vectors, asking = pick.vectors(ops, vectors), pick.vectors(ops, normed)
            mask = None if mask is None else pick.mask(ops, mask)
        queries, keys, values = (
            ops.heads(ops.linear(rows, layer), self.heads, width)
            for rows, layer in zip((asking, normed, normed), layers, strict=True)
        )
        if self.qk_norm:
            queries, keys = (
                ops.normed(heads, weights.norm(name, width // self.heads, self.epsilon))
                for heads, name in zip((queries, keys), names.qk_norms, strict=True)
            )
        attended = ops.attended(queries, keys, values, width, mask)
        vectors = self._add(weights, vectors, ops.linear(attended, weights.linear(names.out, width, width)), names, 0)
        hidden = ops.normed(vectors, weights.norm(names.norms[1], width, self.epsilon))
        hidden = ops.activated(ops.linear(hidden, weights.linear(names.hidden[0], width, self.hidden)), self.activation)
        return self._add(
            weights, vectors, ops.linear(hidden, weights.linear(names.hidden[1], self.hidden, width)), names, 1
        )

    def _add(self, weights: NamedTensors, vectors: Node, change: Node, names: Names, part: Literal[0, 1]) -> Node:
        if self.layer_scale:
            change = weights.ops.multiply(change, weights.take(names.scales[part], self.width))
        return weights.ops.add(vectors, change)
