"""Calibration of cosines: how far, in standard deviations, a match stands out from phrases nobody asked for.

A cosine of 0.28 says nothing by itself: each model has a range of its own, and in it each picture and each pool. So a
phrase is read against the neutral phrases (`neutral`), under the same model, in two ways:

- *for this picture*: by how many standard deviations its cosine is above the mean of the neutral phrases';
- *in this pool*: the same against the cosines of the neutral phrases' best pictures in the pool. It tells a phrase that
  finds its picture from one that finds the least unfit.

The mean of the two is how far the match stands out, or the smaller one where the model's family was measured so
(`families`). The scores of the other matches do not enter the number; the word “clear” they can take away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings
from reranker.families import FitLimits
from reranker.scoring import cosine_scores

ALLOWANCE = 2.0
"""Added to the second comparison where the smaller of the two counts: being best of many is worth something."""

_ONE_THREAD = 250_000
"""Multiplications up to which a matrix product stays in its thread: several wait for each other on a busy machine."""
_NO_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class PartShown:
    """A part of the phrase, how far a match stands out for it, and the word for that: clear, fair or weak.

    Where no limits are known there is no `fit`. `share` is the length of a bar for it, 0…1.
    """

    text: str
    stands_out: float | None
    fit: str = ""
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class CalibratedScore:
    """How far a match stands out, None where it is not known; the word for that (`fit`), and a bar's length, 0…1.

    Without limits for the model there is a number and no word.
    """

    stands_out: float | None = None
    fit: str = ""
    share: float = 0.0


NO_CALIBRATED_SCORE = CalibratedScore()


def in_words(stands_out: float | None, fair: float, clear: float) -> CalibratedScore:
    """A number with its word and its bar, of which `clear` fills half."""
    if stands_out is None:
        return CalibratedScore()
    word = "clear" if stands_out >= clear else "fair" if stands_out >= fair else "weak"
    return CalibratedScore(stands_out, word, max(0.0, min(1.0, stands_out / (2 * clear))))


class Baseline:
    """What the `neutral` phrases, float32 [k, d], reach in a pool of n ≥ 1 pictures.

    `pool` are their embeddings in matrices, float32 [m, d] each.

    With `smaller` the smaller of the two comparisons counts, `ALLOWANCE` being added to the second, else their mean.
    """

    def __init__(self, neutral: Embeddings, pool: Sequence[Embeddings], *, smaller: bool = False) -> None:
        self._smaller = smaller
        self._neutral = neutral.T.astype(np.float64)  # once: it is read for each picture
        self._pool = pool
        self._rows = max(1, _ONE_THREAD // neutral.size)
        best = np.max([self._cosines(chunk).max(axis=0) for chunk in self._chunks(pool)], axis=0)
        self._best_mean, self._best_spread = float(best.mean()), float(best.std())

    def stands_out(self, text: Embeddings, pictures: Embeddings) -> NDArray[np.float64]:
        """How far pictures [n, d] stand out for a text [d], [n]; NaN where the neutral phrases are all one."""
        for_picture = self.for_picture(text, pictures)
        if self._best_spread < _NO_SPREAD:
            return np.full(len(pictures), np.nan)
        in_pool = (cosine_scores(text, pictures).astype(np.float64) - self._best_mean) / self._best_spread
        return np.minimum(for_picture, in_pool + ALLOWANCE) if self._smaller else (for_picture + in_pool) / 2

    def furthest(self, text: Embeddings) -> float:
        """The furthest that a picture of the pool stands out for a text [d], each by `for_picture`; not below 0."""
        furthest = (float(self._above(text, rows)[0].max()) for rows in self._pool if len(rows))
        return max([0.0, *furthest])

    def for_picture(self, text: Embeddings, pictures: Embeddings) -> NDArray[np.float64]:
        """The same, whatever else is in the pool."""
        above, spread = self._above(text, pictures)
        return np.where(spread < _NO_SPREAD, np.nan, above)

    def _above(self, text: Embeddings, pictures: Embeddings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far cosines are above the neutral phrases' mean, by their spread; and that spread: [n] each."""
        own = np.concatenate([self._cosines(chunk) for chunk in self._chunks([pictures])])
        spread = own.std(axis=1)
        return (cosine_scores(text, pictures) - own.mean(axis=1)) / np.maximum(spread, _NO_SPREAD), spread

    def _cosines(self, pictures: Embeddings) -> NDArray[np.float64]:
        """Those of pictures [n, d] to the k neutral phrases, [n, k]."""
        # Rounded, as scores are: then a picture's do not depend on its neighbours.
        exact = pictures.astype(np.float64) @ self._neutral
        return exact.astype(np.float32).astype(np.float64)

    def _chunks(self, pictures: Sequence[Embeddings]) -> Iterator[Embeddings]:
        return (rows[at : at + self._rows] for rows in pictures for at in range(0, len(rows), self._rows))


class ReadsNames(Protocol):
    """Says how pictures show taught names: a `reranker.taught_names.NamesInPool`."""

    def parts(self, picture: Embeddings) -> tuple[PartShown, ...]:
        """Say how far a picture [d] stands out for each name."""
        ...


class Calibrator:
    """Reads pictures by the phrases `asked` for, each with its weight, and by `parts` of them, each with its text;
    before the parts come `names`.

    Without a `baseline`, or where nothing is asked, nothing is known; without `limits` there are no words.
    """

    def __init__(
        self,
        baseline: Baseline | None,
        asked: Sequence[tuple[Embeddings, float]],
        parts: Sequence[tuple[str, Embeddings]] = (),
        limits: FitLimits | None = None,
        names: ReadsNames | None = None,
    ) -> None:
        self._baseline = baseline
        self._asked = asked
        self._parts = parts
        self._limits = limits
        self._furthest: list[float] | None = None
        self._names = names

    def stands_out(self, pictures: Sequence[Embeddings]) -> list[float | None]:
        """How far pictures [d] stand out, each by the mean of what was asked for; None where it is not known."""
        if self._baseline is None or not self._asked or not pictures:
            return [None] * len(pictures)
        rows = np.stack(pictures)
        each = [self._baseline.stands_out(text, rows) for text, _ in self._asked]
        numbers = np.average(each, axis=0, weights=[weight for _, weight in self._asked])
        return [None if np.isnan(number) else float(number) for number in numbers]

    def calibrated_scores(self, pictures: Sequence[Embeddings]) -> list[CalibratedScore]:
        """The pictures [d] of one ranking, read beside each other."""
        numbers = self.stands_out(pictures)
        limits = self._limits
        if limits is None:
            return [CalibratedScore(number) for number in numbers]
        furthest = max((number for number in numbers if number is not None), default=0.0)
        return [
            in_words(
                number, limits.fair, max(limits.clear, furthest - limits.gap) if number != furthest else limits.clear
            )
            for number in numbers
        ]

    def parts(self, picture: Embeddings) -> tuple[PartShown, ...]:
        """How far it stands out for each part, for this picture.

        It is called clear only where it does so at least half as far as any picture of the pool, and fair from a
        quarter on: beside boats, a bus is none.
        """
        names = () if self._names is None else self._names.parts(picture)
        baseline, limits = self._baseline, self._limits
        if baseline is None:
            return (*names, *(PartShown(text, None) for text, _ in self._parts))
        if self._furthest is None:
            self._furthest = [baseline.furthest(embedding) for _, embedding in self._parts]
        shown = []
        for (text, embedding), furthest in zip(self._parts, self._furthest, strict=True):
            above = float(baseline.for_picture(embedding, picture[None])[0])
            number = None if np.isnan(above) else above
            if limits is None:
                read = CalibratedScore(number)
            else:
                fair, clear = max(limits.part_fair, furthest / 4), max(limits.part_clear, furthest / 2)
                read = in_words(number, fair, clear)
            shown.append(PartShown(text, read.stands_out, read.fit, read.share))
        return (*names, *shown)


UNCALIBRATED = Calibrator(None, ())
"""Knows nothing."""
