"""An adapter on disk: a directory with what it is in JSON, and its layer."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from phrasepix_core.errors import NotWrittenError
from phrasepix_core.files import read_bounded, reason_of, shown_path
from reranker.errors import ModelError

if TYPE_CHECKING:  # whoever asks what an adapter is does without NumPy
    from reranker.adapters.layer import Layer

FORMAT = 1
"""Raised when adapters of earlier versions can no longer be used."""

MANIFEST = "adapter.json"
_LAYER = {"pictures": "pictures.npy", "texts": "texts.npy"}
_LARGEST_MANIFEST = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What an adapter is: learnt over the model `base` with its weights `pretrained`, as people name these.

    `base_tower` is the name of its image tower then, `dimensions` the length of its embeddings, `digest` that of the
    layer. `labels` has how many pictures each label had, `figures` how it did on pictures that it was not learnt on.
    """

    name: str
    base: str
    pretrained: str | None
    base_tower: str
    dimensions: int
    digest: str
    labels: Mapping[str, int]
    figures: Mapping[str, Any]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The adapter in `directory`. Raises `ModelError` where it is damaged, and FileNotFoundError."""
        place = directory / MANIFEST
        try:
            said = json.loads(read_bounded(place, _LARGEST_MANIFEST))
            if said.pop("format") != FORMAT:
                raise ModelError(f"the adapter {shown_path(directory)} is of another version; adapt it again")
            found = cls(**said)
            if not (isinstance(found.base, str) and isinstance(found.dimensions, int)):
                raise TypeError("its base or its dimensions are none")
        except FileNotFoundError:
            raise
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"the adapter {shown_path(directory)} is damaged ({reason_of(error)}); adapt it again"
            ) from None
        return found


def read_layer(directory: Path, adapter: Adapter) -> "Layer":
    """The layer of the adapter in `directory`. Raises `ModelError` where it is damaged."""
    import numpy as np

    from reranker.adapters.layer import Layer

    shape = (adapter.dimensions, adapter.dimensions)
    matrices = {}
    for part, name in _LAYER.items():
        try:
            matrix = np.load(directory / name, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ModelError(
                f"{shown_path(directory / name)} cannot be read ({reason_of(error)}); adapt it again"
            ) from None
        if matrix.shape != shape or matrix.dtype != np.float32 or not np.isfinite(matrix).all():
            raise ModelError(
                f"{shown_path(directory / name)} is not the layer that {MANIFEST} speaks of; adapt it again"
            )
        matrices[part] = matrix
    return Layer(**matrices)


def digest_of(layer: "Layer") -> str:
    """A digest of all numbers of a layer."""
    from hashlib import sha256

    return sha256(layer.pictures.tobytes() + layer.texts.tobytes()).hexdigest()[:24]


def write_adapter(directory: Path, adapter: Adapter, layer: "Layer") -> None:
    """Write an adapter, whole or not at all, in place of what is in `directory`. Raises `NotWrittenError`."""
    import numpy as np

    partial, replaced = (directory.with_name(f".{directory.name}.{os.urandom(8).hex()}.partial") for _ in range(2))
    try:
        partial.mkdir(parents=True)
        for part, name in _LAYER.items():
            np.save(partial / name, getattr(layer, part))
        said = {"format": FORMAT, **asdict(adapter)}
        (partial / MANIFEST).write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
        with suppress(FileNotFoundError):
            directory.rename(replaced)
        partial.rename(directory)
    except OSError as error:
        raise NotWrittenError(f"cannot write the adapter {shown_path(directory)}: {reason_of(error)}") from None
    finally:
        for left in (partial, replaced):
            shutil.rmtree(left, ignore_errors=True)
