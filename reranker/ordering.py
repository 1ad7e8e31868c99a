"""What ranks go by beside the plain cosine, where somebody wishes so.

- *Nearness*: some pictures are near every text, and take places they do not deserve. What is taken off is half the mean
  cosine of a picture to the everyday captions nearest to it (nearest-neighbour normalisation: Chowdhury and others,
  EMNLP 2024).
- *Words*: what a source says of a picture (its tags and title) may hold the words of the phrase. Each word counts by
  how rare it is in the pool, and by how far the model agrees with it: if the pictures that have the word score above
  the pool. A source's “snow” may be snow that falls where the phrase means snow on the ground; then the pictures that
  have the word are no better than others, and it counts for nothing.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phrasepix_core.candidate import Candidate
from phrasepix_core.numbers import is_number
from reranker.encoder import Embeddings
from reranker.errors import WrongQueryError
from reranker.ranks import NORMALISED, RANKS
from reranker.rows import Rows

NEAREST = 20
SHARE_TAKEN = 0.5
"""How many of the nearest captions count, and how much of their mean is taken off: as published."""

SPREADS = 4.0
"""How many spreads of the pool's scores lie, at full weight, between a picture that has all words and one with none."""

DOUBT = 2.0
"""How many pictures with an average score are counted beside those that have a word, in their mean: the score of one or
two pictures alone is no proof of what a word means."""

_LEAST_SPREAD = 0.005
_ENDINGS = ("ing", "ed", "es", "s")
_SHORTEST_STEM = 3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Ordering:
    """`rank` is cosine or normalised; `words` from 0, not at all, to 1 is how much the source's words count.

    Raises `WrongQueryError`.
    """

    rank: str = "cosine"
    words: float = 0.0

    def __post_init__(self) -> None:
        if self.rank not in RANKS:
            raise WrongQueryError.not_among("rank", self.rank, RANKS)
        if not (is_number(self.words) and math.isfinite(self.words) and 0 <= self.words <= 1):
            raise WrongQueryError(
                f"words {self.words!r} is out of range; allowed: 0, what the source says counts for nothing, to 1"
            )

    @property
    def is_normalised(self) -> bool:
        """Whether nearness is taken off."""
        return self.rank == NORMALISED


PLAIN = Ordering()
"""By the cosine alone."""


def nearness(pictures: Embeddings, captions: Embeddings) -> NDArray[np.float32]:
    """What is taken off the score of each picture, rows of [n, d], by its nearest of the captions [k, d]: float32 [n].

    Without captions it is 0.
    """
    if not len(captions):
        return np.zeros(len(pictures), dtype=np.float32)
    # Rounded first, as scores are: then a picture's nearness does not depend on its neighbours in the matrix.
    cosines = (pictures.astype(np.float64) @ captions.T.astype(np.float64)).astype(np.float32)
    count = min(NEAREST, len(captions))
    nearest = np.sort(np.partition(cosines, len(captions) - count, axis=1)[:, -count:], axis=1)
    taken: NDArray[np.float32] = (SHARE_TAKEN * nearest.mean(axis=1, dtype=np.float64)).astype(np.float32)
    return taken


def words_of(text: str) -> frozenset[str]:
    """The words of a text, in lower case and without English endings: “parked” and “parking” are one."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return frozenset(_stem(word) for word in found)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


class SourceWords:
    """Which words of the `phrases` the sources' own words about each candidate hold."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._words = sorted(frozenset().union(*(words_of(phrase) for phrase in phrases)))
        self._held = Rows(len(self._words), np.bool_)
        self._is_described = Rows(1, np.bool_)

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Candidates that were looked at, by their tags and titles."""
        for candidate in candidates:
            said = words_of(" ".join((candidate.title, *candidate.tags)))
            self._is_described.append(np.array([[bool(said)]]))
            self._held.append(np.array([[word in said for word in self._words]], dtype=np.bool_))

    def bonuses(self, weight: float, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is added to each of the `scores` [n], of all that were added in their order: float32 [n].

        It is above 0 for what has more of the phrase's words than described pictures have on average, and below 0 for
        what has fewer. A word that the best scored pictures do not have more often than others counts for nothing. A
        picture of which its source says nothing gets 0.
        """
        measure = self.measured(weight, scores)
        return self.bonuses_of(np.arange(len(scores)), measure)

    def measured(self, weight: float, scores: NDArray[np.float32]) -> "WordsMeasure":
        """Measure what each word counts, by the `scores` [n] of all that were added in their order."""
        described = self._is_described.all()[:, 0]
        nothing = WordsMeasure(np.zeros(len(self._words)), 0.0, 0.0)
        if not weight or not self._words or not described.any():
            return nothing
        held = self._held.all().astype(np.float64)
        having = held[described].sum(axis=0)
        rarity = np.where(having > 0, np.log((described.sum() + 1) / (having + 0.5)), 0.0)
        if rarity.sum() <= 0:
            return nothing
        spread = spread_of(scores)
        counts = rarity / rarity.sum() * _agreement(held[described], scores[described], spread)
        # Rounded before they are summed: the sum must not depend on the order of the pool.
        mean = math.fsum(_shares(held[described], counts)) / described.sum()
        return WordsMeasure(counts, mean, weight * SPREADS * spread)

    def bonuses_of(self, chosen: NDArray[np.intp], measure: "WordsMeasure") -> NDArray[np.float32]:
        """What is added to the scores of those chosen, each by its number, from 0, in the order of adding: [n]."""
        each = measure.scale * (_shares(self._held.at(chosen).astype(np.float64), measure.counts) - measure.mean)
        bonuses: NDArray[np.float32] = np.where(self._is_described.at(chosen)[:, 0], each, 0.0).astype(np.float32)
        return bonuses


@dataclass(frozen=True, slots=True)
class WordsMeasure:
    """What each of w words `counts` in a pool, [w]; the `mean` of what pictures hold, and the `scale` of bonuses."""

    counts: NDArray[np.float64]
    mean: float
    scale: float


def _shares(held: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of what counts each picture holds, of rows [n, w]: [n]."""
    shares: NDArray[np.float64] = np.round(held @ counts, 9)
    return shares


def _agreement(held: NDArray[np.float64], scores: NDArray[np.float32], spread: float) -> NDArray[np.float64]:
    """How far the scores [n] agree with each word, by which pictures have it, 0 or 1, [n, w]: from 0 to 1, [w].

    It is by how many spreads the pictures that have the word score above the mean, with `DOUBT`.
    """
    exact = scores.astype(np.float64)
    above = (exact - math.fsum(exact) / len(exact)) / spread
    sums = np.array([math.fsum(above[column > 0]) for column in held.T])
    agreement: NDArray[np.float64] = np.clip(sums / (held.sum(axis=0) + DOUBT), 0.0, 1.0)
    return agreement


def spread_of(scores: Sequence[float] | NDArray[np.float32]) -> float:
    """The standard deviation of scores, whatever their order; not less than differences that are noise."""
    exact = np.asarray(scores, dtype=np.float64)
    mean = math.fsum(exact) / len(exact)
    return max(math.sqrt(math.fsum((exact - mean) ** 2) / len(exact)), _LEAST_SPREAD)
