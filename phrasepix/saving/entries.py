"""`credits.json` as it is read: one entry for each picture that was saved into a directory."""

import json
from pathlib import Path
from typing import Any

CREDITS = "credits.json"

Entry = dict[str, Any]
"""A saved picture, as `credits.json` has it: `file`, `source`, `id` and more; a person's own additions stay in it."""


class DamagedCreditsError(ValueError):
    """A `credits.json` that is none; the message says why."""


def read_entries(directory: Path) -> list[Entry]:
    """The entries of the directory's `credits.json`; none where there is no such file.

    Raises `DamagedCreditsError`, and `OSError` where it cannot be read.
    """
    try:
        content = json.loads((directory / CREDITS).read_bytes())
    except FileNotFoundError:
        return []
    except (ValueError, RecursionError) as error:
        raise DamagedCreditsError(f"it is not JSON: {error}") from None
    entries = content.get("pictures") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(is_entry(entry) for entry in entries):
        raise DamagedCreditsError("it is no list of pictures, each with file, source and id")
    return entries


def identity_of(entry: Entry) -> tuple[str, str]:
    """The identity of the candidate that was saved."""
    return (str(entry.get("catalogue") or entry["source"]), entry["id"])


def is_entry(entry: object) -> bool:
    """Whether it has what every entry has."""
    return isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in ("file", "source", "id"))
