"""Projects that a program names: folders below a root."""

from pathlib import Path

from phrasepix.errors import OutsideRootError
from phrasepix.saving.credits_file import PAGE
from phrasepix.saving.entries import CREDITS
from phrasepix_core.root import Root


def confined_project(given: str, root: Root | None) -> Path:
    """Return the folder below the root that is named, which need not exist.

    Its credits are below the root, too: a link of theirs that leads out is refused. Raises `OutsideRootError`.
    """
    if root is None:
        raise OutsideRootError("no folder can be named: the server was started without a root")
    folder = root.path(given)
    for name in (CREDITS, PAGE):
        root.path(folder / name)
    return folder
