"""Stage 1 over a folder: walks it, and offers what is there."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from phrasepix_core.candidate import Candidate, Rendition
from retriever import directories
from retriever.filtering import RightsFilter
from retriever.filters import NO_FILTERS, Filters
from retriever.folder.as_candidate import candidate_of
from retriever.folder.contents import Contents
from retriever.folder.contents_reader import ContentsReader
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.folder.names import occurs, shown
from retriever.folder.profile import FOLDER
from retriever.folder.raw import readable
from retriever.folder.walk import FileEntry, places
from retriever.profile import SourceProfile
from retriever.source import Notify, SkippedHit, log_notice, log_skip
from retriever.tags import demand_limit, without_controls

_TOLD = frozenset({
    "orientation", "aspect_ratio", "min_width", "min_height", "since", "until", "months", "on_day", "any_tags",
    "all_tags", "no_tags", "creator", "licence",
})  # fmt: skip
"""Filters that a file's own facts answer; one that says nothing of them is left out."""
_TRUSTED = frozenset({"exclude_ai", "safe_search"})
"""Filters that leave out only what they are known not to fit: the pictures are the writer's own."""


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
        with ContentsReader(self._notes, self._skip) as reading:
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
        return readable(places(self.folder, self._skip), self._skip)

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


def _by_content(reading: ContentsReader, found: list[FileEntry]) -> Iterator[tuple[Contents, list[FileEntry]]]:
    """Contents as they come, and the places where each lies, in their order."""
    for alike in _alike(reading, found):
        same: dict[str, tuple[Contents, list[FileEntry]]] = {}
        for place in alike:
            if (contents := reading.contents(place)) is not None:
                same.setdefault(contents.digest, (contents, []))[1].append(place)
        yield from same.values()


def _alike(reading: ContentsReader, found: list[FileEntry]) -> Iterator[list[FileEntry]]:
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
