"""An exported text tower of a pairing on disk."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reranker.engine.exported_model import COMPILED, MANIFEST, TEXT_TOWER, are_there
from reranker.engine.file_tokenizer import TOKENIZER

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
        manifest = {
            "text_format": FORMAT,
            "engine": "openvino",
            "fingerprint": self.fingerprint,
            "dimensions": self.dimensions,
            "padding": self.padding,
            "files": {path.name: path.stat().st_size for path in self.directory.iterdir() if path.is_file()},
        }
        (self.directory / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """What is in `directory`; None where there is nothing, or not all of it in its full size."""
        try:
            manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
            if manifest["text_format"] != FORMAT or not are_there(
                directory, (TEXT_TOWER, TOKENIZER), manifest["files"]
            ):
                return None
            return cls(directory, str(manifest["fingerprint"]), int(manifest["dimensions"]), int(manifest["padding"]))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def set_aside(self) -> None:
        """Have them exported anew by whoever looks next."""
        (self.directory / MANIFEST).unlink(missing_ok=True)
