"""A text tower run in NumPy, from the file that was written for OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reranker.engine.graph_file import Graph, UnknownGraphError, read_graph
from reranker.engine.mapped_file import give_back_pages
from reranker.engine.numpy_ops import OPERATIONS


class NumpyTower:
    """The tower in `file` (.xml), read when it is called; in f32, from weights that stay on disk until they are used.

    It is there in a tenth of the time that OpenVINO takes to be imported and to compile it, and is slower from then on.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._graph: Graph | None = None

    def release(self) -> None:
        """Close the file, until it is called again."""
        self._graph = None

    def __call__(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """What it makes of tokens [n, length]: float32 [n, dimensions].

        Raises `UnknownGraphError` for what is not known here, and OSError.
        """
        graph = self._graph  # which another thread may release meanwhile
        if graph is None:
            graph = self._graph = _known(read_graph(self._file))
        try:
            return _run(graph, tokens)
        except (ValueError, LookupError, TypeError) as error:
            raise UnknownGraphError(f"{self._file} is not run without OpenVINO: {error}") from None
        finally:
            give_back_pages(self._file.with_suffix(".bin"))  # until it is asked once more, if ever


def _known(graph: Graph) -> Graph:
    strange = {operation.kind for operation in graph.operations} - OPERATIONS.keys()
    if strange:
        raise UnknownGraphError(f"operations that are not known: {', '.join(sorted(strange))}")
    return graph


def _run(graph: Graph, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    values: dict[tuple[int, int], NDArray[Any]] = {**graph.constants, graph.input: tokens}
    with np.errstate(all="ignore"):  # what is not finite is looked for in what comes out
        for operation in graph.operations:
            outputs = OPERATIONS[operation.kind](operation.attributes, [values[taken] for taken in operation.inputs])
            values |= {(operation.id, number): output for number, output in enumerate(outputs)}
    return np.ascontiguousarray(values[graph.result], dtype=np.float32)
