"""Taking back a save: the files it made and their credit."""

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix.saving.credits_file import open_credits_file
from phrasepix.saving.save import Saved, SavedPicture
from phrasepix_core.files import open_regular, reason_of, shown_path


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of taking back a save."""

    removed: tuple[SavedPicture, ...] = ()
    """Those whose file and credit are gone."""
    kept: tuple[SavedPicture, ...] = ()
    """Those whose file is another one by now: somebody has worked on it, or saved it again."""


def undo_save(saved: Saved, *, lock_patience_s: float = 120.0) -> Undone:
    """Remove the pictures that a save has brought, with their credit; what was there before it stays.

    A file that was changed since is kept, with its credit. Raises `NotWrittenError` if nothing can be removed.
    """
    new = [picture for picture in saved.pictures if picture.is_new]
    removed: list[SavedPicture] = []
    with open_credits_file(saved.directory, patience_s=lock_patience_s) as credits_file:
        for picture in new:
            entry = credits_file.of(picture.match.candidate)
            if entry is None or entry["file"] != picture.path.name:
                continue
            try:
                if picture.path.exists() and entry.get("sha256") != _sha256(picture.path):
                    continue
                picture.path.unlink(missing_ok=True)  # first: no file is ever there without its credit
            except OSError as error:
                raise NotWrittenError(f"{shown_path(picture.path)} cannot be removed: {reason_of(error)}") from None
            credits_file.remove(picture.match.candidate)
            removed.append(picture)
    return Undone(tuple(removed), tuple(picture for picture in new if picture not in removed))


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return file_digest(file, "sha256").hexdigest()
