"""Sources that a program names: by their names, or folders below a root."""

from phrasepix.errors import UnknownSourceError
from phrasepix.sources.registry import BUILT_IN, source_names
from phrasepix_core.root import Root

_FOLDER = "folder:"
_MARKS_OF_A_PATH = "/\\~."


def confined_source(name: str, root: Root | None) -> str:
    """Return the source of a name, or the folder below the root that it says; without a root there are no folders.

    Raises `UnknownSourceError` and `OutsideRootError`.
    """
    if name in BUILT_IN or name in (names := source_names()):
        return name
    if root is None:
        raise UnknownSourceError.not_among("source", name, names)
    said = name.removeprefix(_FOLDER)
    folder = root.path(said)
    if said == name and not any(mark in name for mark in _MARKS_OF_A_PATH) and not folder.is_dir():
        raise UnknownSourceError.not_among("source", name, [*names, "or the path of a folder"])
    return f"{_FOLDER}{folder}"
