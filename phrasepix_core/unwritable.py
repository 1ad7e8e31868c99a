"""Folders in which nothing can be kept: said in one line a process, whatever was to be kept there."""

import errno
import logging
import os
from pathlib import Path

from phrasepix_core.files import TEMPORARY, create, make_folder, reason_near, shown_path, unique

logger = logging.getLogger(__name__)

_FULL = os.strerror(errno.ENOSPC)
_said: dict[Path, object] = {}
"""By the folder what said it first: `setdefault` decides that without a lock, which a fork might find held."""


def why_unwritable(folder: Path) -> str:
    """Why no file can be made in `folder`, which is made if it is missing; empty where one can."""
    try:
        make_folder(folder)
        probe = folder / unique(TEMPORARY, ".tmp")
        create(probe).close()
        probe.unlink()
    except FileExistsError:
        return os.strerror(errno.ENOTDIR)
    except (OSError, ValueError) as error:
        return reason_near(folder, error)
    return ""


def say_unwritable(folder: Path, reason: str, *, variable: str = "PHRASEPIX_CACHE_DIR") -> None:
    """Say on the log that what is made now cannot be kept in `folder`, why, and what to do: once a process.

    Another folder is named by `variable` of the environment.
    """
    mine = object()
    if _said.setdefault(folder.absolute(), mine) is mine:
        logger.warning(
            "nothing new can be kept in %s (%s); going on without, which takes longer. "
            "%s, or name another folder by %s",
            shown_path(folder),
            reason,
            "Make room there" if reason == _FULL else "Let it be written to",
            variable,
        )
