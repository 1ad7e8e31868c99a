"""Maintenance of a library's table: compaction, indexes and old versions, under one lock and in bounded memory."""

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import lance

from phrasepix.errors import LibraryError
from phrasepix.library.description import read_description
from phrasepix.library.guards import failures, writing
from phrasepix.library.location import Location
from phrasepix.library.opening import can_be_opened
from phrasepix.library.planner import INDEXED_FROM
from phrasepix.library.room import bytes_below, has_room
from phrasepix.library.scanning import scanner_of
from phrasepix.library.schema import KEY
from phrasepix.library.shortlist import is_usable
from phrasepix.library.shortlist_build import build_shortlist, renew_shortlists, uncovered_rows
from phrasepix.library.table import Library
from phrasepix_core.files import shown_path

SCALAR_INDEXES: Final = {
    KEY: "BTREE",
    "digest": "BTREE",
    "folder": "BITMAP",
    "media": "BITMAP",
    "width": "BTREE",
    "height": "BTREE",
    "taken_on": "BTREE",
    "taken_year": "BITMAP",
    "taken_month": "BITMAP",
    "taken_day": "BITMAP",
    "rating": "BITMAP",
    "camera_key": "BITMAP",
    "creator_key": "BTREE",
    "tag_keys": "LABEL_LIST",
    "commercial_use": "BITMAP",
    "modification": "BITMAP",
    "ai_generated": "BITMAP",
    "latitude": "BTREE",
}
"""The index of each column that filters ask for. `words` has none: of three letters each (NGRAM) it takes as long as
reading the column (a million rows: 37 to 54 ms, and 58 to 61 without), and 5 s to make."""

BITS: Final = 5
"""Of each dimension in the vector index: with one bit, 4 % of two conditions kept 48 % of the nearest (measured)."""
_DIMENSIONS_OF: Final = 8
"""The vector index takes vectors of a multiple of so many dimensions; others are compared one by one."""
_MOST_FRAGMENTS: Final = 32
"""Small ones, before they are made one."""
WHOLE: Final = 131_072
"""From how many rows on a fragment is left as it is: otherwise each compaction would write the whole table again."""
_MOST_DELETED: Final = 0.2
"""Which share of the rows stored may be deleted ones, before they are taken off the disk."""
_MOST_UNINDEXED: Final = 0.05
"""Which share of the rows may be missing from an index: they are compared one by one."""
_LEAST_BEYOND, _MOST_BEYOND = 500, 0.002
"""How many rows, or which share of them, may be missing from a shortlist, which is brought up to date in a second."""
_KEPT_FOR: Final = timedelta(minutes=10)
"""Old versions, which a search may still read."""
_ROWS_AT_ONCE: Final = 1024
"""Of 2 KB each and more: what compaction holds in memory, for each thread."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a table is: rows, versions, fragments and the `small` ones of them, rows that are `deleted` but still stored,
    rows without vectors, and what the indexes lack."""

    rows: int
    fragments: int
    small: int
    deleted: int
    versions: int
    unencoded: dict[str, int]
    """Rows without a vector, by column."""
    unindexed: dict[str, int]
    """Rows that an index lacks, by column; all of them where an index is due and missing."""
    beyond: dict[str, int] = field(default_factory=dict)
    """Rows with a vector that a shortlist lacks, by column, likewise; such a column is not among the `unindexed`."""
    duplicates: int = 0
    """Keys that stand twice; looked for by `doctor` alone."""

    @property
    def wants_compaction(self) -> bool:
        """Whether there are too many small fragments, or too many deleted rows."""
        return self.small > _MOST_FRAGMENTS or self.deleted > _MOST_DELETED * (self.rows + self.deleted)

    @property
    def wants_indexing(self) -> bool:
        """Whether an index lacks too many rows."""
        return any(lacking > _MOST_UNINDEXED * self.rows for lacking in self.unindexed.values())

    @property
    def wants_shortlists(self) -> bool:
        """Whether a shortlist lacks too many rows."""
        return any(lacking > max(_LEAST_BEYOND, _MOST_BEYOND * self.rows) for lacking in self.beyond.values())


def health_of(library: Library, *, thoroughly: bool = False) -> Health:
    """Return how a library's table is. Raises `LibraryError`."""
    with failures(library.location):
        dataset = library.dataset
        rows = dataset.count_rows()
        unencoded = {
            column: scanner_of(dataset, [], filter=f"{column} IS NULL").count_rows()
            for column in library.description.encoders
        }
        indexed: dict[str, int] = {}
        for index in dataset.describe_indices():
            for column in index.field_names:
                indexed[column] = indexed.get(column, 0) + index.num_rows_indexed
        unindexed: dict[str, int] = {}
        beyond: dict[str, int] = {}
        if rows >= INDEXED_FROM:
            there = SCALAR_INDEXES.keys() & {*dataset.schema.names}
            unindexed = {column: max(0, rows - indexed.get(column, 0)) for column in SCALAR_INDEXES if column in there}
            for column, missing in unencoded.items():
                whole_bytes = library.description.encoders[column].dimensions % _DIMENSIONS_OF == 0
                if rows - missing < INDEXED_FROM or not whole_bytes:
                    continue
                if is_usable(library.location):
                    beyond[column] = uncovered_rows(library, column)
                else:
                    unindexed[column] = max(0, rows - missing - indexed.get(column, 0))
        duplicates = 0
        if thoroughly:
            keys = dataset.to_table(columns=[KEY])[KEY]
            duplicates = len(keys) - len(keys.unique())
        fragments = dataset.get_fragments()
        return Health(
            rows=rows,
            fragments=len(fragments),
            small=sum(fragment.physical_rows < WHOLE for fragment in fragments),
            deleted=sum(fragment.num_deletions for fragment in fragments),
            versions=len(dataset.versions()),
            unencoded=unencoded,
            unindexed=unindexed,
            beyond=beyond,
            duplicates=duplicates,
        )


def gone_back(location: Location) -> list[str]:
    """Go back to the newest version of a table that can be read, where a later one was half written; say so in words.

    What was committed since is written again by the next sync. Raises `LibraryError` if none can be read.
    """
    read_description(location, lance.__version__)
    if location.is_uri or can_be_opened(location):
        return []
    with writing(location):
        aside: list[Path] = []
        for manifest in sorted(Path(location.table, "_versions").glob("*.manifest")):  # the newest first
            aside.append(manifest.rename(manifest.with_suffix(".damaged")))
            if can_be_opened(location):
                return [f"left out {len(aside)} versions that cannot be read"]
        for one in aside:
            one.rename(one.with_suffix(".manifest"))
    raise LibraryError(
        f"no version of the table of the library {location.name} can be read: restore a backup by `phrasepix library "
        f"restore`, or move {shown_path(location.base)} away and add the folders again"
    )


def tidy(library: Library, *, completely: bool = False) -> list[str]:
    """Do what is due, or with `completely` all that can be done; return what was done, in words.

    What another process's commit thwarts, or too small a disk, is left for the next time. Raises `LibraryError`.
    """
    done: list[str] = []
    with writing(library.location), failures(library.location):
        library.refresh()
        health = health_of(library, thoroughly=completely)
        dataset = library.dataset
        if health.duplicates:
            done.append(f"removed {_without_duplicates(dataset)} rows that stood twice")
            library.refresh()
            dataset = library.dataset
        with contextlib.suppress(OSError):  # a commit at a URI, which no lock guards
            is_due = health.wants_compaction or (completely and (health.small > 1 or health.deleted))
            if is_due and has_room(library.location, bytes_below(Path(library.location.table))):
                compact(dataset, deleted_from=0.0 if completely else _MOST_DELETED / 2)
                done.append(f"made {health.fragments} fragments {len(dataset.get_fragments())}")
                library.refresh()
                renew_shortlists(library)
                dataset, health = library.dataset, health_of(library)
            if health.wants_indexing or (completely and any(health.unindexed.values())):
                done += _indexed(dataset, health)
            if health.wants_shortlists or (completely and any(health.beyond.values())):
                done += _shortlisted(library, health)
            if done or completely or health.versions > _MOST_FRAGMENTS:
                # Files of no version are of whoever was killed: no other writer is at work while the lock is held.
                unverified = completely and library.location.lock is not None
                library.refresh()
                removed = library.dataset.cleanup_old_versions(_KEPT_FOR, delete_unverified=unverified)
                done += [f"freed {removed.bytes_removed} bytes of old versions"] if removed.bytes_removed else []
        library.refresh()
    return done


def compact(dataset: Any, *, deleted_from: float) -> None:
    """Make small fragments one, and write those anew of which at least the share `deleted_from` of rows is deleted."""
    dataset.optimize.compact_files(
        target_rows_per_fragment=WHOLE,
        materialize_deletions_threshold=deleted_from,
        batch_size=_ROWS_AT_ONCE,
        num_threads=1,
    )


def _indexed(dataset: Any, health: Health) -> list[str]:
    """Make the indexes that are missing, and bring the others up to date."""
    existing = {column for index in dataset.describe_indices() for column in index.field_names}
    missing = [column for column in health.unindexed if column not in existing]
    for column in missing:
        if column in SCALAR_INDEXES:
            dataset.create_scalar_index(column, SCALAR_INDEXES[column])
        else:
            dataset.create_index(column, "IVF_RQ", metric="cosine", num_bits=BITS)
    is_behind = any(health.unindexed[column] for column in existing & health.unindexed.keys())
    if is_behind:
        dataset.optimize.optimize_indices()
    made = [f"indexed {', '.join(missing)}"] if missing else []
    return [*made, *(["brought the indexes up to date"] if is_behind else [])]


def _shortlisted(library: Library, health: Health) -> list[str]:
    """Make the shortlists that lack rows, and drop Lance's indexes of these vectors, which are not asked any more."""
    library.refresh()
    made = [column for column, lacking in health.beyond.items() if lacking and build_shortlist(library, column)]
    for index in library.dataset.describe_indices():
        if {*index.field_names} & {*made}:
            library.dataset.drop_index(index.name)
    return [f"made the shortlist of {', '.join(made)}"] if made else []


def _without_duplicates(dataset: Any) -> int:
    """Delete all but the last row of each key; return how many."""
    table = dataset.to_table(columns=[KEY], with_row_id=True)
    last: dict[str, int] = {}
    doubled: list[int] = []
    for key, row in zip(table[KEY].to_pylist(), table["_rowid"].to_pylist(), strict=True):
        if key in last:
            doubled.append(last[key])
        last[key] = row
    dataset.delete(f"_rowid IN ({', '.join(map(str, doubled))})")
    return len(doubled)
