"""An exported text tower: a few texts by NumPy, many by OpenVINO."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reranker.engine.graph_file import UnknownGraphError
from reranker.engine.numpy_tower import NumpyTower
from reranker.engine.tower import Exported, Renew, Tower

logger = logging.getLogger(__name__)

_FEW_CALLS = 4
"""So many calls take NumPy about as long as OpenVINO takes to be loaded, and to run the tower for the first time."""
_FEW_TOKENS = 64
"""Of all texts of a call: eight short ones. From there on it is the arithmetic that takes the time."""


class CpuTextTower:
    """The text tower in `file` of `exported`: its first few calls are run by NumPy, in f32, the others by OpenVINO.

    `renew` exports it again where it is gone.

    A command that asks one phrase over remembered pictures never loads OpenVINO. At the precision bf16 the two differ
    as that differs from f32, which `benchmarks.engine_fidelity` measures.
    """

    def __init__(self, exported: Exported, file: Path, precision: str, renew: Renew | None = None) -> None:
        self._tower = Tower(exported, file, precision, renew)
        self._numpy = NumpyTower(file)
        self._calls_left = _FEW_CALLS
        self._is_known = True

    def release(self) -> None:
        """Give its memory back, until it is called again; the next few calls are NumPy's again."""
        self._tower.release()
        self._numpy.release()
        self._calls_left = _FEW_CALLS

    def __call__(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """What it makes of tokens [n, length]: float32 [n, dimensions]. Raises as `Tower`."""
        if self._is_known and self._calls_left and tokens.size <= _FEW_TOKENS:
            self._calls_left -= 1
            try:
                return self._numpy(tokens)
            except (UnknownGraphError, OSError) as error:  # if its file is damaged, OpenVINO sees to that
                logger.debug("OpenVINO runs the text tower from the first text on: %s", error)
                self._is_known = False
        self._numpy.release()
        return self._tower(tokens)
