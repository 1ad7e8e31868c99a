"""What was saved into a directory and whose it is: credits.json, and CREDITS.md made from it.

A picture is noted before it is put into place: a process that is killed in between leaves the note, and the next one
that opens the directory completes what it says. One process at a time works on a directory.

The directory may come from elsewhere, and others may write to it: what lies there is read only where it is a regular
file of a sane size, and files of ours are taken up again, or removed, only where they are the current user's.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix.saving.credits_markdown import with_credits
from phrasepix.saving.entries import (
    CREDITS,
    DamagedCreditsError,
    Entry,
    identity_of,
    is_entry,
    read_entries,
    safe_name,
)
from phrasepix.saving.filenames import digest
from phrasepix.saving.lock import locked
from phrasepix.saving.partial_download import PartialDownload
from phrasepix_core.candidate import Candidate
from phrasepix_core.files import (
    is_own,
    is_there,
    make_folder,
    open_own,
    open_regular,
    read_bounded,
    reason_of,
    shown_path,
    unique,
    write_atomically,
)
from phrasepix_core.text import caseless

logger = logging.getLogger(__name__)

PAGE = "CREDITS.md"
HIDDEN = ".phrasepix"
LOCK = f"{HIDDEN}.lock"
_TEMPORARY = f"{HIDDEN}-ledger-"
_LEFT_BY_A_KILL = re.compile(
    rf"{re.escape(_TEMPORARY)}[0-9a-f]{{16}}\.tmp|{re.escape(HIDDEN)}-[0-9a-f]{{8}}(?:-[0-9a-f]{{16}})?\.(whole|note)"
)
_LARGEST_PAGE = 16 << 20
_LARGEST_NOTE = 1 << 20


@contextmanager
def open_credits_file(directory: Path, *, patience_s: float = 120.0) -> "Iterator[CreditsFile]":
    """The credits file of `directory`, which is made where it is missing; for this process alone while it is open.

    Waits up to `patience_s` seconds for another process that has it open. Raises `FolderBusyError` after that, and
    `NotWrittenError`.
    """
    where = shown_path(directory)
    try:
        make_folder(directory)
    except (OSError, ValueError) as error:  # a name with a NUL
        raise NotWrittenError(f"cannot write to {where}: {_why_no_directory(directory, error)}") from None
    with locked(directory / LOCK, patience_s=patience_s):
        try:
            yield CreditsFile(directory)
        except OSError as error:
            raise NotWrittenError(f"cannot write to {where}: {reason_of(error)}") from None


def _why_no_directory(directory: Path, error: Exception) -> str:
    if directory.is_symlink() and not is_there(directory):
        return "it is a link that leads nowhere"
    return "it is a file" if directory.is_file() else reason_of(error)


class CreditsFile:
    """The entries of one directory, all that a kill left out completed. Made by `open_credits_file`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._entries = self._read()
        self._complete()

    def of(self, candidate: Candidate) -> Entry | None:
        """What was noted of this picture."""
        return next((entry for entry in self._entries if identity_of(entry) == candidate.identity), None)

    def with_download(self, sha256: str) -> Entry | None:
        """The saved picture whose file, as it was downloaded, had this hash, and which is still there."""
        same = (entry for entry in self._entries if entry.get("download_sha256") == sha256)
        return next((entry for entry in same if self.is_there(entry)), None)

    def is_there(self, entry: Entry) -> bool:
        """Whether the file of a saved picture still lies in the directory."""
        return (self.directory / str(entry["file"])).is_file()

    def is_taken(self, name: str, candidate: Candidate) -> bool:
        """Whether another picture, or a file of the person's own, has that name.

        Names that differ in case, or in how Unicode composes their letters, are one: to some file systems they are.
        """
        files = {caseless(path.name) for path in self.directory.iterdir()}
        noted = {caseless(entry["file"]) for entry in self._entries if identity_of(entry) != candidate.identity}
        return caseless(name) in files | noted

    def part(self, candidate: Candidate) -> PartialDownload:
        """What was begun of this picture's file, or a new one."""
        return PartialDownload.named(self.directory, _stem(candidate.identity))

    def hidden(self, candidate: Candidate, suffix: str) -> Path:
        """A name for a file beside the pictures that belongs to this one while it is being saved; new each time."""
        return self.directory / unique(f"{_stem(candidate.identity)}-", suffix)

    def add(self, candidate: Candidate, entry: Entry, file: Path | None) -> None:
        """Move `file`, where one is given, to the name the entry says, and note the entry.

        Raises `NotWrittenError`, or `OSError`.
        """
        note = self.hidden(candidate, ".note")
        if file is not None:
            self._put(note.name, json.dumps(entry))
            file.replace(self.directory / entry["file"])
        self._note(entry)
        self._write()
        note.unlink(missing_ok=True)

    def remove(self, candidate: Candidate) -> None:
        """Forget the entry of a picture; its file is the caller's to remove. Raises `NotWrittenError`."""
        self._entries = [entry for entry in self._entries if identity_of(entry) != candidate.identity]
        self._write()

    def _note(self, entry: Entry) -> None:
        self._entries = [one for one in self._entries if identity_of(one) != identity_of(entry)] + [entry]

    def _read(self) -> list[Entry]:
        try:
            return read_entries(self.directory)
        except DamagedCreditsError as error:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            aside = self.directory / f"credits.damaged-{stamp}.json"
            (self.directory / CREDITS).rename(aside)
            kept = ""
            if page := self._page_there():  # it will be made anew, without what the damaged file knew
                copy = self._put(f"CREDITS.before-{stamp}.md", page)
                kept = f", and {PAGE} as it was to {copy.name}"
            logger.warning(
                "%s is damaged (%s); it was moved to %s%s, and a new one is begun",
                self.directory / CREDITS, error, aside.name, kept,
            )  # fmt: skip
            return []
        except OSError as error:
            raise NotWrittenError(f"cannot read {self.directory / CREDITS}: {reason_of(error)}") from None

    def _complete(self) -> None:
        """Note what was put into place by a process that was killed before it could note it; clear what it left."""
        left = [path for path in self.directory.iterdir() if _LEFT_BY_A_KILL.fullmatch(path.name) and is_own(path)]
        for path in sorted(left):
            entry = _entry_in(path) if path.suffix == ".note" else None
            if entry is not None and _sha256(self.directory / entry["file"]) == entry.get("sha256"):
                self._note(entry)
                self._write()
                PartialDownload.named(self.directory, _stem(identity_of(entry))).discard()
            path.unlink(missing_ok=True)
        if self._entries and self._page() != self._page_there():
            self._write()

    def _write(self) -> None:
        content = {"made_by": "phrasepix", "version": 1, "pictures": self._entries}
        self._put(CREDITS, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
        self._put(PAGE, self._page())

    def _put(self, name: str, content: str | bytes) -> Path:
        """Write a file of the directory; a link there is followed to a file of the same kind only.

        A folder from elsewhere may have links of any name to files that matter.
        """
        path = self.directory / name
        if path.is_symlink() and (leads_to := path.resolve()).suffix.lower() != path.suffix:
            raise NotWrittenError(f"{path} is a link to {leads_to}, which is no {path.suffix} file; it is not followed")
        return write_atomically(path, content, temporary=_TEMPORARY)

    def _page(self) -> bytes:
        return with_credits(self._page_there(), self._entries)

    def _page_there(self) -> bytes:
        page = self.directory / PAGE
        try:
            return read_bounded(page, _LARGEST_PAGE)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise NotWrittenError(f"cannot read {page}: {reason_of(error)}") from None


def _stem(identity: tuple[str, str]) -> str:
    return f"{HIDDEN}-{digest(identity)}"


def _entry_in(note: Path) -> Entry | None:
    try:
        with open_own(note) as file:
            entry = json.loads(file.read(_LARGEST_NOTE))
    except (OSError, ValueError, RecursionError):
        return None
    return entry if is_entry(entry) and safe_name(entry["file"]) == entry["file"] else None


def _sha256(path: Path) -> str | None:
    with suppress(OSError), open_regular(path) as file:
        return file_digest(file, "sha256").hexdigest()
    return None
