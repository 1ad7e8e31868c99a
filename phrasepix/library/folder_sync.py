"""Keeping a library in step with a folder: what is new, changed, moved and gone, committed batch by batch."""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from phrasepix.library.object_prefix import Place
from phrasepix.library.schema import Row, key_of
from phrasepix.library.table import FileState, Library
from phrasepix.library.videos import clip_digest_of, clip_of, file_key_of, rows_of, without_live_videos
from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.installing import install_command
from reranker.clip_reranker import ClipReranker
from reranker.errors import PictureError
from reranker.memory import EncodedPicture, Memory
from reranker.pictures import PictureLoader
from reranker.pictures.local_files import path_of
from reranker.pictures.videos import can_be_read as videos_can_be_read
from retriever.folder.as_candidate import candidate_of
from retriever.folder.contents_reader import ContentsReader
from retriever.folder.file_index import FileIndex
from retriever.folder.names import shown
from retriever.folder.raw import readable
from retriever.folder.walk import PICTURES, RAW, VIDEOS, FileEntry, places

_COMMIT_AFTER, _COMMIT_AFTER_S = 512, 15.0
"""Rows, and seconds since the last commit: what is lost if the process is killed."""

Skip = Callable[[Place, str], None]
"""Is told of what cannot be used, and why."""

_InHand = dict[int, Row]
"""What is being encoded, by its number."""


@dataclass(slots=True)
class SyncCounts:
    """What a folder's sync has done: rows `written` (new, changed or moved files) and `deleted`, files `unchanged`
    and `skipped`; how many pictures were `encoded`."""

    written: int = 0
    encoded: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: int = 0
    kept_without_files: int = 0
    """Rows of folders that hold nothing now: their drives may be elsewhere."""

    def beside(self, other: "SyncCounts") -> "SyncCounts":
        """Return those of the same folder's files, which `other` has gone through for another model."""
        return SyncCounts(
            written=max(self.written, other.written),
            encoded=self.encoded + other.encoded,
            deleted=self.deleted + other.deleted,
            unchanged=min(self.unchanged, other.unchanged),
            skipped=max(self.skipped, other.skipped),
            kept_without_files=max(self.kept_without_files, other.kept_without_files),
        )

    def add(self, other: "SyncCounts") -> None:
        """Add those of another folder."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Difference:
    """How a folder differs from what a library knows of it."""

    to_read: list[FileEntry]
    gone: set[str]
    unchanged: int
    emptied: dict[str, Path]
    """Keys of files that are missing from folders that hold nothing now, and those folders."""


def difference_of(folder: Path, known: dict[str, FileState], skip: Skip) -> Difference:
    """Compare the files below `folder` by size and time of change, theirs and their sidecars', with what is `known`.

    None is opened.

    Where a folder cannot be read, its files are not gone. Nor are they `gone`, but `emptied`, where `folder` has no
    picture any more, or one below it holds nothing at all: its drive may be elsewhere.
    """
    unreadable: list[str] = []

    def on_problem(path: Path, reason: str) -> None:
        unreadable.append(key_of(path))
        skip(path, reason)

    found = places(folder, on_problem, PICTURES | RAW | VIDEOS)
    entries = without_live_videos(readable(found, on_problem))
    if not entries:
        return Difference([], set(), 0, dict.fromkeys(known, folder))
    to_read: list[FileEntry] = []
    gone = set(known)
    videos = [] if videos_can_be_read() else [entry.path for entry in entries if entry.is_video]
    if videos:
        skip(videos[0], f"{len(videos)} videos are left out, this one first; to have them: {install_command('av')}")
    for entry in entries:
        key = key_of(entry.path)
        gone.discard(key)
        if videos and entry.is_video:
            continue  # what is known of it stays
        state = known.get(key)
        if state is None or not state.is_encoded or not _is_of(state, entry):
            to_read.append(entry)
    kept = {key for key in gone if any(key == place or key.startswith(f"{place}/") for place in unreadable)}
    emptied = _emptied(gone - kept)
    return Difference(to_read, gone - kept - emptied.keys(), len(entries) - len(to_read) - len(videos), emptied)


def _is_of(state: FileState, entry: FileEntry) -> bool:
    """Whether a file and what is beside it are as they were."""
    return (state.size, state.modified_ns, state.beside) == (entry.size, entry.modified_ns, entry.beside)


def _emptied(keys: Iterable[str]) -> dict[str, Path]:
    """Of missing files, those above which the nearest folder that is there holds nothing, with that folder."""
    places_of: dict[Path, Path | None] = {}
    found: dict[str, Path] = {}
    for key in keys:
        parent = path_of(key).parent
        if parent not in places_of:
            places_of[parent] = _empty_place(parent)
        if (place := places_of[parent]) is not None:
            found[key] = place
    return found


def _empty_place(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        try:
            with os.scandir(place) as entries:
                return None if any(entries) else place
        except OSError:  # it is gone too
            continue
    return None


class FolderSync:
    """Brings a `library` in step with one `folder`, by vectors of one `column`.

    `load` loads the column's model, when it is needed. What was encoded before, in this library or in a search, is not
    encoded again. `on_skip` is told of files that cannot be used, `on_progress` how many of how many are done. A
    commit has `commit_after` rows or more. Whoever is interrupted keeps what was encoded.
    """

    def __init__(
        self,
        library: Library,
        column: str,
        load: Callable[[], tuple[ClipReranker, Memory]],
        *,
        loader: PictureLoader,
        notes: FileIndex,
        on_skip: Skip,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        commit_after: int = _COMMIT_AFTER,
    ) -> None:
        self._library = library
        self._column = column
        self._load = load
        self._loader = loader
        self._notes = notes
        self._on_skip = on_skip
        self._on_progress = on_progress
        self._commit_after = commit_after
        self._rows: list[Row] = []
        self._committed_at = time.monotonic()

    def run(self, folder: Place) -> SyncCounts:
        """Bring the library in step. Raises `LibraryError`."""
        self._counts = counts = SyncCounts()
        self._folder = folder
        self._known = known = _by_file(self._library.states(folder, self._column))
        difference = difference_of(self._path, known, self._skip)
        counts.unchanged = difference.unchanged
        self._total = len(difference.to_read)
        self._unusable: set[str] = set()
        self._changed_clips: dict[str, str] = {}
        if difference.to_read:
            try:
                self._read(difference.to_read)
            finally:
                self._commit()
            for key, digest in self._changed_clips.items():
                self._library.delete_clip(key, except_of=digest)
        gone = difference.gone | (self._unusable & known.keys())
        if gone:
            self._delete(gone)
        counts.deleted = len(gone)
        if difference.emptied:
            self._keep(difference.emptied)
        return counts

    @property
    def _path(self) -> Path:
        assert isinstance(self._folder, Path)  # noqa: S101  # prefixes have a sync of their own
        return self._folder

    def _keep(self, emptied: dict[str, Path]) -> None:
        """Keep the rows of files that are missing from empty folders, unless the same lies elsewhere in the folder."""
        states = _by_file(self._library.states(self._folder, self._column))
        elsewhere = {state.digest for key, state in states.items() if key not in emptied}
        moved = {key for key in emptied if key in states and states[key].digest in elsewhere}
        if moved:
            self._delete(moved)
            self._counts.deleted += len(moved)
        kept = Counter(place for key, place in emptied.items() if key not in moved)
        self._counts.kept_without_files = kept.total()
        for place, number in kept.items():
            self._on_skip(
                place,
                f"no picture is there now, as if its drive were elsewhere; {number} stay in the library, until "
                "`phrasepix library remove` takes them out",
            )

    def _delete(self, keys: set[str]) -> None:
        self._library.delete(keys)
        for key in sorted(keys):
            if Path(key).suffix.lower() in VIDEOS:
                self._library.delete_clip(key)

    def _all_rows(self, entries: Sequence[Any]) -> Iterator[Row]:
        """The rows of entries, as they are read; those that cannot be used are refused."""
        with ContentsReader(self._notes, self._refuse, self._skip) as reading:
            for entry in entries:
                yield from self._rows_of(entry, reading)

    def _candidate(self, row: Row) -> Candidate:
        return _candidate_of(row)

    def _refuse_row(self, row: Row, reason: str) -> None:
        """Leave out what cannot be encoded; the other frames of a clip may be good."""
        (self._refuse if row.frame_at is None else self._skip)(_file_of(row), reason)

    def _read(self, entries: Sequence[Any]) -> None:
        encoded_before = self._library.digests(self._column)
        in_hand: _InHand = {}
        at_hand: deque[Row] = deque()
        same: deque[Row] = deque()  # as a file that is being encoded

        def candidates() -> Iterator[Candidate]:
            being_encoded: set[str] = set()
            for row in self._all_rows(entries):
                digest = row.contents.digest
                if digest in encoded_before:
                    at_hand.append(row)
                elif digest in being_encoded:
                    same.append(row)
                else:
                    being_encoded.add(digest)
                    in_hand[len(being_encoded) - 1] = row
                    yield self._candidate(row)

        waiting = candidates()
        if (first := next(waiting, None)) is not None:
            self._encode(chain([first], waiting), in_hand, at_hand)
        self._take(at_hand)
        self._commit()
        self._take(same)

    def _rows_of(self, entry: FileEntry, reading: ContentsReader) -> Iterator[Row]:
        """The row of a picture, or those of a video's shots; none for a file that cannot be used."""
        if not entry.is_video:
            contents = reading.contents(entry)
            if contents is not None and contents.facts is not None:
                yield Row(entry, self._folder, contents, contents.facts)
            elif contents is not None:
                self._refuse(entry.path, contents.problem)
            return
        try:
            clip = clip_of(entry)
        except (PictureError, OSError) as error:
            self._refuse(entry.path, getattr(error, "strerror", None) or str(error))
            return
        before = self._known.get(key_of(entry.path))
        if before is not None and before.digest != clip.digest:
            self._changed_clips[key_of(entry.path)] = clip.digest
        self._total += len(clip.shots.begin_s) - 1
        yield from rows_of(entry, self._path, clip)

    def _encode(self, candidates: Iterator[Candidate], in_hand: _InHand, at_hand: deque[Row]) -> None:
        reranker, memory = self._load()
        with reranker.pool_encoder.encoding(candidates, self._loader, memory) as batches:
            for batch in batches:
                for (number,), _, outcome in batch:
                    row = in_hand.pop(number)
                    if isinstance(outcome, EncodedPicture):
                        self._rows.append(replace(row, vectors={self._column: outcome.embedding}))
                        self._counts.encoded += 1
                    else:
                        self._refuse_row(row, str(outcome))
                self._take(at_hand)
                self._commit_when_due()

    def _take(self, rows: deque[Row]) -> None:
        while rows:
            self._rows.append(rows.popleft())
            if len(self._rows) >= 4 * self._commit_after:
                self._commit()

    def _commit_when_due(self) -> None:
        if len(self._rows) >= self._commit_after or time.monotonic() > self._committed_at + _COMMIT_AFTER_S:
            self._commit()

    def _commit(self) -> None:
        """Write the rows in hand."""
        rows, self._rows = self._rows, []
        self._committed_at = time.monotonic()
        if not rows:
            return
        self._library.upsert(rows)
        self._counts.written += len(rows)
        self._on_progress(self._counts.written + self._counts.skipped, self._total)

    def _refuse(self, path: Path, reason: str) -> None:
        """Leave a file out, and the row of what it was before."""
        self._unusable.add(key_of(path))
        self._skip(path, reason)

    def _skip(self, path: Place, reason: str) -> None:
        self._counts.skipped += 1
        self._on_skip(path, reason)


def _file_of(row: Row) -> Path:
    assert isinstance(row.entry, FileEntry)  # noqa: S101  # pictures of a list are written elsewhere
    return row.entry.path


def _candidate_of(row: Row) -> Candidate:
    """What is encoded for a row; of a video, its frame."""
    below = row.folder if isinstance(row.folder, Path) else None
    candidate = candidate_of(row.contents, row.facts, [_file_of(row)], "", below=below)
    if row.frame_at is None:
        return candidate
    return replace(candidate, renditions=(Rendition(row.key, row.facts.width, row.facts.height),))


def _by_file(states: dict[str, FileState]) -> dict[str, FileState]:
    """What rows say of files, by the files' keys: a video has a row for each shot, and is encoded if all are."""
    found: dict[str, FileState] = {}
    for key, state in states.items():
        if "#" not in key:
            found[key] = state
            continue
        file = file_key_of(key)
        before = found.get(file)
        is_encoded = state.is_encoded and (before is None or before.is_encoded)
        found[file] = replace(state, digest=clip_digest_of(state.digest), is_encoded=is_encoded)
    return found


def in_words(path: Place, reason: str) -> str:
    """Return what is said of a file that is left out."""
    name = shown(str(path))
    return reason if reason.startswith(name) else f"{name}: {reason}"
