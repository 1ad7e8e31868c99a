"""What was saved into a directory and whose it is: credits.json, and CREDITS.md made from it.

A picture is noted before it is put into place: a process that is killed in between leaves the note, and the next one
that opens the directory completes what it says. One process at a time works on a directory.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix.saving.credit_page import with_credits
from phrasepix.saving.entries import CREDITS, DamagedCreditsError, Entry, identity_of, is_entry, read_entries
from phrasepix.saving.names import digest
from phrasepix.saving.part import Part
from phrasepix_core.files import write_atomically
from retriever.candidate import Candidate

logger = logging.getLogger(__name__)

PAGE = "CREDITS.md"
HIDDEN = ".phrasepix"
_PATIENCE_S = 1800
_TEMPORARY = ".????????"  # what `write_atomically` appends while it writes


@contextmanager
def open_ledger(directory: Path) -> "Iterator[Ledger]":
    """The ledger of `directory`, which is made where it is missing; for this process alone while it is open.

    Waits for another process that has it open. Raises `NotWrittenError`.
    """
    from filelock import FileLock, Timeout

    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / f"{HIDDEN}.lock", timeout=_PATIENCE_S)
        lock.acquire()
    except Timeout:
        raise NotWrittenError(f"another process has been saving into {directory} for too long; try again") from None
    except (OSError, NotImplementedError) as error:
        raise NotWrittenError(f"cannot write to {directory}: {getattr(error, 'strerror', None) or error}") from None
    try:
        yield Ledger(directory)
    except OSError as error:
        raise NotWrittenError(f"cannot write to {directory}: {error.strerror or error}") from None
    finally:
        lock.release()


class Ledger:
    """The entries of one directory, all that a kill left out completed. Made by `open_ledger`."""

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
        return next((entry for entry in same if (self.directory / entry["file"]).is_file()), None)

    def is_taken(self, name: str, candidate: Candidate) -> bool:
        """Whether another picture, or a file of the person's own, has that name, in whichever case."""
        files = {path.name.casefold() for path in self.directory.iterdir()}
        noted = {entry["file"].casefold() for entry in self._entries if identity_of(entry) != candidate.identity}
        return name.casefold() in files | noted

    def hidden(self, candidate: Candidate, suffix: str) -> Path:
        """A file beside the pictures that belongs to this one while it is being saved."""
        return self.directory / f"{HIDDEN}-{digest(candidate)}{suffix}"

    def add(self, candidate: Candidate, entry: Entry, file: Path | None) -> None:
        """Move `file`, where one is given, to the name the entry says, and note the entry.

        Raises `NotWrittenError`, or `OSError`.
        """
        note = self.hidden(candidate, ".note")
        if file is not None:
            write_atomically(note, json.dumps(entry))
            file.replace(self.directory / entry["file"])
        self._note(entry)
        self._write()
        note.unlink(missing_ok=True)

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
            if (self.directory / PAGE).exists():  # it will be made anew, without what the damaged file knew
                copy = self.directory / f"CREDITS.before-{stamp}.md"
                write_atomically(copy, (self.directory / PAGE).read_bytes())
                kept = f", and {PAGE} as it was to {copy.name}"
            logger.warning(
                "%s is damaged (%s); it was moved to %s%s, and a new one is begun",
                self.directory / CREDITS, error, aside.name, kept,
            )  # fmt: skip
            return []

    def _complete(self) -> None:
        """Note what was put into place by a process that was killed before it could note it; clear what it left."""
        for pattern in (f"{HIDDEN}-*.whole", *(f".{name}{_TEMPORARY}" for name in (f"{HIDDEN}-*", CREDITS, PAGE))):
            for left in self.directory.glob(pattern):
                left.unlink(missing_ok=True)
        for note in sorted(self.directory.glob(f"{HIDDEN}-*.note")):
            entry = _entry_in(note)
            if entry is not None and _sha256(self.directory / entry["file"]) == entry.get("sha256"):
                self._note(entry)
                self._write()
                Part(note.with_suffix(".part")).discard()
            note.unlink(missing_ok=True)
        if self._entries and self._page() != self._page_there():
            self._write()

    def _write(self) -> None:
        content = {"made_by": "phrasepix", "version": 1, "pictures": self._entries}
        write_atomically(self.directory / CREDITS, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
        write_atomically(self.directory / PAGE, self._page())

    def _page(self) -> bytes:
        return with_credits(self._page_there(), self._entries)

    def _page_there(self) -> bytes:
        try:
            return (self.directory / PAGE).read_bytes()
        except FileNotFoundError:
            return b""


def _entry_in(note: Path) -> Entry | None:
    try:
        entry = json.loads(note.read_bytes())
    except ValueError:
        return None
    usable = is_entry(entry) and os.path.basename(entry["file"]) == entry["file"]  # noqa: PTH119  # as text
    return entry if usable else None


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
