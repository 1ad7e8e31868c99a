"""What is meant by a path where nothing is."""

import os
from itertools import islice
from pathlib import Path
from typing import Final

from phrasepix_core.files import at_home, shown_path
from phrasepix_core.messages import nearest

_MOST_NAMES: Final = 2000
"""Names in a folder that a misspelt one is compared with."""


def meant_by(path: Path) -> str:
    """What to say of a path where nothing is: which one beside it may be meant, or to compare how it is spelled.

    A path that ends at a space, as it does without quotes, means what goes on there.
    """
    name = path.name
    try:
        with os.scandir(at_home(path).parent) as entries:
            there = sorted(entry.name for entry in islice(entries, _MOST_NAMES) if not entry.name.startswith("."))
    except (OSError, ValueError):
        there = []
    cut = [one for one in there if name and one.startswith(f"{name} ")]
    if len(cut) == 1:
        return f"did you mean {shown_path(path.with_name(cut[0]))!r}, in quotes?"
    if name and (meant := nearest(name, there)):
        return f"did you mean {shown_path(path.with_name(meant))!r}?"
    return "compare how it is spelled"
