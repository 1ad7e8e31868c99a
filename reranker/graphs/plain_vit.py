"""Vision transformers in timm's names, which DINOv2's own weights have too."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reranker.graphs.blocks import TIMM, Stack, TokenPlace
from reranker.graphs.ops import Node
from reranker.graphs.vit import Sides, patches
from reranker.graphs.weights import NamedTensors

_CUBIC = -0.75
"""The coefficient of torch's bicubic interpolation."""


@dataclass(frozen=True, slots=True)
class PlainVit:
    """A transformer over patches whose first vector is that of the class token.

    `pool` is token (the class token) or mean (of the patches), each after the last normalisation. Where its places were
    learnt for a grid of `learnt_side` patches a side, they are interpolated to this one's as DINOv2 does: with
    `offset` patches more, which its authors add lest a rounding error lose one.
    """

    size: Sides
    patch: Sides
    stack: Stack
    pool: Literal["token", "mean"]
    learnt_side: int | None = None
    offset: float = 0.0

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        return self.stack.width

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        ops, stack, width = weights.ops, self.stack, self.stack.width
        embedded = patches(weights, "patch_embed.proj", pixels, self.patch, width, bias=True)
        token = weights.take("cls_token", 1, 1, width)
        vectors = ops.concat([ops.repeat_for(token, embedded), embedded], 1)
        vectors = ops.add(vectors, self._places(weights))
        is_token = self.pool == "token"
        vectors = stack.build(weights.within("blocks"), TIMM, vectors, pick=TokenPlace(0) if is_token else None)
        vectors = ops.normed(vectors, weights.norm("norm", width, stack.epsilon))
        if is_token:
            return ops.reshape(vectors, [0, width])
        return ops.mean(ops.cut(vectors, 1, 1, self._rows * self._columns + 1), [1])

    @property
    def _rows(self) -> int:
        return self.size[0] // self.patch[0]

    @property
    def _columns(self) -> int:
        return self.size[1] // self.patch[1]

    def _places(self, weights: NamedTensors) -> Node:
        width = self.stack.width
        if self.learnt_side is None:
            return weights.take("pos_embed", 1, self._rows * self._columns + 1, width)
        learnt = weights.numbers("pos_embed", 1, self.learnt_side**2 + 1, width)[0]
        grid = learnt[1:].reshape(self.learnt_side, self.learnt_side, width)
        down = resampling(self.learnt_side, self._rows, self.offset)
        across = resampling(self.learnt_side, self._columns, self.offset)
        resized = np.einsum("rh,cw,hwd->rcd", down, across, grid, optimize=True).reshape(-1, width)
        return weights.ops.constant(np.concatenate([learnt[:1], resized])[None].astype(np.float32))


def resampling(old: int, new: int, offset: float = 0.0) -> NDArray[np.float64]:
    """The matrix [new, old] that resamples a row of numbers by cubic convolution, without smoothing first.

    As torch's `interpolate` by a scale factor of (new + offset) / old does. Keys,
    https://doi.org/10.1109/TASSP.1981.1163711.
    """
    matrix = np.zeros((new, old))
    for row in range(new):
        centre = (row + 0.5) * old / (new + offset) - 0.5
        first = math.floor(centre) - 1
        for place in range(first, first + 4):
            matrix[row, min(max(place, 0), old - 1)] += _cubic(abs(centre - place))
    return matrix


def _cubic(away: float) -> float:
    """The weight of a number that is so far away, 0 to 2."""
    if away <= 1:
        return ((_CUBIC + 2) * away - (_CUBIC + 3)) * away**2 + 1
    return _CUBIC * (((away - 5) * away + 8) * away - 4)
