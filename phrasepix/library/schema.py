"""The columns of a library's table, and the rows that are written into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import pyarrow as pa

from phrasepix.library.description import Description
from phrasepix_core.text import caseless
from reranker.encoder import Embeddings
from retriever.folder.as_candidate import credit_of, licence_of
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.folder.names import shown, words
from retriever.folder.walk import FileEntry

if TYPE_CHECKING:  # a search reads neither lists nor archives
    from phrasepix.library.archive import ArchiveEntry
    from phrasepix.library.object_prefix import Place
    from phrasepix.library.picture_list import WebEntry

KEY = "key"
BETWEEN = " | "
"""Between the texts in `words`: a tag's words stand in one of them, none of which has the sign."""

_PRIMARY = {"lance-schema:unenforced-primary-key": "true"}
"""Without it two processes that insert the same new key at once leave it twice (measured, pylance 14.0.2)."""

FACTS_SCHEMA = pa.schema(
    [
        pa.field(KEY, pa.string(), nullable=False, metadata=_PRIMARY),  # the file's URL: one row a file
        pa.field("digest", pa.string()),  # of the content: moved and renamed files are known by it
        pa.field("folder", pa.string()),  # URL of the folder that is kept in step
        pa.field("path", pa.string()),  # in printable characters
        pa.field("size", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("media", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("taken_on", pa.date32()),
        pa.field("taken_year", pa.int32()),
        pa.field("taken_month", pa.int32()),
        pa.field("taken_day", pa.int32()),
        pa.field("camera", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("title", pa.string()),
        pa.field("creator", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("licence_url", pa.string()),
        pa.field("commercial_use", pa.bool_()),
        pa.field("modification", pa.bool_()),
        pa.field("credit", pa.string()),
        pa.field("rating", pa.int32()),
        pa.field("ai_generated", pa.bool_()),
        pa.field("camera_key", pa.string()),  # without differences of case, for filters
        pa.field("creator_key", pa.string()),
        pa.field("tag_keys", pa.list_(pa.string())),
        pa.field("words", pa.string()),  # of the names and keywords, for tags
        pa.field("facts", pa.string()),  # all that the file says, as JSON
        pa.field("beside", pa.string()),  # the state of its sidecars; without one it is read again
        pa.field("latitude", pa.float64()),  # if the library keeps places
        pa.field("longitude", pa.float64()),
        pa.field("frame_at", pa.float64()),  # of a video: the place in the clip, and its length, in seconds
        pa.field("duration_s", pa.float64()),
        pa.field("source", pa.string()),  # where it was seen; without one it is a picture of one's own
        pa.field("seen_at", pa.timestamp("us", tz="UTC")),
        pa.field("kept_until", pa.timestamp("us", tz="UTC")),  # by the source's terms; without a time, for good
        pa.field("g_rated", pa.bool_()),
        pa.field("candidate", pa.string()),  # all that the source said of it, as JSON
    ]
)
"""The columns beside the vectors."""

PLACE = ("latitude", "longitude")
"""The columns that are shown on request only."""


class TableRow(Protocol):
    """A row as it is written."""

    @property
    def key(self) -> str:
        """The primary key."""
        ...

    @property
    def digest(self) -> str:
        """What its vectors are known by."""
        ...

    @property
    def vectors(self) -> Mapping[str, Embeddings]:
        """Its vectors by column, float32 [dimensions], finite."""
        ...

    def with_vectors(self, vectors: Mapping[str, Embeddings]) -> Self:
        """Return the same row with other vectors."""
        ...

    def values(self, description: Description) -> dict[str, object]:
        """Return the columns beside the vectors, by name; what is not there is empty."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A picture, what is in its file, and its vectors by column: float32 [dimensions], finite.

    Of a video it is the frame at `frame_at` seconds of `duration_s`.

    `folder` is the folder that is kept in step, or the list or prefix.
    """

    entry: "FileEntry | WebEntry | ArchiveEntry"
    folder: "Place"
    contents: Contents
    facts: Facts
    vectors: Mapping[str, Embeddings] = field(default_factory=dict)
    frame_at: float | None = None
    duration_s: float | None = None

    @property
    def key(self) -> str:
        """The primary key; of a video with the place in it, as media fragments (W3C 2012) write it."""
        if not isinstance(self.entry, FileEntry):
            return self.entry.url
        file = key_of(self.entry.path)
        return file if self.frame_at is None else f"{file}#t={self.frame_at:.3f}"

    @property
    def digest(self) -> str:
        """That of the content."""
        return self.contents.digest

    def with_vectors(self, vectors: Mapping[str, Embeddings]) -> Self:
        """Return the same row with other vectors."""
        return replace(self, vectors=vectors)

    def values(self, description: Description) -> dict[str, object]:
        """Return the columns beside the vectors, by name; where it was taken only if the library keeps that."""
        return _values(self) | _place(self, description)

    @property
    def path(self) -> str:
        """Where it is, in printable characters."""
        return shown(str(self.entry.path)) if isinstance(self.entry, FileEntry) else self.entry.shown_path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the file and, below `folder`, of its folders, in which tags are looked for."""
        if not isinstance(self.entry, FileEntry):
            return (PurePath(self.entry.name).stem,)
        assert isinstance(self.folder, Path)  # noqa: S101  # files are in folders
        below = self.entry.path.relative_to(self.folder)
        return (*below.parent.parts, below.stem)


def key_of(path: "Place") -> str:
    """Return the key of the file at an absolute path: its URL, which holds bytes that are no UTF-8 too.

    That of a prefix is its URL, likewise.
    """
    return path.as_uri()


def schema_of(description: Description) -> pa.Schema:
    """Return the schema of a table with a column for each encoder."""
    return pa.schema([*FACTS_SCHEMA, *(vector_field(column, description) for column in description.encoders)])


def vector_field(column: str, description: Description) -> pa.Field:
    """Return the field of an encoder's column."""
    return pa.field(column, pa.list_(pa.float32(), description.encoders[column].dimensions))


def batch_of(rows: Sequence[TableRow], description: Description) -> pa.Table:
    """Return rows as they are written: each key once, the last row of it.

    Lance would insert a new key twice that stands twice in a batch, and take a vector that is not finite: raises
    `ValueError` for one.
    """
    each_once = list({row.key: row for row in rows}.values())
    values = [row.values(description) for row in each_once]
    facts = pa.Table.from_pylist(values, schema=FACTS_SCHEMA)
    for column in description.encoders:
        vectors = [row.vectors.get(column) for row in each_once]
        field_of_column = vector_field(column, description)
        facts = facts.append_column(field_of_column, _vectors(vectors, field_of_column.type))
    return facts


def batch_of_table(table: pa.Table, description: Description) -> pa.Table:
    """Return the rows of a copy of a library's table as they are written; columns that it lacks are empty.

    Raises `ValueError` for a vector that is not finite.
    """
    schema = schema_of(description)
    there = set(table.schema.names)
    columns = [table[field.name] if field.name in there else pa.nulls(table.num_rows, field.type) for field in schema]
    for column in description.encoders.keys() & there:
        values = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        if not np.isfinite(values).all():
            raise ValueError("a vector is not finite")
    return pa.table(columns, schema=schema)


def _vectors(vectors: Sequence[Embeddings | None], kind: pa.DataType) -> pa.Array:
    dimensions = kind.list_size
    rows = np.zeros((len(vectors), dimensions), dtype=np.float32)
    for number, vector in enumerate(vectors):
        if vector is not None:
            rows[number] = vector
    if not np.isfinite(rows).all():
        raise ValueError("a vector is not finite")
    missing = pa.array([vector is None for vector in vectors], pa.bool_())
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), dimensions, mask=missing).cast(kind)


def _values(row: Row) -> dict[str, object]:
    facts, day = row.facts, row.facts.taken_on
    licence = licence_of(facts)
    return {
        KEY: row.key,
        "digest": row.contents.digest,
        "folder": key_of(row.folder),
        "path": row.path,
        "size": row.entry.size,
        "modified_ns": row.entry.modified_ns,
        "media": "photo" if row.frame_at is None else "video",
        "width": facts.width,
        "height": facts.height,
        "taken_on": day,
        "taken_year": day.year if day else None,
        "taken_month": day.month if day else None,
        "taken_day": day.day if day else None,
        "camera": facts.camera,
        "tags": list(facts.keywords),
        "title": facts.title,
        "creator": facts.creator,
        "licence": licence.name,
        "licence_url": licence.url,
        "commercial_use": licence.commercial,
        "modification": licence.modification,
        "credit": credit_of(facts),
        "rating": facts.rating or None,
        "ai_generated": facts.ai_generated,
        "camera_key": caseless(facts.camera),
        "creator_key": caseless(facts.creator),
        "tag_keys": [caseless(tag) for tag in facts.keywords],
        "words": words_of((*row.names, *facts.keywords)),
        "facts": facts.to_json(),
        "beside": row.entry.beside,
        "frame_at": row.frame_at,
        "duration_s": row.duration_s,
    }


def words_of(texts: Sequence[str]) -> str:
    """Return the words of texts as the column `words` has them, in which tags are looked for."""
    return " " + BETWEEN.join(" ".join(words(text)) for text in texts) + " "


def _place(row: Row, description: Description) -> dict[str, float | None]:
    place = row.facts.place if description.keeps_places else None
    return dict(zip(PLACE, place or (None, None), strict=True))
