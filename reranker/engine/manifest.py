"""The manifest in a directory of exported towers: what is in it, and that it is whole."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"


def write_manifest(directory: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest, with the sizes of all files there are. Raises OSError."""
    sizes = {path.name: path.stat().st_size for path in directory.iterdir() if path.is_file()}
    manifest = {**facts, "engine": "openvino", "files": sizes}
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def read_manifest(directory: Path, towers: Collection[str]) -> Any:
    """What `write_manifest` wrote; None where one of the `towers`' files or another is not there in its full size.

    Raises OSError where there is none, and ValueError, LookupError, TypeError or AttributeError for another file.
    """
    manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    return manifest if _are_there(directory, towers, manifest["files"]) else None


def set_aside(directory: Path) -> None:
    """Have what is in the directory exported anew by whoever looks next."""
    with suppress(OSError):  # what cannot be removed is met again by whoever looks
        (directory / MANIFEST).unlink()


def _are_there(directory: Path, towers: Collection[str], files: Mapping[str, Any]) -> bool:
    return set(towers) <= set(files) and all((directory / name).stat().st_size == size for name, size in files.items())
