"""What is a number, of whatever kind: NumPy's as well as Python's; True and False are none.

By the methods that `typing.SupportsFloat` and `SupportsIndex` ask for, whose `isinstance` takes ten times as long in
Python 3.11.
"""

from typing import SupportsFloat, SupportsIndex, TypeGuard


def is_number(value: object) -> TypeGuard[SupportsFloat]:
    """Whether `float` makes a number of it, and it is no text."""
    return hasattr(type(value), "__float__") and not isinstance(value, bool)


def is_whole_number(value: object) -> TypeGuard[SupportsIndex]:
    """Whether `operator.index` makes a whole number of it."""
    return hasattr(type(value), "__index__") and not isinstance(value, bool)
