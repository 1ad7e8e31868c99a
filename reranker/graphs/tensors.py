"""The tensors of a file of weights, whichever of its two formats that has."""

from collections.abc import KeysView
from pathlib import Path
from typing import Protocol

from phrasepix_core.text import printable
from reranker.errors import ModelError
from reranker.graphs.old_torch_file import BEGINNING, OldTorchFile
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
    """The tensors of a file of safetensors or of torch, new or old.

    Raises `NotNativeError` where it is damaged or of another kind, and `ModelError` where the system does not give it.
    """
    try:
        if path.suffix == _SAFE:
            return WeightsFile(path)
        with path.open("rb") as file:
            is_old = file.read(len(BEGINNING)) == BEGINNING
        return OldTorchFile(path) if is_old else TorchFile(path)
    except OSError as error:
        raise ModelError(f"{printable(str(path))} cannot be read: {error.strerror or error}") from None
