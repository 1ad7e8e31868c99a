"""Layout of embeddings in the plane: what is alike lies together."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings

Points = NDArray[np.float32]
"""float32 [n, 2], each coordinate 0…1."""

_LANDMARKS: Final = 400
"""How many are laid out by each other: the time goes by the square. The others go where those nearest to them are."""
_AXES: Final = 50
_NEIGHBOURS: Final = 30.0
_STEPS, _EXAGGERATED_STEPS = 250, 60
_EXAGGERATION, _RATE = 12.0, 200.0
_NEAREST: Final = 3
_EDGE: Final = 0.02
_TINY: Final = 1e-12


def laid_out(vectors: Embeddings, seed: int = 0) -> Points:
    """Return a place in the plane for each of `vectors`, float32 [n, d]; the same ones have the same places.

    Principal axes first, then t-SNE (van der Maaten and Hinton 2008) of some hundreds of landmarks.
    """
    if len(vectors) < 3:
        return np.repeat(np.linspace(0.25, 0.75, len(vectors), dtype=np.float32), 2).reshape(-1, 2)
    reduced = _principal(vectors)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(vectors))[:_LANDMARKS])
    places = _stretched(_tsne(reduced[chosen]))
    if len(chosen) == len(vectors):
        return places
    return placed(vectors, vectors[chosen], places)


def placed(vectors: Embeddings, landmarks: Embeddings, places: Points) -> Points:
    """Return places for `vectors`, float32 [n, d], between the `places` of the landmarks that are nearest to each."""
    found = np.empty((len(vectors), 2), dtype=np.float32)
    nearest = min(_NEAREST, len(landmarks))
    for start in range(0, len(vectors), 4096):
        cosines = vectors[start : start + 4096] @ landmarks.T
        best = np.argpartition(-cosines, nearest - 1, axis=1)[:, :nearest]
        weights = np.exp(20 * (np.take_along_axis(cosines, best, axis=1) - cosines.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        found[start : start + 4096] = (places[best] * weights[..., None]).sum(axis=1)
    return found


def _principal(vectors: Embeddings) -> NDArray[np.float64]:
    """The vectors along the axes on which they differ most, float64 [n, k]."""
    centred = vectors.astype(np.float32) - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    along = axes[:, ::-1][:, :_AXES]
    # An axis has no direction of its own: the largest of its numbers is made positive.
    signs = np.sign(along[np.abs(along).argmax(axis=0), np.arange(along.shape[1])])
    return np.asarray(centred.astype(np.float64) @ (along * np.where(signs == 0, 1.0, signs)))


def _tsne(points: NDArray[np.float64]) -> NDArray[np.float64]:
    # No share is so small that a processor would count in its slow way.
    wanted = np.maximum(_affinities(points), _TINY).astype(np.float32)
    start = points[:, :2] if points.shape[1] > 1 else np.hstack([points, np.zeros_like(points)])
    places = (start / (points[:, 0].std() or 1.0) * 1e-4).astype(np.float32).T
    velocity, gains = np.zeros_like(places), np.ones_like(places)
    for step in range(_STEPS):
        early = step < _EXAGGERATED_STEPS
        # No product of matrices: for two columns, threads would wait for each other longer than they work.
        away = places[:, :, None] - places[:, None, :]
        near = 1.0 / (1.0 + away[0] ** 2 + away[1] ** 2)
        np.fill_diagonal(near, 0.0)
        pull = (wanted * (_EXAGGERATION if early else 1.0) - near / max(float(near.sum()), _TINY)) * near
        slope = 4.0 * (pull * away).sum(axis=2)
        gains = np.maximum(np.where((slope > 0) == (velocity > 0), gains * 0.8, gains + 0.2), 0.01)
        velocity = (0.5 if early else 0.8) * velocity - _RATE * gains * slope
        places = places + velocity
        places -= places.mean(axis=1, keepdims=True)
    return places.T.astype(np.float64)


def _affinities(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """How near each two are, as shares of 1, each point's spread such that it has as many neighbours as all others."""
    squares = (points**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0.0)
    np.fill_diagonal(distances, np.inf)
    entropy = np.log(min(_NEIGHBOURS, (len(points) - 1) / 3) if len(points) > 4 else 1.5)
    finite = distances[np.isfinite(distances)]
    low, high = np.zeros(len(points)), np.full(len(points), np.inf)
    sharpness = np.full(len(points), 1.0 / max(float(finite.mean()), _TINY))
    least = distances.min(axis=1, keepdims=True)
    for _ in range(50):
        shares = np.exp(-(distances - least) * sharpness[:, None])
        total = shares.sum(axis=1)
        with np.errstate(invalid="ignore"):
            mean = np.nansum(np.where(np.isfinite(distances), distances - least, 0.0) * shares, axis=1) / total
        has_too_many = np.log(total) + sharpness * mean > entropy
        low, high = np.where(has_too_many, sharpness, low), np.where(has_too_many, high, sharpness)
        sharpness = np.where(np.isinf(high), sharpness * 2, (low + high) / 2)
    shares = np.exp(-(distances - least) * sharpness[:, None])
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray((shares + shares.T) / (2 * len(points)))


def _stretched(places: NDArray[np.float64]) -> Points:
    """The places, so that they fill the square from 0 to 1 with a narrow edge."""
    least, most = np.percentile(places, 0.5, axis=0), np.percentile(places, 99.5, axis=0)
    span = np.where(most > least, most - least, 1.0)
    within = np.clip((places - least) / span, 0.0, 1.0)
    return (_EDGE + (1 - 2 * _EDGE) * within).astype(np.float32)
