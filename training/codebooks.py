"""Codebooks of local features, learnt on drawn scenes: `python -m training.codebooks`.

Writes `<out>/<kind>.npz` for SIFT, AKAZE and ORB: `mean` [m] and `basis` [m, 32], by which a descriptor is reduced (its
principal components, each divided by the root of its spread), and `centres` [32, 32], found by k-means among those
reduced ones, of L2 norm 1. The scenes are none of the sample's. The same seeds give the same file.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes import full_size, scene_of_seed

DEFAULT_OUT = Path("reranker/descriptors/codebooks")
FIRST_SEED = 10_000_000
"""Of the scenes, which are none of the sample's."""
SCENES = 300
REDUCED = 32
CENTRES = 32
_ROUNDS = 40

Detect = Callable[[NDArray[np.uint8]], NDArray[np.float32] | None]


def _sift(grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    _, found = cv2.SIFT_create(nfeatures=300, contrastThreshold=0.02).detectAndCompute(grey, None)
    if found is None:
        return None
    roots: NDArray[np.float32] = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))
    return roots


def _bits(found: NDArray[np.uint8] | None) -> NDArray[np.float32] | None:
    if found is None:
        return None
    bits = np.unpackbits(found, axis=1).astype(np.float32) * 2 - 1
    return bits / np.float32(np.sqrt(bits.shape[1]))


def _akaze(grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    return _bits(cv2.AKAZE_create(threshold=0.0005).detectAndCompute(grey, None)[1])


def _orb(grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    return _bits(cv2.ORB_create(nfeatures=500, fastThreshold=7).detectAndCompute(grey, None)[1])


KINDS: dict[str, Detect] = {"sift": _sift, "akaze": _akaze, "orb": _orb}


def write_codebook(path: Path, descriptors: NDArray[np.float32], seed: int = 0) -> None:
    """Write `mean`, `basis` and `centres` of descriptors [n, m]."""
    mean = descriptors.mean(axis=0)
    away = descriptors - mean
    spreads, directions = np.linalg.eigh(away.T @ away / len(away))
    spreads, directions = spreads[::-1][:REDUCED], directions[:, ::-1][:, :REDUCED]
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(REDUCED)])
    basis = directions / np.maximum(spreads, 1e-6) ** 0.25
    reduced = away @ basis
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-6)
    np.savez_compressed(
        path,
        mean=mean.astype(np.float16),
        basis=basis.astype(np.float16),
        centres=k_means(reduced, CENTRES, seed).astype(np.float16),
    )


def k_means(rows: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    """Return `count` centres of rows [n, d], by Lloyd's algorithm."""
    dice = np.random.default_rng(seed)
    centres = rows[dice.choice(len(rows), count, replace=False)]
    for _ in range(_ROUNDS):
        nearest = np.argmax(rows @ centres.T - (centres**2).sum(axis=1) / 2, axis=1)
        for number in range(count):
            members = rows[nearest == number]
            centres[number] = members.mean(axis=0) if len(members) else rows[dice.integers(len(rows))]
    return centres


def main() -> None:
    """Learn and write the codebooks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--scenes", type=int, default=SCENES)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in KINDS}
    for seed in range(FIRST_SEED, FIRST_SEED + arguments.scenes):
        grey = np.asarray(full_size(scene_of_seed(seed)).convert("L"))
        for kind, detect in KINDS.items():
            if (descriptors := detect(grey)) is not None:
                found[kind].append(descriptors[:300])
    for kind, several in found.items():
        write_codebook(arguments.out / f"{kind}.npz", np.concatenate(several))


if __name__ == "__main__":
    main()
