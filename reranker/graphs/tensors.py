"""The tensors of a file of weights, whichever of its two formats that has."""

from collections.abc import KeysView
from pathlib import Path
from typing import Protocol

from reranker.graphs.torch_file import TorchFile
from reranker.graphs.weights_file import Stored, WeightsFile

_SAFE = ".safetensors"


class Tensors(Protocol):
    """Tensors by their names."""

    @property
    def names(self) -> KeysView[str]:
        """The names of all."""
        ...

    def __getitem__(self, name: str) -> Stored: ...


def tensors_in(path: Path) -> Tensors:
    """The tensors of a file of safetensors or of torch. Raises `NotNativeError` or OSError."""
    return WeightsFile(path) if path.suffix == _SAFE else TorchFile(path)
