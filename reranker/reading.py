"""A cosine made readable: how far a match stands out from phrases that nobody asked for.

A cosine of 0.28 says nothing by itself: each model has a range of its own, and in it each picture and each pool. So a
phrase is read against the neutral phrases (`neutral`), under the same model, in two ways:

- *for this picture*: by how many standard deviations its cosine is above the mean of the neutral phrases';
- *in this pool*: the same against the cosines of the neutral phrases' best pictures in the pool. It tells a phrase that
  finds its picture from one that finds the least unfit. Being best of many is worth something by itself, so that
  `ALLOWANCE` is granted.

The smaller one is how far the match stands out. The scores of the other matches do not enter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings
from reranker.ranking import cosine_scores

ALLOWANCE = 2.0
FAIR, CLEAR = 1.2, 2.0
"""From which a match shows the phrase by and large, and beyond doubt; below `FAIR` it does not.

Found by measurement on the built-in sample (`benchmarks/READING.md`). What carries over to other models is that the
number is in units of the model's own spread, with 0 for chance; where fair begins is not known for them. These limits
are on the low side: what fits is seldom called unfit, and “nothing fits” may be missed.
"""
PART_FAIR, PART_CLEAR = 0.5, 1.0
"""The same for a part of the phrase: it says less, and so stands out less."""

_ONE_THREAD = 250_000
"""Multiplications up to which a matrix product stays in its thread: several wait for each other on a busy machine."""
_NO_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class PartShown:
    """A part of the phrase, and how far a match stands out for it, for this picture alone."""

    text: str
    stands_out: float | None

    @property
    def fit(self) -> str:
        """How well it is shown: clear, fair or weak; empty where that is not known."""
        return _word(self.stands_out, PART_FAIR, PART_CLEAR)

    @property
    def share(self) -> float:
        """The length of a bar for it, 0…1."""
        return _share(self.stands_out, PART_CLEAR)


def word_for(stands_out: float | None) -> str:
    """How well a match shows the phrase, in a word: clear, fair or weak; empty where it is not known."""
    return _word(stands_out, FAIR, CLEAR)


def share_of_full(stands_out: float | None) -> float:
    """The length of a bar for it, 0…1: half of it is `CLEAR`."""
    return _share(stands_out, CLEAR)


def _word(stands_out: float | None, fair: float, clear: float) -> str:
    if stands_out is None:
        return ""
    return "clear" if stands_out >= clear else "fair" if stands_out >= fair else "weak"


def _share(stands_out: float | None, clear: float) -> float:
    return max(0.0, min(1.0, (stands_out or 0.0) / (2 * clear)))


class Yardstick:
    """What the `neutral` phrases, float32 [k, d], reach in a pool of n ≥ 1 pictures (float32 [d] each)."""

    def __init__(self, neutral: Embeddings, pool: Sequence[Embeddings]) -> None:
        self._neutral = neutral
        rows = max(1, _ONE_THREAD // neutral.size)
        chunks = (np.stack(pool[at : at + rows]) for at in range(0, len(pool), rows))
        best = np.max([_cosines(chunk, neutral).max(axis=0) for chunk in chunks], axis=0)
        self._best_mean, self._best_spread = float(best.mean()), float(best.std())

    def stands_out(self, text: Embeddings, picture: Embeddings) -> float | None:
        """How far a picture [d] stands out for a text [d]; None where the neutral phrases are all one to the model."""
        for_picture = self.for_picture(text, picture)
        if for_picture is None or self._best_spread < _NO_SPREAD:
            return None
        cosine = float(cosine_scores(text, picture[None])[0])
        return min(for_picture, (cosine - self._best_mean) / self._best_spread + ALLOWANCE)

    def for_picture(self, text: Embeddings, picture: Embeddings) -> float | None:
        """The same, whatever else is in the pool."""
        own = _cosines(picture[None], self._neutral)[0]
        spread = float(own.std())
        if spread < _NO_SPREAD:
            return None
        return (float(cosine_scores(text, picture[None])[0]) - float(own.mean())) / spread


def _cosines(pictures: Embeddings, neutral: Embeddings) -> NDArray[np.float64]:
    # Rounded, as scores are: then a picture's do not depend on its neighbours.
    exact = pictures.astype(np.float64) @ neutral.T.astype(np.float64)
    return exact.astype(np.float32).astype(np.float64)


class Reader:
    """Reads pictures by the phrases `asked` for, each with its weight, and by `parts` of them, each with its text.

    Without a `yardstick`, or where nothing is asked, nothing is known.
    """

    def __init__(
        self,
        yardstick: Yardstick | None,
        asked: Sequence[tuple[Embeddings, float]],
        parts: Sequence[tuple[str, Embeddings]] = (),
    ) -> None:
        self._yardstick = yardstick
        self._asked = asked
        self._parts = parts

    def stands_out(self, picture: Embeddings) -> float | None:
        """How far a picture [d] stands out: by the mean of what was asked for."""
        if self._yardstick is None:
            return None
        each = [self._yardstick.stands_out(text, picture) for text, _ in self._asked]
        known = [one for one in each if one is not None]
        if not known or len(known) < len(each):
            return None
        return float(np.average(known, weights=[weight for _, weight in self._asked]))

    def parts(self, picture: Embeddings) -> tuple[PartShown, ...]:
        """How far it stands out for each part."""
        yardstick = self._yardstick
        return tuple(
            PartShown(text, None if yardstick is None else yardstick.for_picture(embedding, picture))
            for text, embedding in self._parts
        )


NOT_READ = Reader(None, ())
"""Knows nothing."""
