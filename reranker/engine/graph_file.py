"""The graph of a tower in the file that OpenVINO writes, read without OpenVINO.

The format is OpenVINO's IR of version 11: https://docs.openvino.ai/2026/documentation/openvino-ir-format.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final
from xml.parsers.expat import ExpatError, ParserCreate

import numpy as np
from numpy.typing import NDArray

_VERSION: Final = "11"
_KINDS: Final = {
    "f64": np.float64,
    "f32": np.float32,
    "f16": np.float16,
    "i64": np.int64,
    "i32": np.int32,
    "boolean": np.bool_,
}
"""OpenVINO's names of kinds of numbers, as far as NumPy has them."""

Output = tuple[int, int]
"""A layer's id and the number of one of its outputs, from 0."""


class UnknownGraphError(ValueError):
    """A file that is no graph of this format, or holds what is not known here."""


@dataclass(slots=True)
class Operation:
    """What a layer computes: its kind and `attributes` in OpenVINO's words, and the `inputs` in their order."""

    id: int
    kind: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    inputs: list[Output] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    """The file's numbers of its outputs."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A tower with one input and one output.

    `operations` follow one after the other: each is behind those whose outputs it takes. `constants` look at the mapped
    weights; nothing of them is read before it is used.
    """

    input: Output
    operations: list[Operation]
    constants: dict[Output, NDArray[Any]]
    result: Output


def read_graph(tower: Path) -> Graph:
    """The graph in the file `tower` (.xml) with its weights beside it (.bin).

    Raises `UnknownGraphError`, and OSError where a file cannot be read.
    """
    reader = _Reader()
    try:
        reader.read(tower)
        with tower.with_suffix(".bin").open("rb") as file:
            weights = mmap(file.fileno(), 0, access=ACCESS_READ)
        return reader.graph(weights)
    except (ExpatError, ValueError, LookupError, TypeError) as error:
        raise UnknownGraphError(f"{tower} is not read without OpenVINO: {error}") from None


class _Reader:
    """Collects what is in a file. Lookups and numbers that fail raise LookupError and ValueError."""

    def __init__(self) -> None:
        self._layers: dict[int, Operation] = {}
        self._edges: list[tuple[int, int, int, int]] = []
        self._layer: Operation | None = None
        self._is_output = False

    def read(self, tower: Path) -> None:
        parser = ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        with tower.open("rb") as file:
            parser.ParseFile(file)

    def graph(self, weights: mmap) -> Graph:
        for source, out, target, port in sorted(self._edges, key=lambda edge: edge[2:]):
            taken, layer = self._layers[source], self._layers[target]
            if source >= target or port != len(layer.inputs):
                raise UnknownGraphError("its layers are in another order")
            layer.inputs.append((source, taken.ports.index(out)))
        by_kind: dict[str, list[Operation]] = {"Parameter": [], "Result": [], "Const": []}
        operations: list[Operation] = []
        for _, layer in sorted(self._layers.items()):
            by_kind.get(layer.kind, operations).append(layer)
        ((parameter,), (result,)) = by_kind["Parameter"], by_kind["Result"]
        constants = {(layer.id, 0): _constant(layer.attributes, weights) for layer in by_kind["Const"]}
        return Graph((parameter.id, 0), operations, constants, result.inputs[0])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        layer = self._layer
        match name:
            case "layer":
                self._layer = Operation(int(attributes["id"]), attributes["type"])
                self._layers[self._layer.id] = self._layer
            case "data" if layer is not None:
                layer.attributes = attributes
            case "output":
                self._is_output = True
            case "port" if layer is not None and self._is_output:
                layer.ports.append(int(attributes["id"]))
            case "edge":
                keys = ("from-layer", "from-port", "to-layer", "to-port")
                source, out, target, port = (int(attributes[key]) for key in keys)
                self._edges.append((source, out, target, port))
            case "net" if attributes["version"] != _VERSION:
                raise UnknownGraphError(f"its version is {attributes['version']}")

    def _end(self, name: str) -> None:
        if name == "layer":
            self._layer = None
        elif name == "output":
            self._is_output = False


def _constant(attributes: Mapping[str, str], weights: mmap) -> NDArray[Any]:
    kind = np.dtype(_KINDS[attributes["element_type"]])
    shape = [int(length) for length in attributes["shape"].split(",") if length.strip()]
    numbers = np.frombuffer(weights, kind, int(np.prod(shape, dtype=np.int64)), int(attributes["offset"]))
    return numbers.reshape(shape)
