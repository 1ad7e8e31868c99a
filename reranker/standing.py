"""The order of a pool as far as it was looked at."""

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reranker.encoder import Embeddings
from reranker.match import SkippedPicture
from reranker.ranking import cosine_scores, top_indices
from retriever.candidate import Candidate

Place = tuple[int, ...]
"""Where a candidate stands in its pool; ties are decided by it, the smaller first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate and its cosine to the query, −1…1."""

    candidate: Candidate
    score: float


class Standing:
    """Candidates by their cosine to `query` (float32 [d], L2 norm 1), best first; ties in the order of the pool.

    Places differ. In which order candidates are added makes no difference. Of each the score is kept, not the
    embedding.
    """

    def __init__(self, query: Embeddings, top: int) -> None:
        self._query = query
        self._top = top
        self._looked_at: list[tuple[Place, Candidate]] = []
        self._scores: list[float] = []
        self._best: list[tuple[float, Place, Candidate]] = []
        self._skipped: list[tuple[Place, SkippedPicture]] = []

    def add(self, looked_at: Sequence[tuple[Place, Candidate]], embeddings: Sequence[Embeddings]) -> None:
        """Add candidates, each with its place, and their embeddings, float32 [d] each, L2 norm 1."""
        if not looked_at:
            return
        scores = cosine_scores(self._query, np.stack(embeddings)).tolist()
        self._looked_at += looked_at
        self._scores += scores
        for (place, candidate), score in zip(looked_at, scores, strict=True):
            insort(self._best, (-score, place, candidate))  # places differ: candidates are never compared
        del self._best[self._top :]

    def skip(self, place: Place, candidate: Candidate, reason: str) -> None:
        """Count a candidate that could not be looked at."""
        self._skipped.append((place, SkippedPicture(candidate, reason)))

    @property
    def done(self) -> int:
        """How many candidates were looked at or skipped."""
        return len(self._looked_at) + len(self._skipped)

    @property
    def best(self) -> tuple[Scored, ...]:
        """The best by now, at most `top`."""
        return tuple(Scored(candidate, -negative) for negative, _, candidate in self._best)

    @property
    def skipped(self) -> tuple[SkippedPicture, ...]:
        """What was skipped, in the order of the pool."""
        return tuple(skipped for _, skipped in sorted(self._skipped, key=lambda one: one[0]))

    def in_order(self) -> Iterator[Scored]:
        """All that were looked at, best first."""
        by_place = sorted(range(len(self._looked_at)), key=lambda index: self._looked_at[index][0])
        scores = np.array([self._scores[index] for index in by_place], dtype=np.float32)
        for index in top_indices(scores, len(scores)):
            yield Scored(self._looked_at[by_place[index]][1], float(scores[index]))
