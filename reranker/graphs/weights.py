"""The weights of a part of a model, as a graph takes them: each by its name and the shape it must have."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from phrasepix_core.text import printable
from reranker.errors import NotNativeError
from reranker.graphs.ops import Affine, Node, Norm, Ops
from reranker.graphs.tensors import Tensors
from reranker.graphs.weights_file import Stored


@dataclass(frozen=True, slots=True)
class NamedTensors:
    """The tensors of `file` whose names begin with `prefix`, as nodes made by `ops`; it is kept which were taken.

    Whatever takes one raises `NotNativeError` where there is none of that name and shape.
    """

    ops: Ops
    file: Tensors
    prefix: str = ""
    taken: set[str] = field(default_factory=set)

    def within(self, part: str) -> "NamedTensors":
        """The weights whose names go on with `part` and a dot."""
        return NamedTensors(self.ops, self.file, f"{self.prefix}{part}.", self.taken)

    def take(self, name: str, *shape: int) -> Node:
        """The weight `name`, in f32."""
        return self.ops.weight(self._stored(name, shape), self.prefix + name)

    def numbers(self, name: str, *shape: int) -> NDArray[np.float32]:
        """The weight `name` as numbers to reckon with, before the graph is built: it is kept as f32."""
        stored = self._stored(name, shape)
        if stored.kind != "F32":
            raise NotNativeError(f"the weights' {self.prefix}{name} is of numbers {stored.kind}; known: F32")
        return np.frombuffer(stored.content.tobytes(), dtype="<f4").reshape(shape)

    def take_parts(self, name: str, count: int, *shape: int) -> list[Node]:
        """The weight `name` cut into `count` equal parts along its first axis, in f32."""
        stored = self._stored(name, shape)
        rows, size = shape[0] // count, stored.content.size // count
        return [
            self.ops.weight(
                Stored(stored.kind, (rows, *shape[1:]), stored.content[number * size : (number + 1) * size]),
                f"{self.prefix}{name}.{number}",
            )
            for number in range(count)
        ]

    def linear(self, name: str, inputs: int, outputs: int, *, bias: bool = True) -> Affine:
        """A linear layer, as torch names what is in it."""
        return Affine(
            self.take(f"{name}.weight", outputs, inputs), self.take(f"{name}.bias", outputs) if bias else None
        )

    def linear_parts(self, weight: str, bias: str, count: int, inputs: int, outputs: int) -> list[Affine]:
        """`count` linear layers that are kept as one, whose `weight` and `bias` have these names."""
        weights = self.take_parts(weight, count, count * outputs, inputs)
        return [Affine(*both) for both in zip(weights, self.take_parts(bias, count, count * outputs), strict=True)]

    def norm(self, name: str, width: int, epsilon: float) -> Norm:
        """A layer normalisation, as torch names what is in it."""
        return Norm(self.take(f"{name}.weight", width), self.take(f"{name}.bias", width), epsilon)

    def batch_norm(self, name: str, channels: int) -> list[Node]:
        """A batch normalisation, as torch names what is in it: weight, bias, mean and variance."""
        self.leave(f"{name}.num_batches_tracked")
        return [self.take(f"{name}.{part}", channels) for part in ("weight", "bias", "running_mean", "running_var")]

    def leave(self, *names: str) -> None:
        """Count these as taken, if they are there: they are of no use to a graph."""
        self.taken.update(self.prefix + name for name in names)

    def parameters(self) -> int:
        """How many numbers the weights have together."""
        return self.count(self._names())

    def count(self, names: Iterable[str]) -> int:
        """How many numbers the weights of these whole names have together."""
        return sum(math.prod(self.file[name].shape) for name in names if name in self.file.names)

    def demand_all_taken(self, others: Collection[str] = ()) -> None:
        """Raise `NotNativeError` where one was not taken, unless its name begins with one of `others`."""
        for name in self._names():
            if name not in self.taken and not name.startswith(tuple(others)):
                raise NotNativeError(f"the weights have {printable(name)}, which nothing known here uses")

    def _names(self) -> list[str]:
        return [name for name in self.file.names if name.startswith(self.prefix)]

    def _stored(self, name: str, shape: tuple[int, ...]) -> Stored:
        name = self.prefix + name
        if name not in self.file.names:
            raise NotNativeError(f"the weights have no {name}")
        stored = self.file[name]
        if stored.shape != shape:
            raise NotNativeError(f"the weights' {name} has the shape {list(stored.shape)}, not {list(shape)}")
        self.taken.add(name)
        return stored
