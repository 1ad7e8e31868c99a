"""OpenVINO's operations in NumPy, as far as `reranker.graphs` writes text towers with them.

Each is defined in https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets.html. Weights in half
precision stay as they are until they meet what is computed, which is f32.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Run = Callable[[Mapping[str, str], Sequence[Array]], tuple[Array, ...]]
"""From attributes and inputs to outputs."""

_ERF: Final = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
_ERF_P: Final = 0.3275911
"""The error function within 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26."""

_BY_ONE_THREAD: Final = 1 << 18
"""Multiplications up to which OpenBLAS wakes no other thread: its SMP_THRESHOLD_MIN x GEMM_MULTITHREAD_THRESHOLD."""


def _broadcast(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, shape = inputs[:2]
    if attributes["mode"] != "bidirectional":
        raise ValueError(f"broadcast in the mode {attributes['mode']}")
    return (np.broadcast_to(node, np.broadcast_shapes(node.shape, tuple(shape.tolist()))),)


def _convert(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    (node,) = inputs
    match attributes["destination_type"]:
        case "f32":
            return (node if node.dtype == np.float16 else node.astype(np.float32),)
        case "i64":
            return (node.astype(np.int64),)
        case "boolean":
            return (node.astype(np.bool_),)
    raise ValueError(f"numbers in {attributes['destination_type']}")


def _cum_sum(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, axis = inputs
    if _is(attributes, "exclusive") or _is(attributes, "reverse"):
        raise ValueError("a running sum from the other end")
    return (np.cumsum(node, axis=int(axis)),)


def _gather(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, places, axis_of = inputs
    axis = int(axis_of)
    match int(attributes.get("batch_dims", "0")):
        case 0:
            taken = np.take(node, places, axis=axis)
        case 1 if axis == 1:
            rows = np.arange(len(node)).reshape(-1, *[1] * (places.ndim - 1))
            taken = node[rows, places]
        case rows:
            raise ValueError(f"gathered along axis {axis} of {rows} together")
    return (taken.astype(np.float32) if taken.dtype == np.float16 else taken,)


def _gelu(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    (node,) = inputs
    if attributes["approximation_mode"].lower() == "tanh":
        inner = np.float32(np.sqrt(2 / np.pi)) * (node + np.float32(0.044715) * node**3)
        return (np.float32(0.5) * node * (np.float32(1) + np.tanh(inner)),)
    return (np.float32(0.5) * node * (np.float32(1) + _erf(node * np.float32(np.sqrt(0.5)))),)


def _erf(node: Array) -> Array:
    size = np.abs(node)
    t = np.float32(1) / (np.float32(1) + np.float32(_ERF_P) * size)
    series: Array = np.zeros_like(t)
    for factor in reversed(_ERF):
        series = (series + np.float32(factor)) * t
    erf: Array = np.copysign(np.float32(1) - series * np.exp(-size * size), node)
    return erf


def _matmul(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    one, other = inputs
    if _is(attributes, "transpose_a"):
        one = one.swapaxes(-1, -2)
    if _is(attributes, "transpose_b"):
        other = other.swapaxes(-1, -2)
    if other.ndim > 2:
        return (one @ other,)
    rows = one.reshape(-1, one.shape[-1])  # as one product, however many texts there are
    return (_product(rows, other.T).reshape(*one.shape[:-1], other.shape[-1]),)


def _product(rows: Array, weights: Array) -> Array:
    """Rows [n, inputs] times weights [outputs, inputs]: float32 [n, outputs].

    So few weights at a time that OpenBLAS does it in this thread: its others, woken for so little, wait for a core
    where the machine is busy, and turn a twentieth of a second into more than one. They are in the cache, too.
    """
    columns = np.ascontiguousarray(rows.T)
    step = max(1, _BY_ONE_THREAD // max(1, rows.size))
    product = np.empty((len(weights), len(rows)), dtype=np.float32)
    for first in range(0, len(weights), step):
        some = weights[first : first + step]
        np.matmul(some.astype(np.float32, copy=False), columns, out=product[first : first + step])
    return product.T


def _mvn(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, axes_of = inputs
    axes = tuple(axes_of.tolist())
    if not _is(attributes, "normalize_variance") or attributes["eps_mode"].lower() != "inside_sqrt":
        raise ValueError("normalised in another way")
    centred = node - node.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    return (centred / np.sqrt(variance + np.float32(attributes["eps"])),)


def _reduced(reduce: Callable[..., Array]) -> Run:
    def run(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
        node, axes = inputs
        return (reduce(node, axis=tuple(axes.ravel().tolist()), keepdims=_is(attributes, "keep_dims")),)

    return run


def _reshape(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, shape_of = inputs
    shape = shape_of.tolist()
    if _is(attributes, "special_zero"):
        shape = [node.shape[at] if length == 0 else length for at, length in enumerate(shape)]
    return (node.reshape(shape),)


def _attention(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    queries, keys, values, *mask = inputs
    if _is(attributes, "causal") or len(mask) > 1:
        raise ValueError("attention that is causal or scaled by itself")
    products = (queries * np.float32(queries.shape[-1] ** -0.5)) @ keys.swapaxes(-1, -2)
    if mask:
        products = products + mask[0]
    powers = np.exp(products - products.max(axis=-1, keepdims=True))
    return ((powers / powers.sum(axis=-1, keepdims=True)) @ values,)


def _slice(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, starts, ends, steps, axes = inputs
    cuts = [slice(None)] * node.ndim
    for axis, start, end, step in zip(axes.tolist(), starts.tolist(), ends.tolist(), steps.tolist(), strict=True):
        cuts[axis] = slice(start, end, step)
    return (node[tuple(cuts)],)


def _swish(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, *beta = inputs
    steep = node * beta[0] if beta else node
    return (node / (np.float32(1) + np.exp(-steep)),)


def _top_k(attributes: Mapping[str, str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    node, count = inputs
    axis = int(attributes["axis"])
    if int(count) != 1 or attributes["mode"] != "max":
        raise ValueError("others than the largest")
    places = np.expand_dims(node.argmax(axis=axis), axis)  # the first of several, as `stable` asks for
    return np.take_along_axis(node, places, axis), places


def _is(attributes: Mapping[str, str], name: str) -> bool:
    return attributes.get(name, "false").lower() in {"true", "1"}


OPERATIONS: Final[Mapping[str, Run]] = {
    "Add": lambda attributes, inputs: (np.add(*inputs),),
    "Broadcast": _broadcast,
    "Concat": lambda attributes, inputs: (np.concatenate(inputs, axis=int(attributes["axis"])),),
    "Convert": _convert,
    "CumSum": _cum_sum,
    "Divide": lambda attributes, inputs: (np.divide(*inputs),),
    "Equal": lambda attributes, inputs: (np.equal(*inputs),),
    "Gather": _gather,
    "Gelu": _gelu,
    "MVN": _mvn,
    "MatMul": _matmul,
    "Multiply": lambda attributes, inputs: (np.multiply(*inputs),),
    "NotEqual": lambda attributes, inputs: (np.not_equal(*inputs),),
    "ReLU": lambda attributes, inputs: (np.maximum(inputs[0], np.float32(0)),),
    "ReduceMean": _reduced(np.mean),
    "ReduceSum": _reduced(np.sum),
    "Reshape": _reshape,
    "ScaledDotProductAttention": _attention,
    "Select": lambda attributes, inputs: (np.where(*inputs),),
    "ShapeOf": lambda attributes, inputs: (np.array(inputs[0].shape, dtype=np.int64),),
    "Slice": _slice,
    "Swish": _swish,
    "Tanh": lambda attributes, inputs: (np.tanh(inputs[0]),),
    "TopK": _top_k,
    "Transpose": lambda attributes, inputs: (inputs[0].transpose(inputs[1].tolist()),),
}
"""By OpenVINO's name of their kind. They raise ValueError, LookupError or TypeError for what is not known of it."""
