"""open_clip's text towers that are models of the hub, with a projection into the model's space."""

from dataclasses import dataclass
from typing import Literal

from reranker.graphs.bert import KNOWN, Bert, mean_of
from reranker.graphs.ops import Affine, Node
from reranker.graphs.options import Options
from reranker.graphs.weights import NamedTensors


@dataclass(frozen=True, slots=True)
class HubText:
    """open_clip's `HFTextEncoder`, of texts of `context` tokens.

    `pool` is mean_pooler (of all tokens but padding) or cls_pooler (a layer of its own after the first token); the
    `projection` is none, linear, or mlp, which has a layer between.
    """

    context: int
    model: Bert
    pool: Literal["mean_pooler", "cls_pooler"]
    projection: Literal["none", "linear", "mlp"]
    dimensions: int

    @classmethod
    def of(cls, options: Options, dimensions: int) -> "HubText":
        """The tower that `text_cfg` describes."""
        options.ignore(
            "hf_tokenizer_name", "tokenizer_kwargs", "tokenizer_mode", "hf_model_pretrained", "output_tokens"
        )
        # Those of open_clip's own towers, which it does not look at here.
        options.ignore("width", "heads", "layers", "vocab_size")
        name = options.take("hf_model_name")
        if name not in KNOWN:
            raise options.unknown("hf_model_name", name)
        model = KNOWN[name]
        projection = options.choice("hf_proj_type", "mlp", ("linear", "mlp", None))
        if projection is None and model.width != dimensions:
            raise options.unknown("hf_proj_type", None)
        return cls(
            options.number("context_length", 77),
            model,
            options.choice("hf_pooler_type", "mean_pooler", ("mean_pooler", "cls_pooler")),
            projection or "none",
            dimensions,
        )

    @property
    def ends(self) -> bool:
        """Whether it takes tokens up to the end of the longest text only: padding is not looked at."""
        return True

    def build(self, weights: NamedTensors, tokens: Node) -> Node:
        """From tokens [n, length] to vectors [n, dimensions]."""
        ops, width = weights.ops, self.model.width
        vectors, counted = self.model.build(weights.within("transformer"), tokens)
        if self.pool == "mean_pooler":
            pooled = mean_of(ops, vectors, counted)
        else:
            first = ops.reshape(ops.cut(vectors, 1, 0, 1), [0, width])
            pooled = ops.activated(ops.linear(first, weights.linear("transformer.pooler.dense", width, width)), "tanh")
        match self.projection:
            case "linear":
                return ops.linear(pooled, Affine(weights.take("proj.weight", self.dimensions, width)))
            case "mlp":
                between = (width + self.dimensions) // 2
                hidden = ops.linear(pooled, Affine(weights.take("proj.0.weight", between, width)))
                hidden = ops.activated(hidden, "gelu")
                return ops.linear(hidden, Affine(weights.take("proj.2.weight", self.dimensions, between)))
        return pooled
