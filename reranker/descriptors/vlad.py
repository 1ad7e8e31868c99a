"""Vectors of locally aggregated descriptors (VLAD): all local features of a picture as one vector.

Jégou et al., Aggregating local descriptors into a compact image representation (CVPR 2010): of the descriptors nearest
to each centre of a codebook, the sum of their differences from it. Here each difference counts by its direction alone
(residual normalisation, Delhumeau et al., 2013) and each centre as much as any other (intra-normalisation, Arandjelović
and Zisserman, 2013).
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

DIRECTORY = Path(__file__).parent / "codebooks"
"""Where the shipped codebooks lie; `python -m training.codebooks` makes them."""


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """`centres` [k, d] among descriptors that are reduced by `mean` [m] and `basis` [m, d]; float32 all.

    `digest` tells it from others.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    centres: NDArray[np.float32]
    digest: str

    @classmethod
    def named(cls, name: str) -> Self:
        """Return a shipped codebook."""
        data = (DIRECTORY / f"{name}.npz").read_bytes()
        with np.load(BytesIO(data)) as file:
            mean, basis, centres = (file[part].astype(np.float32) for part in ("mean", "basis", "centres"))
        digest = hashlib.blake2b(b"".join(part.tobytes() for part in (mean, basis, centres)), digest_size=4)
        return cls(mean, basis, centres, digest.hexdigest())

    @property
    def dimensions(self) -> int:
        """The length of a vector: k · d."""
        return self.centres.size

    def vlad(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vector of descriptors [n, m]: float32 [k · d] of L2 norm 1; zeros where there are none."""
        reduced = (descriptors - self.mean) @ self.basis
        reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-6)
        nearest = np.argmax(reduced @ self.centres.T - (self.centres**2).sum(axis=1) / 2, axis=1)
        away = reduced - self.centres[nearest]
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
        sums = np.zeros(self.centres.shape, dtype=np.float32)
        np.add.at(sums, nearest, away)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        sums /= np.maximum(norms, 1e-6)
        whole = sums.ravel()
        vector: NDArray[np.float32] = whole / max(float(np.linalg.norm(whole)), 1e-6)
        return vector
