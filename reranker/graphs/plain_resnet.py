"""ResNet-50 as torchvision has it: the stride in the middle of a block, the mean over the picture at last."""

from dataclasses import dataclass

from reranker.graphs.ops import Node
from reranker.graphs.vit import Sides
from reranker.graphs.weights import NamedTensors

_EXPANSION = 4
_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class PlainResNet:
    """A ResNet of bottlenecks, as far as its last layer but one: four stages with so many `layers` each.

    He et al., https://arxiv.org/abs/1512.03385, with the stride of a stage in its first 3 × 3 convolution.
    """

    size: Sides = (224, 224)
    layers: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return (self.width << 3) * _EXPANSION

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        ops = weights.ops
        picture = _convolved(weights, pixels, "conv1", "bn1", (3, self.width), 7, stride=2)
        picture = ops.max_pool(ops.activated(picture, "relu"), 3, stride=2, padding=1)
        channels = self.width
        for stage, blocks in enumerate(self.layers):
            planes = self.width << stage
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                part = weights.within(f"layer{stage + 1}.{block}")
                picture, channels = _bottleneck(part, picture, channels, planes, stride), planes * _EXPANSION
        return ops.mean(picture, [2, 3])


def _bottleneck(weights: NamedTensors, picture: Node, channels: int, planes: int, stride: int) -> Node:
    ops, wide = weights.ops, planes * _EXPANSION
    changed = ops.activated(_convolved(weights, picture, "conv1", "bn1", (channels, planes), 1), "relu")
    changed = ops.activated(_convolved(weights, changed, "conv2", "bn2", (planes, planes), 3, stride=stride), "relu")
    changed = _convolved(weights, changed, "conv3", "bn3", (planes, wide), 1)
    if stride > 1 or channels != wide:
        picture = _convolved(weights, picture, "downsample.0", "downsample.1", (channels, wide), 1, stride=stride)
    return ops.activated(ops.add(changed, picture), "relu")


def _convolved(
    weights: NamedTensors,
    picture: Node,
    kernel: str,
    norm: str,
    channels: tuple[int, int],
    side: int,
    *,
    stride: int = 1,
) -> Node:
    inputs, outputs = channels
    taken = weights.take(f"{kernel}.weight", outputs, inputs, side, side)
    picture = weights.ops.convolution(picture, taken, stride=(stride, stride), padding=side // 2)
    return weights.ops.batch_normed(picture, weights.batch_norm(norm, outputs), _EPSILON)
