"""`credits.json` as it is read: one entry for each picture that was saved into a directory."""

import json
import os
import re
from pathlib import Path
from typing import Any

from phrasepix_core.files import read_bounded

CREDITS = "credits.json"
LARGEST_BYTES = 32 << 20
"""Some fifteen thousand pictures; of a larger file nothing is read."""

Entry = dict[str, Any]
"""A saved picture, as `credits.json` has it: `file`, `source`, `id` and more; a person's own additions stay in it."""

_LONGEST_NAME = 255
"""Bytes; to the end of it, where the extension is."""

_JOINERS = "\u200c\u200d"  # invisible, and without them some scripts fall apart
_SEPARATORS = r"[/\\:]" if os.name == "nt" else r"[/\\]"


class DamagedCreditsError(ValueError):
    """A `credits.json` that is none; the message says why."""


def read_entries(directory: Path) -> list[Entry]:
    """The entries of the directory's `credits.json`; none where there is no such file.

    It may come from elsewhere: what `file` says is reduced to a name in the directory (see `safe_name`).
    Raises `DamagedCreditsError`, and `OSError` where it cannot be read, is no regular file or has more than
    `LARGEST_BYTES`.
    """
    try:
        content = json.loads(read_bounded(directory / CREDITS, LARGEST_BYTES))
    except FileNotFoundError:
        return []
    except (ValueError, RecursionError) as error:
        raise DamagedCreditsError(f"it is not JSON: {error}") from None
    entries = content.get("pictures") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(is_entry(entry) for entry in entries):
        raise DamagedCreditsError("it is no list of pictures, each with file, source and id")
    return [entry | {"file": safe_name(entry["file"])} for entry in entries]


def safe_name(name: str) -> str:
    """A file's name below its directory: no way out of it, no hidden file, nothing that steers a terminal.

    Names that phrasepix gave stay as they are.
    """
    parts = (part.lstrip(". ") for part in re.split(_SEPARATORS, _without_controls(name)))
    joined = "/".join(part for part in parts if part)
    return joined.encode()[-_LONGEST_NAME:].decode("utf-8", "ignore").lstrip("./ ") or "unnamed"


def _without_controls(name: str) -> str:
    return "".join(one if one.isprintable() or one in _JOINERS else "_" for one in name)


def identity_of(entry: Entry) -> tuple[str, str]:
    """The identity of the candidate that was saved."""
    return (str(entry.get("catalogue") or entry["source"]), entry["id"])


def is_entry(entry: object) -> bool:
    """Whether it has what every entry has."""
    return isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in ("file", "source", "id"))
