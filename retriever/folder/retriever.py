"""Stage 1 over a folder: walks it, and offers what is there."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.installing import install_command
from retriever import directories
from retriever.filtering import RightsFilter
from retriever.filters import NO_FILTERS, Filters
from retriever.folder.as_candidate import candidate_of
from retriever.folder.contents import Contents, read_contents, read_head
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.folder.names import occurs, shown
from retriever.folder.profile import FOLDER
from retriever.folder.raw import can_be_read
from retriever.folder.walk import FileEntry, places
from retriever.profile import SourceProfile
from retriever.source import Notify, SkippedHit, log_notice, log_skip
from retriever.tags import demand_limit, without_controls

_TOLD = frozenset({"orientation", "aspect_ratio", "min_width", "min_height", "since", "until", "creator", "licence"})
"""Filters that a file's own facts answer; one that says nothing of them is left out."""
_TRUSTED = frozenset({"exclude_ai", "safe_search"})
"""Filters that leave out only what they are known not to fit: the pictures are the writer's own."""

_COMMIT_AFTER = 64
_COMMIT_AFTER_S = 2.0


class FolderRetriever:
    """Offers the pictures below `folder`, each content once, however often and under whatever name it lies there.

    What is found of a file is noted in `cache_directory` (by default the platform's), and the file read again only when
    it has changed. `on_skip` is told of what cannot be used, `on_notice` what people
    should know of what was found.
    """

    on_disk = True
    """Its pictures are files of this machine, and may be read as such."""

    def __init__(
        self,
        folder: Path,
        *,
        profile: SourceProfile = FOLDER,
        cache_directory: Path | None = None,
        on_skip: Callable[[SkippedHit], None] = log_skip,
        on_notice: Notify = log_notice,
    ) -> None:
        self.folder = folder
        self.profile = profile
        self.on_skip = on_skip
        self.on_notice = on_notice
        self._notes = FileIndex((cache_directory or directories.cache_directory()) / NOTES_FILE)

    @property
    def name(self) -> str:
        """The source's name, the same for every folder: a picture that moves to another is still the same."""
        return self.profile.name

    def unhonoured(self, filters: Filters) -> frozenset[str]:
        """The names of the filters that files cannot be checked against."""
        ignored = {"media_type"} if filters.media_type in {"photo", "video"} else set()
        return filters.wishes() - _TOLD - _TRUSTED - ignored

    def retrieve(
        self, tag: str = "", *, limit: int | None = None, filters: Filters = NO_FILTERS
    ) -> Iterator[Candidate]:
        """Yield up to `limit` candidates (None: all there are), each content once.

        With a `tag`, those whose file name, folders' names or keywords have its words; upper and lower case and accents
        make no difference. They come in the order of their paths; by `filters.order` latest, the last changed first.
        Whether they are photos is not known: of media types only video is told apart, and there are none.
        Raises `WrongParameterError`.
        """
        if limit is not None:
            demand_limit(limit)
        if filters.media_type == "video":
            return iter(())
        return self._candidates(without_controls(tag), limit, filters)

    def file_to_save(self, candidate: Candidate) -> Rendition:
        """The file itself."""
        return candidate.renditions[-1]

    def _candidates(self, tag: str, limit: int | None, filters: Filters) -> Iterator[Candidate]:
        wanted = RightsFilter(self.profile.title, asked=_TRUSTED, told=_TOLD)
        try:
            yield from self._wanted(tag, limit, filters, wanted)
        finally:
            wanted.say_what_is_unknown(self.on_notice)

    def _wanted(self, tag: str, limit: int | None, filters: Filters, wanted: RightsFilter) -> Iterator[Candidate]:
        found = self._places()
        of_any_type = replace(filters, media_type="all")  # a file does not say whether it was photographed or drawn
        if filters.order == "latest":
            found.sort(key=lambda place: place.modified_ns, reverse=True)
        offered = 0
        with _Reading(self._notes, self._skip) as reading:
            for contents, same in _by_content(reading, found):
                if contents.facts is None:
                    for one in same:
                        self._skip(one.path, contents.problem)
                    continue
                texts = (text for one in same for text in self._names(one.path))
                if tag and not occurs(tag, (*texts, *contents.facts.keywords)):
                    continue
                candidate = candidate_of(contents, contents.facts, [one.path for one in same], tag, below=self.folder)
                if wanted.fits(candidate, of_any_type):
                    yield candidate
                    offered += 1
                    if offered == limit:
                        return

    def _places(self) -> list[FileEntry]:
        """The pictures there are; cameras' own files only where they can be read."""
        found = list(places(self.folder, self._skip))
        raw = [place for place in found if place.is_raw]
        if not raw or can_be_read():
            return found
        self._skip(
            raw[0].path,
            f"{len(raw)} files of cameras' own formats are left out, this one first; "
            f"to have them: {install_command('rawpy')}",
        )
        return [place for place in found if not place.is_raw]

    def _names(self, path: Path) -> tuple[str, ...]:
        relative = path.relative_to(self.folder)
        return (*relative.parent.parts, relative.stem)

    def _skip(self, path: Path, reason: str) -> None:
        self.on_skip(SkippedHit(self.name, shown(str(path)), reason))

    def close(self) -> None:
        """Close the notes."""
        self._notes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r})"


class _Reading:
    """Reads what is not noted, and notes it every so many files and seconds."""

    def __init__(self, notes: FileIndex, skip: Callable[[Path, str], None]) -> None:
        self._notes = notes
        self._skip = skip
        self._unnoted: list[tuple[FileEntry, Contents]] = []
        self._noted_at = time.monotonic()

    def contents(self, place: FileEntry) -> Contents | None:
        """What is in a file; None where it cannot be read."""
        if (noted := self._notes.get(place)) is not None:
            return noted
        with self._named(place):
            now = FileEntry.at(place.path)  # what is read now is noted as it is now
            contents = read_contents(now)
            self._unnoted.append((now, contents))
            if len(self._unnoted) >= _COMMIT_AFTER or time.monotonic() > self._noted_at + _COMMIT_AFTER_S:
                self._note()
            return contents
        return None

    def head(self, place: FileEntry) -> str | None:
        """How a file begins; None where it cannot be read."""
        if (noted := self._notes.get(place)) is not None:
            return noted.head
        with self._named(place):
            return read_head(place)
        return None

    @contextmanager
    def _named(self, place: FileEntry) -> Iterator[None]:
        """Name the file where it cannot be read, and go on."""
        try:
            yield
        except OSError as error:
            self._skip(place.path, f"cannot be read: {error.strerror or error}")

    def _note(self) -> None:
        self._notes.put_many(self._unnoted)
        self._unnoted.clear()
        self._noted_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._note()


def _by_content(reading: _Reading, found: list[FileEntry]) -> Iterator[tuple[Contents, list[FileEntry]]]:
    """Contents as they come, and the places where each lies, in their order."""
    for alike in _alike(reading, found):
        same: dict[str, tuple[Contents, list[FileEntry]]] = {}
        for place in alike:
            if (contents := reading.contents(place)) is not None:
                same.setdefault(contents.digest, (contents, []))[1].append(place)
        yield from same.values()


def _alike(reading: _Reading, found: list[FileEntry]) -> Iterator[list[FileEntry]]:
    """Places whose contents may be equal, in the order of the first ones.

    Equal contents are of equal size and begin alike; of the others no more need be read to know that they differ.
    """
    by_size = defaultdict(list)
    for place in found:
        by_size[place.size].append(place)
    by_first: dict[FileEntry, list[FileEntry]] = {}
    for place in found:
        if len(of_size := by_size.pop(place.size, [])) == 1:
            by_first[place] = of_size
        elif of_size:
            by_head = defaultdict(list)
            for one in of_size:
                if (head := reading.head(one)) is not None:
                    by_head[head].append(one)
            by_first |= {alike[0]: alike for alike in by_head.values()}
        if place in by_first:
            yield by_first.pop(place)
