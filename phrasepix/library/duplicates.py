"""Pictures that stand in a library several times: which to keep, what can go and why. Nothing is deleted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix.events import Listener, SearchProgress
from phrasepix.library.guards import failures
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library, vectors_in
from phrasepix.library.vector_search import nearest_rows
from phrasepix_core.candidate import Candidate
from reranker.dedup import DuplicateDetector, fingerprint_of
from reranker.encoder import Embeddings
from reranker.errors import PictureError
from reranker.memory import Memory
from reranker.pictures.local_files import LocalFiles, path_of
from retriever.folder.as_candidate import candidate_of
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.folder.walk import FileEntry

Verdict = Literal["keep", "safe", "look"]
"""To keep; safe to delete, for the one to keep has all of it; or for a person to look at."""

_NEAR: Final = 0.93
"""The cosine from which two pictures are compared by their looks; copies in other sizes and forms are above 0.97."""
_ALL_AT_ONCE: Final = 20_000
"""Pictures of which each is compared with each; of more, each with those that the index finds nearest."""
_NEIGHBOURS: Final = 8
_ROWS_AT_ONCE: Final = 1024
_SIDE: Final = 64
_MEAN_DIFFERENCE, _MOST_DIFFERENCE = 3.0, 32.0
"""Of 255: what a change of size and a lossy format leave between two copies, on average and at the hundredth worst."""
_ASPECT: Final = 1.01
_ON_THIS_MACHINE: Final = f"starts_with({KEY}, 'file:') AND (media IS NULL OR media <> 'video')"
"""What can be looked at and deleted here; of two videos, to share a moment is not to be the same."""
_COLUMNS: Final = [KEY, "digest", "path", "width", "height", "size", "modified_ns", "facts"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A file of a group, what to do with it, and why."""

    path: str
    verdict: Verdict
    why: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Files that show one picture, the one to keep first."""

    copies: tuple[Copy, ...]

    @property
    def bytes_safe(self) -> int:
        """What deleting all that is safe would free."""
        return sum(one.bytes for one in self.copies if one.verdict == "safe")

    def to_dict(self) -> dict[str, Any]:
        """Return the group as JSON holds it."""
        return {"bytes_safe": self.bytes_safe, "copies": [asdict(one) for one in self.copies]}


@dataclass(frozen=True, slots=True)
class _File:
    """A row: one file, and what stands in it."""

    key: str
    digest: str
    path: str
    width: int
    height: int
    size: int
    modified_ns: int
    facts: Facts

    @property
    def is_as_it_was(self) -> bool:
        """Whether the file is there, and was not changed since it was read."""
        try:
            there = FileEntry.at(path_of(self.key))
        except (OSError, PictureError):  # the latter: it is elsewhere, at an address
            return False
        return (there.size, there.modified_ns) == (self.size, self.modified_ns)

    @property
    def candidate(self) -> Candidate:
        return candidate_of(Contents(self.digest, self.facts), self.facts, [path_of(self.key)], "")

    @property
    def worth(self) -> tuple[int, int, int, int, str]:
        """The most pixels first, then the most said of it, then the most bytes, then the shortest path."""
        return (-self.width * self.height, -len(_said(self.facts)), -self.size, len(self.path), self.path)


def duplicate_groups(library: Library, column: str, memory: Memory, on_event: Listener) -> list[DuplicateGroup]:
    """Return the groups of a library, those that free most first; near ones are found by the vectors of a column.

    `memory` has the looks that were remembered; the other pictures of near pairs are decoded. Raises `LibraryError`.
    """
    vectors = _vectors(library, column)
    files = _files(library)
    representative = {one.digest: one for one in reversed(files)}
    groups = _Groups(representative)
    pairs = [pair for pair in _near_pairs(library, column, vectors, on_event) if {*pair} <= representative.keys()]
    detector = _detector({digest for pair in pairs for digest in pair}, representative, vectors, memory)
    for one, other in pairs:
        if detector.with_each(representative[one].candidate, [representative[other].candidate])[0]:
            groups.join(one, other)
    of_digest: dict[str, list[_File]] = defaultdict(list)
    for file in files:
        of_digest[file.digest].append(file)
    looks = _Looks()
    found = []
    for group in groups.all():
        together = [file for digest in group for file in of_digest[digest]]
        if len(together) > 1 and len(there := [file for file in together if file.is_as_it_was]) > 1:
            found.append(_judged(there, looks))
    return sorted(found, key=lambda group: (-group.bytes_safe, group.copies[0].path))


def _files(library: Library) -> list[_File]:
    with failures(library.location):
        rows = library.dataset.to_table(columns=_COLUMNS, filter=_ON_THIS_MACHINE).sort_by(KEY).to_pylist()
    found = []
    for row in rows:
        try:
            facts = Facts.from_json(row["facts"])
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # `sync` reads its file again
        width, height, size = (row[name] or 0 for name in ("width", "height", "size"))
        found.append(_File(row[KEY], row["digest"], row["path"], width, height, size, row["modified_ns"], facts))
    return found


def _vectors(library: Library, column: str) -> dict[str, Embeddings]:
    with failures(library.location):
        table = library.dataset.to_table(columns=["digest", column], filter=f"{column} IS NOT NULL")
    pairs = zip(table["digest"].to_pylist(), vectors_in(table[column]), strict=True)
    return {digest: vector for digest, vector in pairs if vector is not None}


def _near_pairs(
    library: Library, column: str, vectors: Mapping[str, Embeddings], on_event: Listener
) -> Iterator[tuple[str, str]]:
    digests = sorted(vectors)
    if len(digests) < 2:
        return
    if len(digests) > _ALL_AT_ONCE:
        yield from _pairs_by_index(library, column, digests, vectors, on_event)
        return
    rows = np.array([vectors[digest] for digest in digests], dtype=np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        on_event(SearchProgress("comparing", start, len(rows)))
        cosines = rows[start : start + _ROWS_AT_ONCE] @ rows[start:].T
        for one, other in zip(*np.nonzero(cosines >= _NEAR), strict=True):
            if other > one:
                yield digests[start + one], digests[start + other]


def _pairs_by_index(
    library: Library, column: str, digests: Sequence[str], vectors: Mapping[str, Embeddings], on_event: Listener
) -> Iterator[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    for number, digest in enumerate(digests):
        if number % 256 == 0:
            on_event(SearchProgress("comparing", number, len(digests)))
        with failures(library.location):
            found = nearest_rows(library, column, vectors[digest], _NEIGHBOURS, None, ["digest"])
        for other, distance in zip(found["digest"].to_pylist(), found["_distance"].to_pylist(), strict=True):
            pair = (min(digest, other), max(digest, other))
            if other != digest and 1 - distance >= _NEAR and pair not in seen:
                seen.add(pair)
                yield pair


def _detector(
    digests: set[str], files: Mapping[str, _File], vectors: Mapping[str, Embeddings], memory: Memory
) -> DuplicateDetector:
    detector = DuplicateDetector(max(1, len(digests)))
    candidates = [files[digest].candidate for digest in sorted(digests)]
    known = memory.fingerprints.get_many([one.identity for one in candidates])
    local = LocalFiles()
    for one in candidates:
        fingerprint = known.get(one.identity)
        if fingerprint is None:
            try:
                fingerprint = fingerprint_of(local.picture([one.page_url], 512), one.id.encode())
            except PictureError:
                continue  # it is gone, and the next sync takes it out
        detector.add(one, fingerprint, vectors[one.id])
    return detector


class _Groups:
    """Joins contents to groups."""

    def __init__(self, digests: Mapping[str, object]) -> None:
        self._first = {digest: digest for digest in digests}

    def join(self, one: str, other: str) -> None:
        """Put two into one group."""
        self._first[self._root(other)] = self._root(one)

    def all(self) -> list[list[str]]:
        """The groups, those of one content too."""
        found: dict[str, list[str]] = defaultdict(list)
        for digest in self._first:
            found[self._root(digest)].append(digest)
        return [*found.values()]

    def _root(self, digest: str) -> str:
        while (first := self._first[digest]) != digest:
            self._first[digest] = self._first[first]
            digest = first
        return digest


class _Looks:
    """The pictures of a group, small; each is decoded once."""

    def __init__(self) -> None:
        self._local = LocalFiles()
        self._kept: dict[str, NDArray[np.int16] | None] = {}

    def are_one(self, one: _File, other: _File) -> bool:
        """Whether two show the same, pixel by pixel but for size and loss: not cut, turned, mirrored or recoloured."""
        if min(one.width, one.height, other.width, other.height) < 1:
            return False
        ratio = (one.width * other.height) / (one.height * other.width)
        if not 1 / _ASPECT <= ratio <= _ASPECT:
            return False
        here, there = self._of(one), self._of(other)
        if here is None or there is None:
            return False
        differ = np.abs(here - there)
        return bool(differ.mean() <= _MEAN_DIFFERENCE and np.percentile(differ, 99) <= _MOST_DIFFERENCE)

    def _of(self, file: _File) -> "NDArray[np.int16] | None":
        if file.digest not in self._kept:
            try:
                picture = self._local.picture([file.key], 4 * _SIDE)
            except PictureError:
                self._kept[file.digest] = None
            else:
                small = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
                self._kept[file.digest] = np.asarray(small, dtype=np.int16)
        return self._kept[file.digest]


def _judged(files: Sequence[_File], looks: _Looks) -> DuplicateGroup:
    ordered = sorted(files, key=lambda file: file.worth)
    stay = ordered[:1]
    copies = [_copy(ordered[0], "keep", "the largest" if _is_larger(ordered) else "as good as any of them")]
    for file in ordered[1:]:
        verdict, why = _beside(file, stay, looks)
        copies.append(_copy(file, verdict, why))
        if verdict != "safe":
            stay.append(file)
    return DuplicateGroup(tuple(copies))


def _beside(file: _File, stay: Sequence[_File], looks: _Looks) -> tuple[Verdict, str]:
    """What to do with a file where those that `stay` are there, and why."""
    for other in stay:
        if _are_one_file(file, other):
            return "look", f"another name of {other.path}, such as a link: it takes no space"
        if file.digest == other.digest:
            return "safe", f"the same file as {other.path}, byte for byte"
    lacking: set[str] | None = None
    for other in stay:
        if looks.are_one(file, other):
            lacking = {name for name, _ in _said(file.facts) - _said(other.facts)}
            if not lacking:
                return "safe", f"the same picture as {other.path}, no larger, and it says nothing more"
    if lacking:
        return "look", f"the same picture, but it says what the other does not: {', '.join(sorted(lacking))}"
    return "look", "alike, but cut, turned, of other colours, or of another moment"


def _are_one_file(one: _File, other: _File) -> bool:
    try:
        return path_of(one.key).samefile(path_of(other.key))
    except OSError:  # gone meanwhile
        return False


def _is_larger(ordered: Sequence[_File]) -> bool:
    first, second = next(pairwise(ordered))
    return first.width * first.height > second.width * second.height


def _copy(file: _File, verdict: Verdict, why: str) -> Copy:
    return Copy(file.path, verdict, why, file.width, file.height, file.size)


def _said(facts: Facts) -> set[tuple[str, str]]:
    """What a file says beside its size, which would be lost with it: each with the name of it."""
    said: set[tuple[str, str]] = set()
    for one in fields(facts):
        value = getattr(facts, one.name)
        if one.name not in {"width", "height"} and value is not None:
            several = value if isinstance(value, tuple) else (value,)
            said |= {(one.name, str(each)) for each in several if each or each is False}
    return said
