"""A property that is computed once an object, by one thread.

That of functools has in Python 3.11 one lock for all objects of a class, so that one that takes long, such as loading a
model, holds up all others (https://docs.python.org/3/library/functools.html#functools.cached_property).
"""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class cached_property(Generic[Value]):  # noqa: N801  # as that of functools is called
    """Threads that ask one object at the same time wait for the first; those that ask others do not."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        own, ours = vars(instance), f"{self._name} is being computed"
        lock = f"{ours} by {os.getpid()}"  # a forked child has none of the threads that it would wait for
        with own.setdefault(lock, RLock()):
            try:
                if self._name not in own:
                    own[self._name] = self._compute(instance)
                value: Value = own[self._name]
            finally:
                for key in [key for key in list(own) if key.startswith(ours)]:
                    own.pop(key, None)  # the object may be copied or pickled
        return value
