"""A linear layer under which pictures of one label come nearer to each other, and those of others farther away.

What pictures of one label differ by is made small: the embeddings are whitened by the spread within labels (Hatch,
Kajarekar and Stolcke, “Within-class covariance normalization”, Interspeech 2006). What labels differ by is made large:
the directions between their means, which are those of Fisher's discriminants, are stretched. Nothing is projected away,
so that pictures of no label can still be told apart. All of it is in closed form.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings, unit_rows

Labels = NDArray[np.intp]
"""The label of each row as a number: intp [n]."""
Matrix = NDArray[np.float64]

_LEAST_DIRECTION = 1e-6
"""Of the largest singular value: below it a direction is rounding."""


@dataclass(frozen=True, slots=True)
class Strength:
    """How far a layer goes.

    `shrinkage`, above 0 up to 1, is how much of the spread within labels is taken for equal in all directions: the
    regularisation. `stretch`, 0 or more, is by how much the directions between labels are made longer. A shrinkage of 1
    with a stretch of 0 changes nothing.
    """

    shrinkage: float
    stretch: float


STRENGTHS = tuple(Strength(*both) for both in product((0.1, 0.3, 0.6, 0.9), (0.0, 1.0, 3.0, 10.0)))
"""Those that are tried."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer does: a picture's row is multiplied by `pictures`, a text's by `texts`, both float32 [d, d].

    `texts` is the inverse of `pictures`, transposed: the product of a text and a picture stays what it was, but for the
    picture's length. By the same matrix as pictures, phrases would hardly find anything (`benchmarks/ADAPT.md`).
    """

    pictures: Embeddings
    texts: Embeddings

    def of_pictures(self, rows: Embeddings) -> Embeddings:
        """The rows of pictures [n, d], changed, each of L2 norm 1."""
        return unit_rows(rows @ self.pictures)

    def of_texts(self, rows: Embeddings) -> Embeddings:
        """The rows of texts [n, d], likewise."""
        return unit_rows(rows @ self.texts)


class LabelSpread:
    """How labelled embeddings, float32 [n, d], spread within their labels and between them: layers are made of it."""

    def __init__(self, rows: Embeddings, labels: Labels) -> None:
        exact = rows.astype(np.float64)
        _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
        sums = np.zeros((len(counts), rows.shape[1]))
        np.add.at(sums, numbers, exact)
        self._means = sums / counts[:, None]
        within, freedom = exact - self._means[numbers], max(1, len(rows) - len(counts))
        if len(rows) < rows.shape[1]:  # they spread in few directions, which is quicker to find
            _, lengths, directions = np.linalg.svd(within, full_matrices=False)
            self._spread, self._axes = lengths**2 / freedom, directions.T
        else:
            spread, self._axes = np.linalg.eigh(within.T @ within / freedom)
            self._spread = np.maximum(spread, 0)
        self._usual = float(self._spread.sum()) / rows.shape[1] or 1.0

    def tried(self, rows: Embeddings, strengths: Iterable[Strength]) -> Iterator[Embeddings]:
        """What the layer of each strength makes of the rows of pictures [n, d]; no layer itself is made."""
        exact = rows.astype(np.float64)
        for shrinkage, same in groupby(strengths, lambda strength: strength.shrinkage):
            white, between = self._whitened(exact, shrinkage, -0.5), self._between(shrinkage)
            along = (white @ between.T) @ between
            for strength in same:
                yield unit_rows(white + strength.stretch * along)

    def layer(self, strength: Strength) -> Layer:
        """The layer of that strength."""
        between, whole = self._between(strength.shrinkage), np.eye(self._means.shape[1])
        along = between.T @ between
        shorter = strength.stretch / (1 + strength.stretch)
        pictures = self._whitened(whole, strength.shrinkage, -0.5) @ (whole + strength.stretch * along)
        texts = self._whitened(whole, strength.shrinkage, 0.5) @ (whole - shorter * along)
        return Layer(pictures.astype(np.float32), texts.astype(np.float32))

    def _whitened(self, rows: Matrix, shrinkage: float, power: float) -> Matrix:
        """The rows [n, d] multiplied by the spread within labels, shrunk, to a power."""
        along = ((1 - shrinkage) * self._spread / self._usual + shrinkage) ** power
        across = shrinkage**power  # of directions in which no pictures of a label differ
        whitened: Matrix = across * rows + ((rows @ self._axes) * (along - across)) @ self._axes.T
        return whitened

    def _between(self, shrinkage: float) -> Matrix:
        """The directions in which the labels' means differ once whitened: orthonormal rows [directions, d]."""
        means = self._whitened(self._means, shrinkage, -0.5)
        _, lengths, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
        least = _LEAST_DIRECTION * max(float(lengths.max(initial=0.0)), _LEAST_DIRECTION)
        found: Matrix = directions[lengths > least]
        return found
