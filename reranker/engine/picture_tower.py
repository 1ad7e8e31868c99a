"""An exported image tower with its preprocessing: pictures in, unit rows out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.encoder import Embeddings, unit_rows
from reranker.engine.cpu_facts import computes_bf16
from reranker.engine.own_process import demand_own_process
from reranker.engine.preprocessing import Preprocessing
from reranker.engine.tower import Exported, Renew, Tower
from reranker.threads import cores

_BATCH = 32

_LARGE_TOWER = 20_000_000
"""Parameters from which bf16 is worth its loss: below, converting costs what the products gain."""


def usual_precision(parameters: int, compiled: Path) -> str:
    """The precision of a tower with so many weights: bf16 where the CPU computes in it and the tower gains by it.

    What is known of the CPU is kept where OpenVINO keeps what it `compiled` for it.
    """
    return "bf16" if parameters >= _LARGE_TOWER and computes_bf16(compiled) else "f32"


class PictureTower:
    """The image tower in `file` of `exported`, whose rows are `dimensions` long; loaded when it is used."""

    def __init__(
        self,
        exported: Exported,
        file: Path,
        preprocessing: Preprocessing,
        dimensions: int,
        precision: str,
        renew: Renew | None = None,
    ) -> None:
        self._tower = Tower(exported, file, precision, renew)
        self._preprocessing = preprocessing
        self._dimensions = dimensions
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="prepare-pictures")

    @property
    def threads(self) -> ThreadPoolExecutor:
        """As many as there are cores."""
        return self._threads

    def load(self) -> None:
        """Load it, unless that is done. Raises `ForkedProcessError`."""
        self._tower.load()

    def release(self) -> None:
        """Give its memory back, until it is used again."""
        self._tower.release()

    def prepare(self, picture: Image.Image) -> NDArray[np.float32]:
        """What the tower takes of an RGB picture: float32 [3, height, width]."""
        return self._preprocessing(picture)

    def encode(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row an RGB picture: float32 [len(pictures), dimensions]. They are prepared on all cores."""
        demand_own_process("OpenVINO")
        batches = (pictures[first : first + _BATCH] for first in range(0, len(pictures), _BATCH))
        rows = [self.encode_prepared(list(self._threads.map(self.prepare, batch))) for batch in batches]
        return self._stacked(rows)

    def encode_prepared(self, prepared: Sequence[NDArray[np.float32]]) -> Embeddings:
        """One unit row a prepared picture: float32 [len(prepared), dimensions]."""
        batches = (prepared[first : first + _BATCH] for first in range(0, len(prepared), _BATCH))
        return self._stacked([unit_rows(self._tower(np.stack(batch))) for batch in batches])

    def _stacked(self, rows: list[Embeddings]) -> Embeddings:
        return np.concatenate(rows) if rows else np.empty((0, self._dimensions), dtype=np.float32)
