"""An exported network on disk: a directory with a manifest that says what is in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reranker.engine.exported_model import COMPILED, IMAGE_TOWER
from reranker.engine.manifest import read_manifest, set_aside, write_manifest
from reranker.engine.preprocessing import Preprocessing
from reranker.errors import ModelError

FORMAT = 1
"""Raised when exported directories of earlier versions can no longer be used."""


@dataclass(frozen=True, slots=True)
class ExportedNetwork:
    """An exported network: where it is, and what must be known to run it.

    `fingerprint` digests weights, preprocessing and graph; `dimensions` is an embedding's length, `parameters` counts
    the weights.
    """

    directory: Path
    fingerprint: str
    dimensions: int
    preprocessing: Preprocessing
    parameters: int

    @property
    def tower(self) -> Path:
        """The network's file."""
        return self.directory / IMAGE_TOWER

    @property
    def compiled(self) -> Path:
        """Where OpenVINO keeps what it compiled."""
        return self.directory / COMPILED

    def write_manifest(self) -> None:
        """Write the manifest, with the sizes of all files there are."""
        facts = {
            "network_format": FORMAT,
            "fingerprint": self.fingerprint,
            "dimensions": self.dimensions,
            "preprocessing": self.preprocessing.to_json(),
            "parameters": self.parameters,
        }
        write_manifest(self.directory, facts)

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """What is in `directory`; None where there is nothing, or not all of it in its full size."""
        try:
            manifest = read_manifest(directory, (IMAGE_TOWER,))
            if manifest is None or manifest["network_format"] != FORMAT:
                return None
            return cls(
                directory,
                str(manifest["fingerprint"]),
                int(manifest["dimensions"]),
                Preprocessing.of_config(manifest["preprocessing"]),
                int(manifest["parameters"]),
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ModelError):
            return None

    def set_aside(self) -> None:
        """Have it exported anew by whoever looks next."""
        set_aside(self.directory)
