"""A library's table opened, or made: whether there is one, whether it is whole, and whether it changed."""

import os
import re
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

import lance

from phrasepix.errors import LibraryError
from phrasepix.library.description import Description, files_of
from phrasepix.library.guards import OF_THE_STORE, failures, first_sentence
from phrasepix.library.location import Location
from phrasepix.library.schema import FACTS_SCHEMA, KEY, schema_of

_INDEX_CACHE_BYTES, _METADATA_CACHE_BYTES = 512 << 20, 128 << 20
"""Lance's own bound on indexes in memory is 6 GiB."""
_NOT_THERE = "was not found"
"""What Lance says of a table that is missing, and of none that is damaged."""
_MANIFEST = re.compile(r"\d{20}\.manifest")
"""The file of a version: its name is what is left of 2^64 - 1, so the newest is the first (Lance's V2 names)."""


def state_of(location: Location) -> Hashable:
    """Return what changes with every commit and description, at the price of a few calls to the file system.

    None where it cannot be told: at a URI, which is asked for its latest version anyway.
    """
    if location.is_uri:
        return None
    try:
        with os.scandir(Path(location.table, "_versions")) as entries:
            manifests = (entry for entry in entries if _MANIFEST.fullmatch(entry.name))
            newest = min(manifests, key=lambda entry: entry.name)
        return tuple(
            (status.st_ino, status.st_mtime_ns, status.st_size)
            for status in (newest.stat(), Path(location.description).stat())
        )
    except (OSError, ValueError):  # ValueError: there is no version
        return None


@cache
def _session() -> Any:
    """What caches indexes, for all libraries of the process."""
    return lance.Session(index_cache_size_bytes=_INDEX_CACHE_BYTES, metadata_cache_size_bytes=_METADATA_CACHE_BYTES)


def opened(location: Location) -> Any:
    """Return the `lance.LanceDataset` at its latest version. Raises what Lance does."""
    return lance.dataset(location.table, session=_session(), storage_options=location.storage_options)


def create(location: Location, description: Description) -> None:
    """Make an empty table, unless another process was first. Raises what Lance does."""
    try:
        lance.write_dataset(
            schema_of(description).empty_table(),
            location.table,
            mode="create",
            storage_options=location.storage_options,
        )
    except OSError:
        if not location.is_uri or not can_be_opened(location):  # another process was first, where no lock is held
            raise


def can_be_opened(location: Location) -> bool:
    """Whether the latest version of a table can be read, whatever is in it."""
    try:
        opened(location)
    except (OSError, ValueError):
        return False
    return True


def opened_if_there(location: Location) -> Any:
    """Return the table; None if there is none. Raises `LibraryError` if it is damaged, or of another kind."""
    with failures(location):
        try:
            dataset = opened(location)
        except ValueError as error:
            if location.is_uri and str(error).startswith(OF_THE_STORE):
                raise
            if _NOT_THERE in str(error) and not _has_data(location):
                return None
            raise LibraryError(
                f"the table of the library {location.name} is damaged ({first_sentence(error)}); `phrasepix library "
                f"doctor` goes back to what can be read of it"
            ) from None
    for field in FACTS_SCHEMA:
        there = dataset.schema.field(field.name).type if field.name in dataset.schema.names else None
        if there != field.type and (there is not None or field.name == KEY):
            raise LibraryError(
                f"the table of the library {location.name} is none of a library: its column {field.name} is "
                f"{there or 'missing'}, not {field.type}"
            )
    return dataset


def _has_data(location: Location) -> bool:
    """Whether there are files of rows, which no new table may be made over."""
    data = Path(location.table, "data")
    return not location.is_uri and data.is_dir() and any(data.iterdir())


def has_description(location: Location) -> bool:
    """Whether there is a library, whatever state it is in. Raises `LibraryError` if its store does not answer."""
    if not location.is_uri:
        return Path(location.description).is_file()
    with failures(location):
        files, path = files_of(location)
        return bool(files.get_file_info(path).is_file)
