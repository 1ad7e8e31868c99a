"""OpenVINO's operations in the words of transformers: what the towers are put together from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reranker.errors import NotNativeError
from reranker.graphs.weights_file import SIZES, Stored

Node = Any
"""A node of an OpenVINO graph."""

Activation = Literal["gelu", "gelu_tanh", "quick_gelu", "relu", "relu6", "tanh"]

_KINDS = {"F64": "f64", "F32": "f32", "F16": "f16", "BF16": "bf16"}
"""OpenVINO's names of the kinds of numbers that weights are made of."""
_QUICK = 1.702
"""GELU is near x · sigmoid(1.702 x): Hendrycks and Gimpel, https://arxiv.org/abs/1606.08415."""


@dataclass(frozen=True, slots=True)
class Affine:
    """What is learnt of a linear layer: `weight` [outputs, inputs], and `bias` [outputs] where it has one."""

    weight: Node
    bias: Node | None = None


@dataclass(frozen=True, slots=True)
class Norm:
    """What a layer normalisation has: `weight` and `bias` [width], and the `epsilon` added to the variance."""

    weight: Node
    bias: Node
    epsilon: float


class Ops:
    """Makes nodes by `openvino`, the module: rows of vectors are [n, length, width]."""

    def __init__(self, openvino: Any) -> None:
        self._openvino = openvino
        self._op = openvino.opset13
        self._shared: list[NDArray[np.uint8]] = []  # what constants look at must live as long as they do

    def input(self, name: str, shape: Sequence[int], kind: Literal["f32", "i64"]) -> Node:
        """An input; a length of -1 is any."""
        node = self._op.parameter(self._openvino.PartialShape(list(shape)), getattr(self._openvino.Type, kind))
        node.output(0).tensor.set_names({name})
        node.set_friendly_name(name)
        return node

    def model(self, inputs: Sequence[Node], output: Node, name: str) -> Any:
        """The model that computes `output`."""
        result = self._op.result(output)
        result.output(0).tensor.set_names({"vectors"})
        return self._openvino.Model([result], list(inputs), name)

    def weight(self, stored: Stored, name: str) -> Node:
        """Stored weights in f32. In the model they stay as they are stored, and no copy of them is made."""
        kind = _KINDS.get(stored.kind)
        if kind is None:
            raise NotNativeError(f"the weights' {name} is of numbers {stored.kind}; known: {', '.join(_KINDS)}")
        content = stored.content
        if content.ctypes.data % SIZES[stored.kind]:
            content = content.copy()  # numbers that are not aligned
        self._shared.append(content)
        tensor = self._openvino.Tensor(content, list(stored.shape), getattr(self._openvino.Type, kind))
        constant = self._openvino.op.Constant(tensor, shared_memory=True)
        constant.set_friendly_name(name)
        return constant if kind == "f32" else self._op.convert(constant, "f32")

    def constant(self, values: Any, kind: str = "f32") -> Node:
        """A constant that is no weight."""
        return self._op.constant(np.asarray(values), getattr(self._openvino.Type, kind))

    def add(self, one: Node, other: Node) -> Node:
        """Their sum."""
        return self._op.add(one, other)

    def multiply(self, one: Node, other: Node) -> Node:
        """Their product, number by number."""
        return self._op.multiply(one, other)

    def reshape(self, node: Node, shape: Sequence[int]) -> Node:
        """Reshaped; a length of 0 stays as it was, one of -1 is what is left."""
        return self._op.reshape(node, self.constant(shape, "i64"), special_zero=True)

    def transpose(self, node: Node, order: Sequence[int]) -> Node:
        """With its axes in another order."""
        return self._op.transpose(node, self.constant(order, "i64"))

    def concat(self, nodes: Sequence[Node], axis: int) -> Node:
        """One after the other along an axis."""
        return self._op.concat(list(nodes), axis)

    def cut(self, node: Node, axis: int, first: int, end: Node | int) -> Node:
        """From `first` up to `end` along an axis."""
        ends = self.constant([end], "i64") if isinstance(end, int) else end
        starts, steps, axes = self.constant([first], "i64"), self.constant([1], "i64"), self.constant([axis], "i64")
        return self._op.slice(node, starts, ends, steps, axes)

    def gather(self, node: Node, places: Node, axis: int, *, rows: int = 0) -> Node:
        """What is at `places` along an axis; the first `rows` axes of both go together."""
        return self._op.gather(node, places, self.constant(axis, "i64"), rows)

    def length(self, node: Node, axis: int) -> Node:
        """Its length along an axis: i64 [1]."""
        return self._op.gather(self._op.shape_of(node), self.constant([axis], "i64"), self.constant(0, "i64"))

    def repeat_for(self, node: Node, like: Node) -> Node:
        """`node` [1, length, width] as often as `like` [n, …] has rows."""
        ones = self.constant([1, 1], "i64")
        return self._op.broadcast(node, self.concat([self.length(like, 0), ones], 0), broadcast_spec="BIDIRECTIONAL")

    def equal(self, node: Node, number: int) -> Node:
        """1 where whole numbers are `number`, else 0."""
        return self._op.convert(self._op.equal(node, self.constant(number, "i64")), "i64")

    def differs(self, node: Node, number: int) -> Node:
        """1 where whole numbers are not `number`, else 0."""
        return self._op.convert(self._op.not_equal(node, self.constant(number, "i64")), "i64")

    def hiding(self, counted: Node) -> Node:
        """What is added to products of queries and keys, so that keys are looked at where `counted` is 1, not 0."""
        is_counted = self._op.convert(counted, "boolean")
        return self._op.select(is_counted, self.constant(0.0), self.constant(-np.inf))

    def running_sum(self, node: Node) -> Node:
        """The sum of each number and those before it in its row [n, length]."""
        return self._op.cum_sum(node, self.constant(1, "i64"))

    def decimal(self, node: Node) -> Node:
        """Whole numbers as f32."""
        return self._op.convert(node, "f32")

    def total(self, node: Node, axis: int) -> Node:
        """The sum along an axis."""
        return self._op.reduce_sum(node, self.constant([axis], "i64"), keep_dims=False)

    def divide(self, one: Node, other: Node) -> Node:
        """The quotient, number by number."""
        return self._op.divide(one, other)

    def place_of_largest(self, node: Node) -> Node:
        """Where in each row [n, length] the largest number stands, the first of them: i64 [n, 1]."""
        count = self.constant(1, "i64")
        return self._op.topk(node, count, 1, "max", "value", index_element_type="i64", stable=True).output(1)

    def mean(self, node: Node, axes: Sequence[int], *, keep: bool = False) -> Node:
        """The mean over axes."""
        return self._op.reduce_mean(node, self.constant(axes, "i64"), keep_dims=keep)

    def matmul(self, node: Node, weight: Node) -> Node:
        """The product with a weight that is kept as [inputs, outputs]."""
        return self._op.matmul(node, weight, False, False)

    def convolution(
        self, node: Node, weight: Node, *, stride: Sequence[int], padding: int | tuple[int, int] = 0
    ) -> Node:
        """A convolution of [n, channels, height, width] with `weight` [outputs, channels, height, width].

        `padding` is how many zeros stand around each side, or before it and behind it.
        """
        before, behind = padding if isinstance(padding, tuple) else (padding, padding)
        return self._op.convolution(node, weight, list(stride), [before, before], [behind, behind], [1, 1])

    def depthwise(self, node: Node, weight: Node, *, stride: int, padding: tuple[int, int]) -> Node:
        """A convolution of each channel with a kernel of its own: `weight` is [channels, 1, height, width]."""
        grouped = self._op.unsqueeze(weight, self.constant([1], "i64"))
        before, behind = padding
        return self._op.group_convolution(node, grouped, [stride, stride], [before, before], [behind, behind], [1, 1])

    def max_pool(self, node: Node, side: int, *, stride: int, padding: int) -> Node:
        """The largest of squares of [n, channels, height, width]; what is around the picture is never the largest."""
        around = [padding, padding]
        return self._op.max_pool(node, [stride, stride], [1, 1], around, around, [side, side]).output(0)

    def average_pool(self, node: Node, side: int) -> Node:
        """The means of squares of [n, channels, height, width]; what is left over at the end is left out."""
        return self._op.avg_pool(node, [side, side], [0, 0], [0, 0], [side, side], False, "floor")

    def batch_normed(self, node: Node, learnt: Sequence[Node], epsilon: float) -> Node:
        """Normalised channel by channel by what was `learnt` in training: weight, bias, mean and variance."""
        return self._op.batch_norm_inference(node, *learnt, epsilon)

    def linear(self, node: Node, layer: Affine) -> Node:
        """A linear layer."""
        product = self._op.matmul(node, layer.weight, False, True)
        return product if layer.bias is None else self.add(product, layer.bias)

    def normed(self, node: Node, norm: Norm) -> Node:
        """Normalised along the last axis."""
        centred = self._op.mvn(node, self.constant([-1], "i64"), True, norm.epsilon, "INSIDE_SQRT")
        return self.add(self.multiply(centred, norm.weight), norm.bias)

    def activated(self, node: Node, activation: Activation) -> Node:
        """After an activation."""
        match activation:
            case "gelu":
                return self._op.gelu(node, "ERF")
            case "gelu_tanh":
                return self._op.gelu(node, "TANH")
            case "quick_gelu":
                return self._op.swish(node, self.constant(_QUICK))
            case "relu":
                return self._op.relu(node)
            case "relu6":
                return self._op.clamp(node, 0.0, 6.0)
            case "tanh":
                return self._op.tanh(node)

    def heads(self, node: Node, heads: int, width: int) -> Node:
        """Rows of vectors cut into heads: [n, heads, length, width / heads]."""
        return self.transpose(self.reshape(node, [0, 0, heads, width // heads]), [0, 2, 1, 3])

    def attended(self, queries: Node, keys: Node, values: Node, width: int, mask: Node | None = None) -> Node:
        """Scaled dot-product attention of heads as `heads` cuts them, whose outputs are put together again.

        `mask` is added to the products of queries and keys before their softmax.
        """
        inputs = [queries, keys, values] if mask is None else [queries, keys, values, mask]
        attended = self._op.scaled_dot_product_attention(*inputs)
        return self.reshape(self.transpose(attended, [0, 2, 1, 3]), [0, 0, width])
