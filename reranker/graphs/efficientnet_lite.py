"""EfficientNet-Lite0, in the names of efficientnet_pytorch."""

from dataclasses import dataclass

from reranker.graphs.ops import Node
from reranker.graphs.vit import Sides
from reranker.graphs.weights import NamedTensors

_EPSILON = 1e-3
_STEM = 32


@dataclass(frozen=True, slots=True)
class _Stage:
    """Blocks of one width, of which the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# https://github.com/tensorflow/tpu/blob/master/models/official/efficientnet/lite/efficientnet_lite_builder.py
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True, slots=True)
class EfficientNetLite0:
    """The network as far as its last layer but one.

    Tan and Le, https://arxiv.org/abs/1905.11946, with ReLU6 and without squeeze and excitation. Its convolutions pad as
    TensorFlow does: by an odd number, one more behind than before.
    """

    size: Sides = (224, 224)
    dimensions: int = 1280

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        ops, side, channels, number = weights.ops, self.size[0], _STEM, 0
        kernel = weights.take("_conv_stem.weight", _STEM, 3, 3, 3)
        picture = ops.convolution(pixels, kernel, stride=(2, 2), padding=_padding(side, 3, 2))
        picture, side = _activated(weights, picture, "_bn0", _STEM), -(-side // 2)
        for stage in _STAGES:
            for block in range(stage.blocks):
                stride = 1 if block else stage.stride
                part = weights.within(f"_blocks.{number}")
                picture = _block(part, picture, stage, channels, stride, side)
                channels, side, number = stage.channels, -(-side // stride), number + 1
        picture = _pointwise(weights, picture, "_conv_head", channels, self.dimensions)
        return ops.mean(_activated(weights, picture, "_bn1", self.dimensions), [2, 3])


def _block(weights: NamedTensors, picture: Node, stage: _Stage, channels: int, stride: int, side: int) -> Node:
    ops, wide, changed = weights.ops, channels * stage.expansion, picture
    if stage.expansion > 1:
        changed = _activated(weights, _pointwise(weights, picture, "_expand_conv", channels, wide), "_bn0", wide)
    kernel = weights.take("_depthwise_conv.weight", wide, 1, stage.kernel, stage.kernel)
    changed = ops.depthwise(changed, kernel, stride=stride, padding=_padding(side, stage.kernel, stride))
    changed = _pointwise(weights, _activated(weights, changed, "_bn1", wide), "_project_conv", wide, stage.channels)
    changed = ops.batch_normed(changed, weights.batch_norm("_bn2", stage.channels), _EPSILON)
    return ops.add(changed, picture) if stride == 1 and channels == stage.channels else changed


def _pointwise(weights: NamedTensors, picture: Node, name: str, inputs: int, outputs: int) -> Node:
    return weights.ops.convolution(picture, weights.take(f"{name}.weight", outputs, inputs, 1, 1), stride=(1, 1))


def _activated(weights: NamedTensors, picture: Node, norm: str, channels: int) -> Node:
    normed = weights.ops.batch_normed(picture, weights.batch_norm(norm, channels), _EPSILON)
    return weights.ops.activated(normed, "relu6")


def _padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """How many zeros stand before and behind a side, so that a stride of 1 keeps its length."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2
