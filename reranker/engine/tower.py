"""One exported tower, loaded when it is used."""

import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from phrasepix_core.forking import reset_in_children, set_free
from reranker.engine import runtime
from reranker.engine.bf16_weights import bf16_copy
from reranker.engine.mapped_file import giving_back_pages
from reranker.engine.own_process import demand_own_process
from reranker.errors import ModelError

logger = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")
Renew = Callable[[], object]
"""Exports a model again, to the place where it was. Raises `ModelError`."""

_LOADS = 3
"""How often artefacts are loaded that are gone each time: another process clears the cache again and again."""


class Exported(Protocol):
    """What an export left on disk."""

    @property
    def directory(self) -> Path:
        """Where."""
        ...

    @property
    def compiled(self) -> Path:
        """Where OpenVINO keeps what it compiled."""
        ...

    def set_aside(self) -> None:
        """Have it exported anew by whoever looks next."""
        ...


class Tower:
    """The tower in `file` of `exported`, compiled when it is called; `renew` exports it again where it is gone."""

    def __init__(self, exported: Exported, file: Path, precision: str, renew: Renew | None = None) -> None:
        self._exported = exported
        self._file = file
        self._precision = precision
        self._renew = renew
        self._compiled: Any = None
        self._weights: Path | None = None
        """Until it ran once: the file they are read from."""
        self._lock = Lock()  # a compiled model's own request takes one caller at a time
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent; that the tower does not run here is said by whoever calls it."""
        set_free(self._lock)

    def release(self) -> None:
        """Give its memory back, until it is called again."""
        with self._lock:
            self._compiled = None

    def load(self) -> None:
        """Compile it, unless that is done. Raises `ForkedProcessError`."""
        demand_own_process("OpenVINO")
        with self._lock:
            self._load()

    def __call__(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """What it makes of its only input. Raises `ForkedProcessError`."""
        demand_own_process("OpenVINO")
        with self._lock:
            compiled = self._load()
            with giving_back_pages(self._weights) if self._weights else nullcontext():
                vectors: NDArray[np.float32] = np.array(compiled(inputs)[0], dtype=np.float32)
            self._weights = None
        return vectors

    def _load(self) -> Any:
        if self._compiled is None:
            self._compiled = undamaged(self._exported, self._compile, self._renew)
        return self._compiled

    def _compile(self) -> Any:
        file = self._file_to_load()
        self._weights = file.with_suffix(".bin")
        return runtime.compile_tower(file, self._precision, self._exported.compiled)

    def _file_to_load(self) -> Path:
        if self._precision == "bf16":
            with suppress(OSError):  # without room for a copy the tower itself will do
                return bf16_copy(self._file, self._exported.compiled)
        return self._file


def undamaged(exported: Exported, load: Callable[[], Loaded], renew: Renew | None = None) -> Loaded:
    """What `load` makes of a file; of one that is gone or damaged once it was exported again, by `renew`.

    Raises `ModelError` where that is of no use; without `renew` it sees to its being exported anew by the next search.
    """
    for attempt in range(1, _LOADS + 1):
        try:
            return load()
        except Exception as error:  # openvino and tokenizers raise what their C++ and Rust hand them
            is_gone = not exported.directory.exists()
            exported.set_aside()
            why = " ".join(str(error).split())[:300]
        if renew is None or attempt == _LOADS or (attempt > 1 and not is_gone):
            break
        logger.debug("what is in %s is exported again: %s", exported.directory, why)
        renew()
    raise ModelError(
        f"the exported model in {exported.directory} is damaged ({why}); the next search exports it anew"
    ) from None
