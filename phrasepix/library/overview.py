"""Overview of a library, for people and programs."""

from pathlib import Path
from typing import Any

from phrasepix.errors import LibraryError
from phrasepix.library.forgetting import seen_by_source
from phrasepix.library.location import Location
from phrasepix.library.room import bytes_below
from phrasepix.library.table import Library
from retriever.folder.names import shown


def overview_of(location: Location) -> dict[str, Any]:
    """Return what `phrasepix library status` says of a library: what is wrong, if it cannot be opened, as `problem`."""
    state: dict[str, Any] = {
        "name": location.name,
        "pictures": 0,
        "folders": [],
        "models": [],
        "seen": {},
        "bytes": 0 if location.is_uri else bytes_below(Path(location.base)),
        "path": location.name if location.is_uri else shown(location.base),
        "problem": "",
    }
    try:
        library = Library.open(location)
        state["pictures"] = library.count()
        state["seen"] = seen_by_source(library)
    except LibraryError as error:
        return state | {"problem": str(error)}
    state["folders"] = [shown(folder) for folder in library.description.folders]
    state["models"] = [encoder.model for encoder in library.description.encoders.values()]
    return state
