"""The picture files below a folder, found by their names; no file is opened."""

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from retriever.folder.sidecars import SIDECARS, Sidecar, SidecarNames, modified_ns, standing_beside

PICTURES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif"}
)
# fmt: off
RAW = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw",
    ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
})
# fmt: on
"""Cameras' own formats."""

VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".3gp"})
"""What libraries take frames of."""

LARGEST_FILE_BYTES = 2 << 30
"""Larger files are left out and named: each is read whole, and one of 40 GB may take a few blocks of the disk."""

_NOT_FOR_PEOPLE = frozenset(
    {"@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "__macosx", "lost+found"}
)
"""Folders that systems make for themselves (in lower case); those whose name begins with a dot go without saying."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A picture file as it was found, and what is beside it.

    `modified_ns` is in nanoseconds of the epoch, `size` in bytes.
    """

    path: Path
    size: int
    modified_ns: int
    inode: int
    sidecars: tuple[Sidecar, ...] = ()

    @property
    def is_raw(self) -> bool:
        """Whether it is of a camera's own format."""
        return self.path.suffix.lower() in RAW

    @property
    def beside(self) -> str:
        """The state of the sidecars: another one where one came, went or changed; empty if there are none."""
        if not self.sidecars:
            return ""
        said = [(os.fsencode(one.path.name), one.size, one.modified_ns) for one in self.sidecars]
        return blake2b(repr(said).encode(), digest_size=8).hexdigest()

    @property
    def is_video(self) -> bool:
        """Whether it is called as videos are."""
        return self.path.suffix.lower() in VIDEOS

    @classmethod
    def at(cls, path: Path) -> "FileEntry":
        """What is there now, without sidecars. Raises `OSError`."""
        return cls._of(path, path.stat())

    def now(self) -> "FileEntry":
        """What is there now, with what is left of its sidecars. Raises `OSError`."""
        names = [one.path.name for one in self.sidecars]
        return self._of(self.path, self.path.stat(), tuple(standing_beside(self.path.parent, names)))

    @classmethod
    def _of(cls, path: Path, found: os.stat_result, sidecars: tuple[Sidecar, ...] = ()) -> "FileEntry":
        return cls(path, found.st_size, modified_ns(found), found.st_ino, sidecars)


Problem = Callable[[Path, str], None]
"""Is told of what cannot be used, and why."""


def places(root: Path, on_problem: Problem, kinds: Collection[str] = PICTURES | RAW) -> Iterator[FileEntry]:
    """The files below `root` whose names end as one of `kinds`, folder by folder, in the order of their names.

    Hidden files and folders are left out, and folders that systems make for themselves. A link counts as a further
    place of a file that lies below `root` too; those that lead elsewhere are left out and named once. What is neither
    a file nor a folder is never opened.
    """
    inside = os.path.realpath(root)
    leading_out: list[Path] = []
    seen: set[tuple[int, int]] = set()  # a folder may be mounted below itself
    folders = [root]
    while folders:
        folder = folders.pop()
        below: list[Path] = []
        entries = _entries(folder, seen, on_problem)
        sidecars = _sidecar_names(entries)
        for entry in entries:
            path = folder / entry.name
            try:
                if entry.is_symlink():
                    if not _is_below(os.path.realpath(path), inside):
                        if _is_of_use(path):
                            leading_out.append(path)
                        continue
                    if path.is_dir():
                        continue  # it comes by itself
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name.lower() not in _NOT_FOR_PEOPLE:
                        below.append(path)
                    continue
                if path.suffix.lower() in kinds:
                    yield _file(path, sidecars)
            except OSError as error:
                on_problem(path, f"cannot be read: {error.strerror or error}")
            except _NoPictureFileError as error:
                on_problem(path, str(error))
        folders += reversed(below)
    if leading_out:
        on_problem(
            leading_out[0],
            f"{len(leading_out)} links lead out of the folder, this one first, and are not followed; "
            "name what they lead to as a source of its own",
        )


class _NoPictureFileError(Exception):
    """What has a picture's name is no file that could hold one."""


def _entries(folder: Path, seen: set[tuple[int, int]], on_problem: Problem) -> list[os.DirEntry[str]]:
    """What lies in a folder and is not hidden, by name; nothing where it was seen before or cannot be read."""
    try:
        found = folder.stat()
        if (found.st_dev, found.st_ino) in seen:
            return []
        seen.add((found.st_dev, found.st_ino))
        with os.scandir(folder) as entries:
            return sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError as error:
        on_problem(folder, f"the folder cannot be read: {error.strerror or error}")
        return []


def _sidecar_names(entries: Iterable[os.DirEntry[str]]) -> SidecarNames:
    """Those of files that lie here: a link may lead anywhere."""
    found = []
    for entry in entries:
        if entry.name.lower().endswith(SIDECARS):
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    found.append(entry.name)
    return SidecarNames(found)


def _file(path: Path, sidecars: SidecarNames) -> FileEntry:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise _NoPictureFileError("is neither a file nor a folder")
    if not found.st_size:
        raise _NoPictureFileError("the file is empty")
    if found.st_size > LARGEST_FILE_BYTES and path.suffix.lower() not in VIDEOS:
        raise _NoPictureFileError(too_large(found.st_size))
    return FileEntry._of(path, found, tuple(standing_beside(path.parent, sidecars.of(path.name))))


def too_large(size: int) -> str:
    """What is wrong with a file of `size` bytes."""
    return f"the file has {size / (1 << 30):.1f} GiB; at most {LARGEST_FILE_BYTES >> 30} GiB are read"


def _is_below(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _is_of_use(link: Path) -> bool:
    """Whether a folder or a picture is missed by not following the link."""
    return link.is_dir() or (link.suffix.lower() in PICTURES | RAW and link.is_file())
