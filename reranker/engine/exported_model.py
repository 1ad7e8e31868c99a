"""The exported towers of a model on disk: a directory with a manifest that says what is in it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reranker.engine.manifest import read_manifest, set_aside, write_manifest
from reranker.engine.preprocessing import Preprocessing
from reranker.errors import ModelError

FORMAT = 1
"""Raised when exported directories of earlier versions can no longer be used."""

IMAGE_TOWER, TEXT_TOWER = "image.xml", "text.xml"
COMPILED = "compiled"
OF_CLIP, FROM_FILE = "clip", "file"
"""Kinds of tokenizers."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """An exported model: where it is, and what must be known to run it.

    `fingerprint` digests weights, preprocessing and architecture. `dimensions` is an embedding's length, `input_side`
    in pixels. `context` counts tokens; `clean` is how a text is cleaned; `tokenizer` is clip (its merges) or file
    (one of the hub's), and `padding` the id it fills up with; `ends` whether the text tower takes tokens up to the end
    of the text only. `image_parameters` counts the image tower's weights.
    """

    directory: Path
    fingerprint: str
    dimensions: int
    input_side: int
    preprocessing: Preprocessing
    context: int
    clean: str
    tokenizer: str
    padding: int
    ends: bool
    image_parameters: int

    @property
    def image_tower(self) -> Path:
        """The image tower's file."""
        return self.directory / IMAGE_TOWER

    @property
    def text_tower(self) -> Path:
        """The text tower's file."""
        return self.directory / TEXT_TOWER

    @property
    def compiled(self) -> Path:
        """Where OpenVINO keeps what it compiled."""
        return self.directory / COMPILED

    def write_manifest(self) -> None:
        """Write the manifest, with the sizes of all files there are."""
        facts = {
            "format": FORMAT,
            "tokenizer": self.tokenizer,
            "padding": self.padding,
            "fingerprint": self.fingerprint,
            "dimensions": self.dimensions,
            "input_side": self.input_side,
            "preprocessing": self.preprocessing.to_json(),
            "context": self.context,
            "clean": self.clean,
            "ends": self.ends,
            "image_parameters": self.image_parameters,
        }
        write_manifest(self.directory, facts)

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """The artefacts in `directory`; None where there are none, or not all of them in their full size."""
        try:
            manifest = read_manifest(directory, (IMAGE_TOWER, TEXT_TOWER))
            if manifest is None or manifest["format"] != FORMAT:
                return None
            return cls(
                directory,
                str(manifest["fingerprint"]),
                int(manifest["dimensions"]),
                int(manifest["input_side"]),
                Preprocessing.of_config(manifest["preprocessing"]),
                int(manifest["context"]),
                str(manifest["clean"]),
                str(manifest["tokenizer"]),
                int(manifest.get("padding", 0)),
                bool(manifest["ends"]),
                int(manifest["image_parameters"]),
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ModelError):
            return None

    def set_aside(self) -> None:
        """Have them exported anew by whoever looks next."""
        set_aside(self.directory)


def partial_directory(engines: Path, name: str) -> Path:
    """Where one thread of this process makes artefacts that are moved into place when they are whole."""
    return engines / f"{name}.{os.urandom(8).hex()}.{os.getpid()}.partial"


def remove_partial(engines: Path, process: int) -> None:
    """Remove what the process with that id, which was ended amid an export, left half made."""
    _remove(engines, f"*.{process}.partial")


def remove_stage(engines: Path, name: str) -> None:
    """Remove what processes that were ended left half made under that name."""
    _remove(engines, f"{name}.*.partial")


def _remove(engines: Path, pattern: str) -> None:
    for path in engines.glob(pattern):
        shutil.rmtree(path, ignore_errors=True)
