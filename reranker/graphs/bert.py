"""Text towers of transformers that normalise after each part: XLM-RoBERTa and RoBERTa, and DistilBERT."""

from dataclasses import dataclass

from reranker.graphs.ops import Activation, Node, Ops
from reranker.graphs.weights import NamedTensors


@dataclass(frozen=True, slots=True)
class BertNames:
    """What a model of transformers calls its parts: of the whole, `layers`, and those of a layer."""

    layers: str
    queries: str
    keys: str
    values: str
    out: str
    attention_norm: str
    hidden: tuple[str, str]
    norm: str


ROBERTA = BertNames(
    "encoder.layer",
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    ("intermediate.dense", "output.dense"),
    "output.LayerNorm",
)
DISTILBERT = BertNames(
    "transformer.layer",
    "attention.q_lin",
    "attention.k_lin",
    "attention.v_lin",
    "attention.out_lin",
    "sa_layer_norm",
    ("ffn.lin1", "ffn.lin2"),
    "output_layer_norm",
)


@dataclass(frozen=True, slots=True)
class Bert:
    """A model of transformers, as far as its last hidden states.

    `positions` is how many there are; with `counts_padding` False the first token is at the place behind that of
    `padding`, and padding has no place of its own (RoBERTa). `kinds` is how many kinds of tokens have vectors of their
    own, of which all are of the first; 0 where there is nothing of that sort.
    """

    names: BertNames
    layers: int
    width: int
    heads: int
    hidden: int
    vocabulary: int
    positions: int
    padding: int
    epsilon: float
    counts_padding: bool
    kinds: int = 0
    activation: Activation = "gelu"

    def build(self, weights: NamedTensors, tokens: Node) -> tuple[Node, Node]:
        """From tokens [n, length] to vectors [n, length, width], and 1 for each token but padding: [n, length]."""
        ops = weights.ops
        counted = ops.differs(tokens, self.padding)
        embedded = self._embedded(weights.within("embeddings"), tokens, counted)
        mask = ops.reshape(ops.hiding(counted), [0, 1, 1, -1])
        for number in range(self.layers):
            embedded = self._layer(weights.within(f"{self.names.layers}.{number}"), embedded, mask)
        return embedded, counted

    def _embedded(self, weights: NamedTensors, tokens: Node, counted: Node) -> Node:
        ops, width = weights.ops, self.width
        embedded = ops.gather(weights.take("word_embeddings.weight", self.vocabulary, width), tokens, 0)
        positions = weights.take("position_embeddings.weight", self.positions, width)
        if self.counts_padding:
            embedded = ops.add(embedded, ops.cut(positions, 0, 0, ops.length(tokens, 1)))
        else:
            places = ops.add(ops.multiply(ops.running_sum(counted), counted), ops.constant(self.padding, "i64"))
            embedded = ops.add(embedded, ops.gather(positions, places, 0))
        if self.kinds:
            embedded = ops.add(
                embedded, ops.cut(weights.take("token_type_embeddings.weight", self.kinds, width), 0, 0, 1)
            )
        weights.leave("position_ids")
        return ops.normed(embedded, weights.norm("LayerNorm", width, self.epsilon))

    def _layer(self, weights: NamedTensors, vectors: Node, mask: Node) -> Node:
        ops, names, width = weights.ops, self.names, self.width
        queries, keys, values = (
            ops.heads(ops.linear(vectors, weights.linear(name, width, width)), self.heads, width)
            for name in (names.queries, names.keys, names.values)
        )
        attended = ops.attended(queries, keys, values, width, mask)
        changed = ops.add(ops.linear(attended, weights.linear(names.out, width, width)), vectors)
        vectors = ops.normed(changed, weights.norm(names.attention_norm, width, self.epsilon))
        hidden = ops.linear(vectors, weights.linear(names.hidden[0], width, self.hidden))
        hidden = ops.linear(ops.activated(hidden, self.activation), weights.linear(names.hidden[1], self.hidden, width))
        return ops.normed(ops.add(hidden, vectors), weights.norm(names.norm, width, self.epsilon))


def mean_of(ops: Ops, vectors: Node, counted: Node) -> Node:
    """The mean of the vectors [n, length, width] that count: [n, width]."""
    weights = ops.decimal(ops.reshape(counted, [0, -1, 1]))
    return ops.divide(ops.total(ops.multiply(vectors, weights), 1), ops.total(weights, 1))


# xlm-roberta-base, xlm-roberta-large and roberta-base on https://huggingface.co, config.json
KNOWN: dict[str, Bert] = {
    "xlm-roberta-base": Bert(
        ROBERTA, 12, 768, 12, 3072, 250002, 514, padding=1, epsilon=1e-5, counts_padding=False, kinds=1
    ),
    "xlm-roberta-large": Bert(
        ROBERTA, 24, 1024, 16, 4096, 250002, 514, padding=1, epsilon=1e-5, counts_padding=False, kinds=1
    ),
    "roberta-base": Bert(
        ROBERTA, 12, 768, 12, 3072, 50265, 514, padding=1, epsilon=1e-5, counts_padding=False, kinds=1
    ),
}
"""The models that text towers of open_clip are built after, by their names on the hub."""
