"""CLIP's image tower that is a ResNet: three convolutions first, pooling by attention at last."""

from dataclasses import dataclass

from reranker.graphs.ops import Node
from reranker.graphs.options import Options
from reranker.graphs.vit import Sides, sides_of
from reranker.graphs.weights import NamedTensors

_EXPANSION = 4
_EPSILON = 1e-5
_SHRINKS = 32
"""How many times smaller than the picture the last stage's output is."""


@dataclass(frozen=True, slots=True)
class ResNet:
    """open_clip's `ModifiedResNet` of four stages with so many `layers` each."""

    size: Sides
    layers: tuple[int, int, int, int]
    width: int
    heads: int
    dimensions: int

    @classmethod
    def of(cls, options: Options, layers: list[int], dimensions: int) -> "ResNet":
        """The tower that `vision_cfg` describes."""
        options.ignore("patch_size", "mlp_ratio", "patch_dropout", "output_tokens")
        size = sides_of(options, "image_size", 224)
        if size[0] != size[1]:
            raise options.unknown("image_size", list(size))
        if len(layers) != 4:
            raise options.unknown("layers", layers)
        one, two, three, four = (options.demand_number("layers", count) for count in layers)
        width = options.number("width", 64)
        heads = options.demand_number("head_width", width * _SHRINKS // options.number("head_width", 64))
        return cls(size, (one, two, three, four), width, heads, dimensions)

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        ops, half = weights.ops, self.width // 2
        picture = self._convolved(weights, pixels, "1", 3, half, 3, stride=2)
        picture = self._convolved(weights, picture, "2", half, half, 3)
        picture = self._convolved(weights, picture, "3", half, self.width, 3)
        picture, channels = ops.average_pool(picture, 2), self.width
        for stage, blocks in enumerate(self.layers):
            planes = self.width << stage
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                part = weights.within(f"layer{stage + 1}.{block}")
                picture, channels = self._bottleneck(part, picture, channels, planes, stride), planes * _EXPANSION
        return self._pooled(weights.within("attnpool"), picture, channels)

    def _bottleneck(self, weights: NamedTensors, picture: Node, channels: int, planes: int, stride: int) -> Node:
        ops, wide = weights.ops, planes * _EXPANSION
        changed = self._convolved(weights, picture, "1", channels, planes, 1)
        changed = self._convolved(weights, changed, "2", planes, planes, 3)
        if stride > 1:
            changed = ops.average_pool(changed, stride)
        changed = self._convolved(weights, changed, "3", planes, wide, 1, activated=False)
        if stride > 1 or channels != wide:
            kept = ops.average_pool(picture, stride) if stride > 1 else picture
            kernel = weights.take("downsample.0.weight", wide, channels, 1, 1)
            picture = self._normed(weights, ops.convolution(kept, kernel, stride=(1, 1)), "downsample.1", wide)
        return ops.activated(ops.add(changed, picture), "relu")

    def _convolved(
        self, weights: NamedTensors, picture: Node, number: str, inputs: int, outputs: int, side: int,
        *, stride: int = 1, activated: bool = True,
    ) -> Node:  # fmt: skip
        ops = weights.ops
        kernel = weights.take(f"conv{number}.weight", outputs, inputs, side, side)
        picture = ops.convolution(picture, kernel, stride=(stride, stride), padding=side // 2)
        picture = self._normed(weights, picture, f"bn{number}", outputs)
        return ops.activated(picture, "relu") if activated else picture

    def _normed(self, weights: NamedTensors, picture: Node, name: str, channels: int) -> Node:
        return weights.ops.batch_normed(picture, weights.batch_norm(name, channels), _EPSILON)

    def _pooled(self, weights: NamedTensors, picture: Node, channels: int) -> Node:
        ops = weights.ops
        vectors = ops.transpose(ops.reshape(picture, [0, channels, -1]), [0, 2, 1])
        vectors = ops.concat([ops.mean(vectors, [1], keep=True), vectors], 1)
        count = (self.size[0] // _SHRINKS) ** 2 + 1
        vectors = ops.add(vectors, weights.take("positional_embedding", count, channels))
        queries, keys, values = (
            ops.heads(ops.linear(rows, weights.linear(name, channels, channels)), self.heads, channels)
            for rows, name in ((ops.cut(vectors, 1, 0, 1), "q_proj"), (vectors, "k_proj"), (vectors, "v_proj"))
        )
        attended = ops.reshape(ops.attended(queries, keys, values, channels), [0, channels])
        return ops.linear(attended, weights.linear("c_proj", channels, self.dimensions))
