"""Cases of which the first stand for the others in a run of every day."""

from collections.abc import Iterable
from typing import Any

import pytest


def first_often(count: int, cases: Iterable[Any]) -> list[Any]:
    """The cases of a parametrised test, of which only the first are not marked as slow; a tuple has several values."""
    spread = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=() if place < count else pytest.mark.slow) for place, case in enumerate(spread)]
