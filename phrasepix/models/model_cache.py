"""A cache of loaded models: each is loaded by one thread, whoever else waits for it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from phrasepix_core.forking import reset_in_children
from phrasepix_core.turns import waits

Model = TypeVar("Model")

_inherited: list[object] = []
"""What a child process inherited: never released, for the threads that would end with it do not exist here."""


@dataclass(slots=True)
class _Loading(Generic[Model]):
    """A model that a thread is loading: `done` is set once there is a `model`, an `error` or neither."""

    terms: Hashable
    done: threading.Event = field(default_factory=threading.Event)
    model: Model | None = None
    error: Exception | None = None


class ModelCache(Generic[Model]):
    """At most `most` loaded models; each is loaded by one thread, however many ask for it at once.

    The least recently used is dropped first; whoever still uses a dropped model keeps it until done. Thread-safe. A
    forked child process begins with an empty cache.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begin()
        reset_in_children(self)

    def get(self, key: Hashable, load: Callable[[], Model], *, terms: Hashable = None) -> Model:
        """Return the model of `key`; `load` it if it is not here and no other thread is loading it.

        Whoever waits for another thread's attempt shares its error if both have the same `terms` (such as: online),
        else tries as well. Raises what `load` raises.
        """
        while True:
            with self._lock:
                if key in self._loaded:
                    self._loaded.move_to_end(key)
                    self._used_at[key] = time.monotonic()
                    return self._loaded[key]
                other = self._loading.get(key)
                if other is None:
                    mine = self._loading[key] = _Loading(terms)
                    break
            with waits():
                other.done.wait()
            if other.model is not None:
                return other.model
            if other.error is not None and other.terms == terms:
                raise other.error
        with waits():
            return self._load(key, load, mine)

    def _load(self, key: Hashable, load: Callable[[], Model], loading: _Loading[Model]) -> Model:
        try:
            loading.model = model = load()
        except Exception as error:
            loading.error = error
            raise
        finally:  # an interrupted attempt leaves neither: those who wait try themselves
            with self._lock:
                if loading.model is not None:
                    self._loaded[key] = loading.model
                    self._used_at[key] = time.monotonic()
                    while len(self._loaded) > self._most:
                        self._drop(next(iter(self._loaded)))
                self._loading.pop(key, None)
            loading.done.set()
        return model

    def has(self, key: Hashable) -> bool:
        """Return whether the model of `key` is loaded."""
        with self._lock:
            return key in self._loaded

    def drop_unused(self, seconds: float) -> None:
        """Drop the models that nobody asked for in so many seconds."""
        with self._lock:
            latest = time.monotonic() - seconds
            for key in [key for key, used_at in self._used_at.items() if used_at <= latest]:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        del self._loaded[key], self._used_at[key]

    def reset_after_fork(self) -> None:
        """Forget all that was inherited."""
        _inherited.append((self._loaded, self._loading))
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._loaded: OrderedDict[Hashable, Model] = OrderedDict()
        self._used_at: dict[Hashable, float] = {}
        self._loading: dict[Hashable, _Loading[Model]] = {}
