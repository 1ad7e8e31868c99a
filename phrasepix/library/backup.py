"""Copies of a library in one Parquet file: a backup, of which a library is made again, and an export for others."""

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import lance
import pyarrow as pa
import pyarrow.parquet as pq

from phrasepix.errors import LibraryError, NotWrittenError
from phrasepix.library.columns import COLUMNS
from phrasepix.library.description import Description, write_description
from phrasepix.library.guards import failures, first_sentence, writing
from phrasepix.library.location import Location
from phrasepix.library.maintenance import tidy
from phrasepix.library.schema import PLACE, batch_of_table, schema_of
from phrasepix.library.table import Library
from phrasepix_core.files import TEMPORARY, reason_of, shown_path, unique

_DESCRIPTION: Final = b"phrasepix.library"
"""Under which key of the file's metadata the description stands."""
_ROWS_AT_ONCE: Final = 4096


def back_up(library: Library, path: Path) -> int:
    """Write all of a library, as it is at this moment, into one file; return how many rows.

    Raises `NotWrittenError` and `LibraryError`.
    """
    library.refresh()
    described = {_DESCRIPTION: library.description.to_json().encode()}
    return _copy(library, library.dataset.schema.names, path, described)


def export(library: Library, path: Path, *, places: bool = False) -> int:
    """Write the columns that people ask for, and the vectors, into a file; return how many rows.

    With `places` also where pictures were taken, if the library knows. Raises `NotWrittenError` and `LibraryError`.
    """
    library.refresh()
    wanted = [*COLUMNS, *(PLACE if places else ()), *library.description.encoders]
    there = set(library.dataset.schema.names)
    return _copy(library, [name for name in wanted if name in there], path, {})


def _copy(library: Library, columns: Sequence[str], path: Path, metadata: dict[bytes, bytes]) -> int:
    with failures(library.location):
        # In the order of the columns asked for, whatever the table's is.
        schema = pa.schema([library.dataset.schema.field(name).remove_metadata() for name in columns], metadata)
        batches = library.dataset.scanner(columns=list(columns), batch_size=_ROWS_AT_ONCE).to_batches()
        return write_parquet(path, schema, batches)


def write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches into a Parquet file, whole or not at all; return how many rows. Raises `NotWrittenError`."""
    path = path.expanduser().absolute()
    part = path.with_name(unique(TEMPORARY, ".tmp"))
    rows = 0
    try:
        try:
            with part.open("xb") as file:
                with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                    for batch in batches:
                        writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
                        rows += batch.num_rows
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        if error.errno is None:  # of what gives the batches
            raise
        raise NotWrittenError(f"cannot write {shown_path(path)}: {reason_of(error)}") from None
    return rows


def restore(path: Path, location: Location) -> int:
    """Make a library of a backup; return how many rows. It is there when it is whole, and not before.

    Raises `LibraryError` for what is no backup, and where a library of that name is there already.
    """
    if location.lock is None:
        raise LibraryError(
            f"a backup is restored on this machine, not at {location.name}; give a name, and copy its directory there"
        )
    base = Path(location.base)
    if base.is_dir() and any(one != location.lock for one in base.iterdir()):
        raise LibraryError(
            f"there is a library {location.name} already; give another name, or move {shown_path(base)} away"
        )
    part = Location(location.name, str(base.with_name(f".restoring-{base.name}")))
    with writing(part):
        try:
            with pq.ParquetFile(path) as file:
                rows = _restored(file, _description_of(file, path), part)
            location.lock.unlink(missing_ok=True)
            Path(part.base).replace(base)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise LibraryError(f"{shown_path(path)} cannot be restored: {first_sentence(error)}") from None
        finally:
            shutil.rmtree(part.base, ignore_errors=True)
    return rows


def _description_of(file: pq.ParquetFile, path: Path) -> Description:
    schema = file.schema_arrow
    text = (schema.metadata or {}).get(_DESCRIPTION)
    if text is None:
        raise LibraryError(f"{shown_path(path)} is no backup of a library; `phrasepix library backup FILE` makes one")
    description = Description.from_json(text.decode("utf-8", "replace"), f"in {shown_path(path)}", lance.__version__)
    wanted = schema_of(description)
    for field in schema:
        if field.name not in wanted.names or wanted.field(field.name).type != field.type:
            raise LibraryError(f"{shown_path(path)} is damaged: its column {field.name!r} is none of a library")
    return description


def _restored(file: pq.ParquetFile, description: Description, location: Location) -> int:
    """Write the rows, then the description."""
    rows = 0
    shutil.rmtree(location.table, ignore_errors=True)  # of a restore that was killed
    lance.write_dataset(schema_of(description).empty_table(), location.table, mode="create")
    for batch in file.iter_batches(_ROWS_AT_ONCE):
        table = batch_of_table(pa.Table.from_batches([batch]), description)
        lance.write_dataset(table, location.table, mode="append")
        rows += table.num_rows
    write_description(location, replace(description, written_by=lance.__version__))
    tidy(Library.open(location), completely=True)
    return rows
