"""A library: its description and its table, written batch by batch, and looked up."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

import lance
import numpy as np

from phrasepix.errors import LibraryError, NoLibraryError
from phrasepix.library.description import (
    Description,
    EncoderColumn,
    read_description,
    write_description,
)
from phrasepix.library.guards import failures, writing
from phrasepix.library.location import Location
from phrasepix.library.object_prefix import Place
from phrasepix.library.opening import create, has_description, opened, opened_if_there, state_of
from phrasepix.library.quoting import one_of, quoted
from phrasepix.library.room import demand_room
from phrasepix.library.schema import FACTS_SCHEMA, KEY, PLACE, TableRow, batch_of, key_of, vector_field
from reranker.encoder import Embeddings

_CONFLICTS = 30
"""How often a commit is tried again after another process's."""
_KEYS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class FileState:
    """What a row says of its file: whether it is as it was is told by size, time of change, and what is `beside` it."""

    size: int
    modified_ns: int
    beside: str | None
    digest: str
    is_encoded: bool


class Library:
    """An open library: its `description` and its table. Many processes may use it at once."""

    def __init__(self, location: Location, description: Description, dataset: Any, state: Hashable = None) -> None:
        self.location = location
        self.description = description
        self.dataset = dataset
        """The `lance.LanceDataset`, of the version that was opened or written last."""
        self._state = state

    @classmethod
    def open(cls, location: Location) -> Self:
        """Open a library. Raises `NoLibraryError`, and `LibraryError` if it is damaged or too new.

        One that an older phrasepix made may lack columns, which `open_or_create` adds.
        """
        state = state_of(location)  # before what it is of: a commit in between is seen at the next look
        description = read_description(location, lance.__version__)
        dataset = opened_if_there(location)
        if dataset is None:
            raise LibraryError(
                f"the table of the library {location.name} is missing; `phrasepix library add` makes it again"
            )
        return cls(location, description, dataset, state)

    def latest(self) -> Self:
        """Return the library as it is now: this one, if no process has written to it since it was opened.

        Nothing of this one changes, which other threads may be reading. Raises as `open`.
        """
        if self._state is not None and state_of(self.location) == self._state:
            return self
        return self.open(self.location)

    @classmethod
    def open_or_create(cls, location: Location) -> Self:
        """Open a library, or make an empty one. Raises `LibraryError`."""
        with writing(location):
            if not has_description(location):
                write_description(location, Description(written_by=lance.__version__))
            description = read_description(location, lance.__version__)
            dataset = opened_if_there(location)
            if dataset is not None:
                library = cls(location, description, dataset)
                library.add_missing_columns()
                return library
            with failures(location):  # a process may have been killed between the two
                create(location, description)
                return cls(location, description, opened(location))

    def add_missing_columns(self) -> None:
        """Add the columns that the table of an older phrasepix lacks, without values. Raises `LibraryError`."""
        if not self.lacking:
            return
        with writing(self.location), failures(self.location):
            self.refresh()
            if self.lacking:
                self.dataset.add_columns([FACTS_SCHEMA.field(name) for name in self.lacking])
                self.dataset = opened(self.location)

    @property
    def lacking(self) -> list[str]:
        """The columns that are missing from the table."""
        there = set(self.dataset.schema.names)
        return [name for name in FACTS_SCHEMA.names if name not in there]

    def refresh(self) -> None:
        """Go to the latest version, of description and table."""
        self.description = read_description(self.location, lance.__version__)
        with failures(self.location):
            self.dataset = opened(self.location)

    def change(self, *, folders: Collection[str] = (), without: Collection[str] = ()) -> None:
        """Add folders, by their absolute paths, to those kept in step, or take some out. Raises `LibraryError`."""
        with writing(self.location):
            before = read_description(self.location, lance.__version__)
            kept = dict.fromkeys([*before.folders, *folders])
            after = replace(
                before,
                written_by=lance.__version__,
                folders=tuple(folder for folder in kept if folder not in without),
            )
            if after != before:
                write_description(self.location, after)
            self.description = after

    def describe(self, **changes: Any) -> None:
        """Write the description with other values of its fields. Raises `LibraryError`."""
        with writing(self.location):
            before = read_description(self.location, lance.__version__)
            after = replace(before, **changes, written_by=lance.__version__)
            if after != before:
                write_description(self.location, after)
            self.description = after

    def column_for(self, encoder: EncoderColumn) -> str:
        """Return the column of an encoder's vectors, which is added if it is missing. Raises `LibraryError`."""
        with writing(self.location), failures(self.location):
            before = read_description(self.location, lance.__version__)
            after = before.with_encoder(encoder)
            if after != before:
                write_description(self.location, after)
            self.description = after
            column = after.column_of(encoder.tower)
            assert column is not None  # noqa: S101  # it was added
            self.dataset = opened(self.location)
            if column not in self.dataset.schema.names:  # also if a process was killed between the two
                self.dataset.add_columns(vector_field(column, after))
                self.dataset = opened(self.location)
            return column

    def keep_places(self, *, keeps: bool) -> None:
        """Have where pictures were taken kept, when they are read next, or forget it. Raises `LibraryError`."""
        with writing(self.location), failures(self.location):
            self.refresh()
            if self.description.keeps_places == keeps:
                return
            # Before it is written down: whoever is killed between the two repeats it, and loses nothing.
            self.dataset.update(
                {"beside": "CAST(NULL AS STRING)"} if keeps else dict.fromkeys(PLACE, "CAST(NULL AS DOUBLE)")
            )
            self.description = replace(self.description, written_by=lance.__version__, keeps_places=keeps)
            write_description(self.location, self.description)
            self.dataset = opened(self.location)
            if not keeps:  # the former versions and the indexes have them
                for index in self.dataset.describe_indices():
                    if {*PLACE} & {*index.field_names}:
                        self.dataset.drop_index(index.name)
                self.dataset.cleanup_old_versions(timedelta(0))

    def column_of_model(self, model: str | None) -> str:
        """Return the column of a model's vectors, by its name; without one, the first. Raises `NoLibraryError`."""
        encoders = self.description.encoders
        column = next((column for column, one in encoders.items() if model in (None, one.model)), None)
        if column is None and not encoders:
            raise NoLibraryError(f"the library {self.location.name} has no pictures yet: phrasepix library add FOLDER")
        if column is None:
            raise NoLibraryError(
                f"the library {self.location.name} has no vectors of {model or 'any model'}; it has those of "
                f"{', '.join(one.model for one in encoders.values())}"
            )
        return column

    def upsert(self, rows: Sequence[TableRow]) -> None:
        """Write rows in one commit, in place of those of the same keys.

        Each has all vectors that there are of its content, by another process's commits too. Raises `LibraryError`,
        also where the disk has too little room left.
        """
        if not rows:
            return
        with writing(self.location), failures(self.location):
            self.refresh()
            known = self.vectors_of({row.digest for row in rows})
            complete = [row.with_vectors({**known.get(row.digest, {}), **row.vectors}) for row in rows]
            merge = self.dataset.merge_insert(KEY).when_matched_update_all().when_not_matched_insert_all()
            batch = batch_of(complete, self.description)
            demand_room(self.location, batch.nbytes)
            merge.conflict_retries(_CONFLICTS).execute(batch)
            self.dataset = opened(self.location)

    def delete(self, keys: Collection[str]) -> None:
        """Delete the rows of those keys. Raises `LibraryError`."""
        with writing(self.location), failures(self.location):
            self.dataset = opened(self.location)
            for some in _chunks(sorted(keys)):
                self.dataset.delete(one_of(KEY, some))
            self.dataset = opened(self.location)

    def delete_clip(self, key: str, except_of: str | None = None) -> None:
        """Delete the rows of a video by its file's key, but for those of a clip's digest. Raises `LibraryError`."""
        where = f"starts_with({KEY}, {quoted(key + '#')})"
        if except_of is not None:
            where += f" AND NOT starts_with(digest, {quoted(except_of)})"
        with writing(self.location), failures(self.location):
            self.dataset = opened(self.location)
            self.dataset.delete(where)
            self.dataset = opened(self.location)

    def states(self, folder: Place, column: str) -> dict[str, FileState]:
        """Return what is known of the files of a folder that is kept in step, by key. Raises `LibraryError`."""
        return self._states(one_of("folder", [key_of(folder)]), column)

    def states_of(self, keys: Collection[str], column: str) -> dict[str, FileState]:
        """Return what is known of some files, by key; nothing of those that are new. Raises `LibraryError`."""
        found: dict[str, FileState] = {}
        for some in _chunks(sorted(keys)):
            found |= self._states(one_of(KEY, some), column)
        return found

    def _states(self, where: str, column: str) -> dict[str, FileState]:
        with failures(self.location):
            unencoded = set(self._values(KEY, f"{where} AND {column} IS NULL"))
            found = self.dataset.to_table(columns=[KEY, "size", "modified_ns", "beside", "digest"], filter=where)
        return {
            key: FileState(size, modified_ns, beside, digest, key not in unencoded)
            for key, size, modified_ns, beside, digest in zip(*(one.to_pylist() for one in found.columns), strict=True)
        }

    def keys_below(self, path: Place) -> list[str]:
        """Return the keys of a file, of all files below a folder, or of a list's pictures. Raises `LibraryError`."""
        key = key_of(path)
        is_of_it = f"{one_of(KEY, [key])} OR {one_of('folder', [key])}"
        with failures(self.location):
            return self._values(KEY, f"{is_of_it} OR {_below(key)}")

    def vectors_of(self, digests: Collection[str]) -> dict[str, dict[str, Embeddings]]:
        """Return the vectors of contents, by digest and column. Raises `LibraryError`."""
        found: dict[str, dict[str, Embeddings]] = {}
        columns = list(self.description.encoders)
        with failures(self.location):
            for some in _chunks(sorted(digests)):
                table = self.dataset.to_table(columns=["digest", *columns], filter=one_of("digest", some))
                names = table["digest"].to_pylist()
                for column in columns:
                    for digest, vector in zip(names, vectors_in(table[column]), strict=True):
                        if vector is not None:
                            found.setdefault(digest, {})[column] = vector
        return found

    def digests(self, column: str) -> set[str]:
        """Return the contents that have a vector in a column. Raises `LibraryError`."""
        with failures(self.location):
            return set(self._values("digest", f"{column} IS NOT NULL"))

    def count(self, where: str | None = None) -> int:
        """Return how many rows there are, or how many for which `where` holds. Raises `LibraryError`."""
        with failures(self.location):
            return int(self.dataset.count_rows(where))

    def _values(self, column: str, where: str) -> list[str]:
        values: list[str] = self.dataset.to_table(columns=[column], filter=where)[column].to_pylist()
        return values


def vectors_in(column: Any) -> Iterator[Embeddings | None]:
    """Yield the vectors of a column, float32 [d] each, None where there is none."""
    for chunk in column.chunks:
        rows = chunk.flatten().to_numpy(zero_copy_only=False) if not chunk.null_count else None
        if rows is not None:
            yield from np.ascontiguousarray(rows, dtype=np.float32).reshape(len(chunk), -1)
        else:
            yield from (None if one is None else np.array(one, dtype=np.float32) for one in chunk.to_pylist())


def _below(key: str) -> str:
    """The condition that a row is of a video, or below a folder, of that key."""
    begins = (f"{key.rstrip('/')}/", f"{key}#")
    return " OR ".join(f"starts_with({KEY}, {quoted(one)})" for one in begins)


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + _KEYS_AT_ONCE] for start in range(0, len(keys), _KEYS_AT_ONCE))
