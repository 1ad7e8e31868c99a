"""A download that is not whole yet."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from phrasepix_core.files import append_to_own, create, is_own, open_own, unique

_LARGEST_NOTE = 1 << 16


@dataclass(frozen=True, slots=True)
class PartialDownload:
    """A download's file while it is not whole, and beside it what is known of the whole.

    Only files of the current user's are taken up, and no link is followed: others may be able to write there too.
    """

    path: Path

    @classmethod
    def named(cls, directory: Path, stem: str) -> "PartialDownload":
        """What was begun in `directory` under a name that begins with `stem`; else a new one, under a name like that.

        The name of a new one cannot be guessed: nobody can put anything in its place.
        """
        begun = sorted(path for path in directory.glob(f"{stem}*.part") if is_own(path))
        return cls(begun[0] if begun else directory / unique(f"{stem}-", ".part"))

    @property
    def about(self) -> Path:
        """The file that says how the whole is recognised."""
        return self.path.with_suffix(".about")

    def size(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if is_own(self.path) else 0

    def remembered(self) -> dict[str, Any]:
        """What was noted of the whole; empty where nothing usable was."""
        try:
            with open_own(self.about) as file:
                about = json.loads(file.read(_LARGEST_NOTE))
        except (OSError, ValueError, RecursionError):
            return {}
        return about if isinstance(about, dict) else {}

    def remember(self, about: dict[str, Any]) -> None:
        """Note what is known of the whole."""
        self.about.unlink(missing_ok=True)
        with create(self.about) as file:
            file.write(json.dumps(about).encode())

    def begin(self) -> BinaryIO:
        """Open an empty file in place of what is here. Raises `OSError`."""
        self.path.unlink(missing_ok=True)
        return create(self.path)

    def go_on(self) -> BinaryIO:
        """Open the file for writing behind what is here. Raises `OSError`."""
        return append_to_own(self.path)

    def discard(self) -> None:
        """Remove both files."""
        for path in (self.path, self.about):
            with suppress(FileNotFoundError, PermissionError):  # what others put there may not be removed
                path.unlink()
