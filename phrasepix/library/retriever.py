"""A library as a source that finds by vector."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePath
from typing import Any, Final, Self

import numpy as np

from phrasepix.errors import NoLibraryError
from phrasepix.library.description import SeenSource
from phrasepix.library.guards import failures, first_sentence
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.predicates import condition_of, unhonoured_by_library
from phrasepix.library.schema import KEY
from phrasepix.library.seen_rows import candidate_of_row, condition_on_seen
from phrasepix.library.table import Library, vectors_in
from phrasepix.library.vector_search import nearest_rows
from phrasepix.library.videos import file_key_of
from phrasepix_core.candidate import Candidate, Clip, Rendition
from phrasepix_core.messages import Hint
from phrasepix_core.s3_access import S3
from reranker.encoder import Embeddings
from reranker.errors import PictureUnreachableError
from reranker.pictures.local_files import is_part, local_name, path_of
from retriever.errors import WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.folder.as_candidate import candidate_at, candidate_of
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.profile import SourceProfile
from retriever.source import Notify, SkippedHit, log_skip
from retriever.tags import demand_limit, without_controls

_COLUMNS: Final = (KEY, "digest", "folder", "facts", "frame_at", "duration_s", "candidate")


class LibraryRetriever:
    """Offers the pictures of an open `library`, each content once; those nearest to a vector, if it is given one.

    Its candidates are those of a folder: the same picture found there has the same identity. Those that were seen at
    stock sources are what the sources offered, with all that is owed for them; by the time that `now` tells, those that
    may not be kept any more are not found.
    """

    on_disk = True
    """Its pictures are files of this machine, and may be read as such; those of lists are on the web, those of prefixes
    in a store of one's own."""

    def __init__(
        self,
        library: Library,
        *,
        profile: SourceProfile,
        on_skip: Callable[[SkippedHit], None] = log_skip,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._library = library
        self.profile = profile
        self.on_skip = on_skip
        self._now = now

    @property
    def name(self) -> str:
        """That of folders: a picture that is in a library is still the same."""
        return self.profile.name

    @property
    def seen_sources(self) -> Mapping[str, SeenSource]:
        """The stock sources that its candidates may be of, by their names."""
        return self._library.description.sources

    def unhonoured(self, filters: Filters) -> frozenset[str]:
        """The names of the filters that rows say nothing of."""
        return unhonoured_by_library(filters)

    def reporting_to(self, on_skip: Callable[[SkippedHit], None], on_notice: Notify) -> "LibraryRetriever":
        """Return a retriever of the library as it is now, that tells others what it skips.

        Raises `NoLibraryError` and `LibraryError` if it is not there any more.
        """
        self._library = library = self._library.latest()
        return LibraryRetriever(library, profile=self.profile, on_skip=on_skip, now=self._now)

    def retrieve(
        self, tag: str = "", *, limit: int | None = None, filters: Filters = NO_FILTERS
    ) -> Iterator[Candidate]:
        """Yield up to `limit` candidates (None: all), each content once, in the order of their paths.

        With a `tag`, those in whose file name, folders' names or keywords its words stand.

        Raises `WrongParameterError`.
        """
        if limit is not None:
            demand_limit(limit)
        return self._in_order(self._condition(filters, tag), tag, limit)

    def nearest(
        self, vectors: Embeddings, tower: str, tag: str = "", *, limit: int, filters: Filters = NO_FILTERS
    ) -> Iterator[tuple[Candidate, Embeddings]]:
        """Yield candidates with their embeddings, float32 [d]: the `limit` nearest to each of `vectors`, by cosine.

        `vectors` are float32 [k, d]; `tower` names the image tower (`reranker.encoder.image_tower_name`) in whose space
        they are. Each candidate comes once, in the order of their paths, as a folder's do: so equal scores rank alike.

        Raises `WrongParameterError`, and `NoLibraryError` if there are no vectors of the tower.
        """
        demand_limit(limit)
        column = self._library.description.column_of(tower)
        if column is None:
            raise self._lacking()
        return self._nearest(vectors, column, self._condition(filters, tag), tag, limit)

    def file_to_save(self, candidate: Candidate) -> Rendition:
        """The file itself."""
        return candidate.renditions[-1]

    def _condition(self, filters: Filters, tag: str) -> str | None:
        if filters.near is not None and not self._library.description.keeps_places:
            raise NoLibraryError(
                f"the library {self._library.location.name} does not keep where pictures were taken; `phrasepix "
                "library add FOLDER` has it do so with ",
                Hint("places", True),
            )
        of_all = condition_of(filters, without_controls(tag))
        of_seen = condition_on_seen(self._library.description, filters, self._now())
        return " AND ".join(f"({one})" for one in (of_all, of_seen) if one) or None

    def _nearest(
        self, vectors: Embeddings, column: str, condition: str | None, tag: str, limit: int
    ) -> Iterator[tuple[Candidate, Embeddings]]:
        brought: dict[str, tuple[Candidate, Embeddings]] = {}
        places: dict[str, str] = {}
        for vector in vectors:
            found = self._nearest_contents(vector, column, condition, limit)
            embeddings = dict(zip(found["digest"].to_pylist(), vectors_in(found[column]), strict=True))
            for digest, path in zip(found["digest"].to_pylist(), found[KEY].to_pylist(), strict=True):
                places[digest] = min(path, places.get(digest, path))
            for digest, candidate in islice(self._candidates(found, tag), limit):
                embedding = embeddings[digest]
                if embedding is not None:
                    brought[digest] = candidate, np.array(embedding, dtype=np.float32)
        yield from (brought[digest] for digest in sorted(brought, key=places.__getitem__))

    def _nearest_contents(self, vector: Embeddings, column: str, condition: str | None, limit: int) -> Any:
        """The nearest rows, so many that they are of `limit` contents, if there are: a file may have copies."""
        rows = limit
        while True:
            with failures(self._library.location), _condition_named(condition):
                found = nearest_rows(self._library, column, vector, rows, condition, [*self._columns, column])
            if found.num_rows < rows or len(found["digest"].unique()) >= limit:
                return found
            rows *= 2

    def _in_order(self, condition: str | None, tag: str, limit: int | None) -> Iterator[Candidate]:
        with failures(self._library.location), _condition_named(condition):
            found = self._library.dataset.to_table(columns=self._columns, filter=condition).sort_by(KEY)
        for number, (_, candidate) in enumerate(self._candidates(found, tag)):
            if number == limit:
                return
            yield candidate

    def _candidates(self, found: Any, tag: str) -> Iterator[tuple[str, Candidate]]:
        """Candidates of rows with their digests, each content once, with all its files, in the order of the rows."""
        by_digest: dict[str, list[dict[str, Any]]] = {}
        for row in found.select(self._columns).to_pylist():
            by_digest.setdefault(row["digest"], []).append(row)
        for digest, rows in by_digest.items():
            is_seen = rows[0].get("candidate") is not None
            try:
                candidate = self._seen(rows[0], tag) if is_seen else _own(digest, rows, tag)
            except (ValueError, TypeError, KeyError, AttributeError, PictureUnreachableError):
                mended_by = "the next search that meets it" if is_seen else "`phrasepix library sync`"
                self.on_skip(SkippedHit(self.name, rows[0][KEY], f"its row is damaged; {mended_by} mends it"))
                continue
            yield digest, candidate

    def _seen(self, row: Mapping[str, Any], tag: str) -> Candidate:
        return candidate_of_row(row, tag, self._library.description)

    @property
    def _columns(self) -> list[str]:
        """Those of the table; one that an older phrasepix made knows no videos."""
        there = set(self._library.dataset.schema.names)
        return [name for name in _COLUMNS if name in there]

    def _lacking(self) -> NoLibraryError:
        name = self._library.location.name
        models = [one.model for one in self._library.description.encoders.values()]
        if not models:
            return NoLibraryError(f"the library {name} is empty; `phrasepix library add FOLDER` fills it")
        return NoLibraryError(
            f"the library {name} has no vectors of the model that ranks, but of {', '.join(models)}; say ",
            Hint("model", models[0]),
            ", or have it encoded by `phrasepix library sync` with that model",
        )

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._library.location.name!r})"


def _own(digest: str, rows: Sequence[dict[str, Any]], tag: str) -> Candidate:
    """The candidate of a content of one's own."""
    facts = Facts.from_json(rows[0]["facts"])
    candidate = _candidate(Contents(digest, facts), facts, rows, tag)
    return _of_video(candidate, rows) if rows[0].get("frame_at") is not None else candidate


def _of_video(candidate: Candidate, rows: Sequence[dict[str, Any]]) -> Candidate:
    """The candidate as a frame of a clip: its still is the frame, its page the clip at that place."""
    url, *others = (row[KEY] for row in rows)
    width, height = candidate.width, candidate.height
    return replace(
        candidate,
        media_type="video",
        page_url=url,
        renditions=(Rendition(url, width, height),),
        other_urls=tuple(others),
        duration_s=rows[0]["duration_s"],
        frame_at=rows[0]["frame_at"],
        clips=(Clip(file_key_of(url), width, height),),
    )


@contextmanager
def _condition_named(condition: str | None) -> Iterator[None]:
    """Blame the condition for what Lance does not understand."""
    try:
        yield
    except OSError as error:
        if condition is None or "Invalid user input" not in str(error):
            raise
        raise WrongParameterError(f"the condition cannot be used: {first_sentence(error)}") from None


def _candidate(contents: Contents, facts: Facts, rows: Sequence[dict[str, str]], tag: str) -> Candidate:
    """The candidate of a content by its rows: of its files, or of its addresses if there are none."""
    files = [row for row in rows if row[KEY].startswith("file:") and not is_part(row[KEY])]
    if files:
        paths = [path_of(row[KEY]) for row in files]
        return candidate_of(contents, facts, paths, tag, below=path_of(files[0]["folder"]))
    parts = [row[KEY] for row in rows if is_part(row[KEY])]
    if parts:
        return candidate_at(parts, contents, facts, tag, called=PurePath(local_name(parts[0])).stem)
    return web_candidate(contents, facts, rows[0][KEY], tag)


def web_candidate(contents: Contents, facts: Facts, url: str, tag: str) -> Candidate:
    """The candidate of a picture that a list names by its address, or that is in a store."""
    if not url.startswith(("http://", "https://", S3)):
        raise ValueError("no address of the web")
    return candidate_at([url], contents, facts, tag, called=PurePath(WebEntry(url, "").name).stem)
