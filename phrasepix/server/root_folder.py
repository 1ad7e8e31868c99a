"""The folder below which clients may read and write."""

from pathlib import Path

from phrasepix.server.problems import OutsideRootError
from phrasepix_core.files import shown_path


class RootFolder:
    """The folder at `path`, below which every path must lie that comes by HTTP, its links resolved."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()

    def below(self, said: str) -> Path:
        """Return the path that a client says, relative to the root or absolute, its links resolved.

        Raises `OutsideRootError` if it is not below the root; nothing is read to tell.
        """
        try:
            path = (self.path / said).resolve()
        except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
            path = None
        if path is None or not path.is_relative_to(self.path):
            raise OutsideRootError(
                f"{shown_path(said)!r} is not below {shown_path(self.path)}, the only folder that this server reads "
                "and writes; give a path relative to that"
            )
        return path

    def relative(self, path: Path) -> str:
        """Return a path below the root as clients say it."""
        return path.relative_to(self.path).as_posix()
