"""A folder, opened like any other source."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from phrasepix_core.spelling import meant_by
from retriever.errors import WrongParameterError
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER
from retriever.profile import SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The pictures below the folder at `path`, of which `~` is the person's home."""

    path: str | os.PathLike[str]

    @property
    def profile(self) -> SourceProfile:
        """A folder's rules, under the folder's name."""
        name = shown(Path(self.path).name) or shown(os.fspath(self.path))
        return replace(FOLDER, title=f"the folder {name}", mention=f"Pictures from the folder {name}")

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        """A retriever; offline makes no difference. Raises `WrongParameterError` where there is no such folder."""
        from retriever.folder.retriever import FolderRetriever  # what reads files is of no use to other searches

        return FolderRetriever(
            self._folder(),
            profile=self.profile,
            cache_directory=opening.cache_directory,
            on_skip=opening.on_skip,
            on_notice=opening.on_notice,
        )

    def _folder(self) -> Path:
        where = shown(os.fspath(self.path))
        if not where.strip():
            raise WrongParameterError("the folder is not named; give its path, or . for the one you are in")
        try:
            folder = Path(self.path).expanduser().absolute()
            with os.scandir(folder):
                return folder
        except FileNotFoundError:
            raise WrongParameterError(f"the folder {where} does not exist; {meant_by(Path(self.path))}") from None
        except NotADirectoryError:
            raise WrongParameterError(f"{where} is no folder; name the folder it lies in") from None
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: nobody of that name has a home
            reason = getattr(error, "strerror", None) or error
            raise WrongParameterError(f"the folder {where} cannot be read: {reason}") from None
