"""A library, opened like any other source."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from phrasepix.library.location import Location
from phrasepix.library.packages import demand_packages
from retriever.folder.profile import FOLDER
from retriever.profile import USUAL_LIMIT, SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening


@dataclass(frozen=True, slots=True)
class LibrarySource:
    """The library of that name, or at that URI."""

    name: str

    @property
    def profile(self) -> SourceProfile:
        """A folder's rules, under the library's name: what is in it are files of folders."""
        title = f"the library {Location.of(self.name).name}"
        return replace(FOLDER, title=title, mention=f"Pictures from {title}", usual_limit=USUAL_LIMIT)

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        """A retriever; offline makes no difference. Raises `NoLibraryError` and `LibraryError`."""
        demand_packages("lance")
        from phrasepix.library.retriever import LibraryRetriever  # brings Lance and Arrow
        from phrasepix.library.table import Library

        return LibraryRetriever(Library.open(Location.of(self.name)), profile=self.profile, on_skip=opening.on_skip)
