"""The adapters of this machine, by the names that their makers gave them."""

import re
from pathlib import Path

from reranker.adapters.adapter import MANIFEST, Adapter
from retriever import directories

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def adapters_directory() -> Path:
    """The directory of all adapters: below that for what cannot be fetched again."""
    return directories.data_directory() / "adapters"


def is_adapter_name(name: str) -> bool:
    """Whether an adapter may be called so: letters, digits, “.”, “-” and “_”."""
    return _NAME.fullmatch(name) is not None


def adapter_named(name: str) -> tuple[Adapter, Path] | None:
    """The adapter of that name and its directory; None where there is none. Raises `ModelError` if it is damaged."""
    if not is_adapter_name(name):
        return None
    directory = adapters_directory() / name
    try:
        return Adapter.read(directory), directory
    except FileNotFoundError:
        return None


def adapter_names() -> tuple[str, ...]:
    """The names of the adapters that there are."""
    try:
        found = sorted(adapters_directory().iterdir())
    except OSError:
        return ()
    return tuple(one.name for one in found if is_adapter_name(one.name) and (one / MANIFEST).is_file())
