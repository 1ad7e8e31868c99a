"""A directory that paths named by others must lie below."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from phrasepix_core.errors import OutsideRootError, WrongValueError
from phrasepix_core.files import shown_path


@dataclass(frozen=True, slots=True)
class Root:
    """A directory that paths named by programs must lie below, links resolved.

    What lies there may change: a path is checked when it is asked for. Nobody but the person and what they started
    makes links there; whoever lets strangers write below a root cannot rely on it.
    """

    directory: Path
    """Absolute, its links resolved."""

    @classmethod
    def at(cls, directory: str | Path) -> Self:
        """Return the root at `directory`, with `~` replaced. Raises `WrongValueError` if it is no directory."""
        try:
            place = Path(directory).expanduser().resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # RuntimeError: a home nobody has, or links in a circle
            place = None
        if place is None or not place.is_dir():
            raise WrongValueError(f"the root {shown_path(directory)} is no folder; make it first, or name another")
        return cls(place)

    def path(self, given: str | Path) -> Path:
        """Return the absolute path that `given` names, relative to the root or absolute; it need not exist.

        Links are resolved, and `~` is a name like any other. Raises `OutsideRootError`.
        """
        try:
            place = (self.directory / given).resolve()
            place.exists()  # which raises for a name that is too long
        except (OSError, ValueError, RuntimeError):  # a name too long or with a NUL; links in a circle
            raise OutsideRootError(
                f"{shown_path(given)} is no path that can be used; name one below the root"
            ) from None
        if not place.is_relative_to(self.directory):
            raise OutsideRootError(
                f"{shown_path(given)} is not below the root given at start; name a path relative to the root"
            )
        return place

    def relative(self, path: Path) -> str:
        """Return a path below the root as people may see it: relative, with / between its parts; the root is “.”."""
        return shown_path(Path(os.path.relpath(path, self.directory)).as_posix())
