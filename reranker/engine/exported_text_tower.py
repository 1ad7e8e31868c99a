"""An exported text tower of a pairing on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reranker.engine.exported_model import COMPILED, TEXT_TOWER
from reranker.engine.file_tokenizer import TOKENIZER
from reranker.engine.manifest import read_manifest, set_aside, write_manifest

FORMAT = 1
"""Raised when exported directories of earlier versions can no longer be used."""


@dataclass(frozen=True, slots=True)
class ExportedTextTower:
    """An exported text tower: where it is, and what must be known to run it.

    `fingerprint` digests its files; `dimensions` is an embedding's length, `padding` the id that texts are filled up
    with.
    """

    directory: Path
    fingerprint: str
    dimensions: int
    padding: int

    @property
    def tower(self) -> Path:
        """The tower's file."""
        return self.directory / TEXT_TOWER

    @property
    def compiled(self) -> Path:
        """Where OpenVINO keeps what it compiled."""
        return self.directory / COMPILED

    def write_manifest(self) -> None:
        """Write the manifest, with the sizes of all files there are."""
        facts = {
            "text_format": FORMAT,
            "fingerprint": self.fingerprint,
            "dimensions": self.dimensions,
            "padding": self.padding,
        }
        write_manifest(self.directory, facts)

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """What is in `directory`; None where there is nothing, or not all of it in its full size."""
        try:
            manifest = read_manifest(directory, (TEXT_TOWER, TOKENIZER))
            if manifest is None or manifest["text_format"] != FORMAT:
                return None
            return cls(directory, str(manifest["fingerprint"]), int(manifest["dimensions"]), int(manifest["padding"]))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def set_aside(self) -> None:
        """Have them exported anew by whoever looks next."""
        set_aside(self.directory)
