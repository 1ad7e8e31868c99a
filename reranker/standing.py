"""The order of a pool as far as it was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings
from reranker.match import SkippedPicture
from reranker.query import EncodedQuery
from reranker.ranking import cosine_scores, penalties, top_indices, wanted_scores
from retriever.candidate import Candidate

Place = tuple[int, ...]
"""Where a candidate stands in its pool; ties are decided by it, the smaller first."""


_FIRST_ROOM = 64
"""Candidates there is room for before the buffer grows."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate, the cosine of its `embedding` to what is wanted, −1…1, and the `penalty` for what is not, from 0.

    `first_score` is the first model's cosine, where this one is a second model's.
    """

    candidate: Candidate
    score: float
    penalty: float
    embedding: Embeddings = field(repr=False, compare=False)
    first_score: float | None = None


class Standing:
    """Candidates by score less penalty, best first; ties in the order of the pool.

    Places differ. In which order candidates are added makes no difference. Their embeddings are held, not copied;
    beside them each takes some 200 bytes. Adding takes time by what is added, not by what is there.
    """

    def __init__(self, query: EncodedQuery, top: int) -> None:
        self._query = query
        self._top = top
        self._looked_at: list[tuple[Place, Candidate, Embeddings]] = []
        # Of each candidate: the cosine to each part that is wanted, then to each thing that is not.
        self._parts = np.concatenate([query.wanted, query.unwanted])
        self._buffer: NDArray[np.float32] = np.empty((_FIRST_ROOM, len(self._parts)), dtype=np.float32)
        self._best: list[int] = []
        self._ranked = 0  # so many of those looked at were considered for the best
        self._skipped: list[tuple[Place, SkippedPicture]] = []

    def add(self, looked_at: Sequence[tuple[Place, Candidate]], embeddings: Sequence[Embeddings]) -> None:
        """Add candidates, each with its place, and their embeddings, float32 [d] each, L2 norm 1."""
        if not looked_at:
            return
        rows = np.stack(embeddings)
        before, after = len(self._looked_at), len(self._looked_at) + len(looked_at)
        if after > len(self._buffer):  # twice as large each time, so that every row is moved a few times only
            grown = np.empty((max(after, 2 * len(self._buffer)), len(self._parts)), dtype=np.float32)
            grown[:before] = self._buffer[:before]
            self._buffer = grown
        for column, one in enumerate(self._parts):
            self._buffer[before:after, column] = cosine_scores(one, rows)
        self._looked_at += [(*one, embedding) for one, embedding in zip(looked_at, embeddings, strict=True)]

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
        if self._ranked < len(self._looked_at):
            added = range(self._ranked, len(self._looked_at))
            # With several parts a place depends on the whole pool: any candidate may be among the best now.
            considered = range(len(self._looked_at)) if self._depends_on_the_pool else [*self._best, *added]
            self._best = self._in_order(considered, self._top)
            self._ranked = len(self._looked_at)
        return tuple(self._scored(self._best))

    @property
    def skipped(self) -> tuple[SkippedPicture, ...]:
        """What was skipped, in the order of the pool."""
        return tuple(skipped for _, skipped in sorted(self._skipped, key=lambda one: one[0]))

    def in_order(self) -> list[Scored]:
        """All that were looked at, best first."""
        return self._scored(self._in_order(range(len(self._looked_at)), len(self._looked_at)))

    @property
    def _depends_on_the_pool(self) -> bool:
        return len(self._parts) > 1

    def _in_order(self, considered: Sequence[int], top: int) -> list[int]:
        scores, costs = self._scores_and_penalties(considered)
        fitness = scores - costs
        if top < len(fitness):  # only what reaches the best is sorted by its place
            border = np.partition(fitness, len(fitness) - top)[len(fitness) - top]
            reaching = np.flatnonzero(fitness >= border).tolist()
        else:
            reaching = list(range(len(fitness)))
        reaching.sort(key=lambda number: self._looked_at[considered[number]][0])
        return [considered[reaching[number]] for number in top_indices(fitness[reaching], top)]

    def _scores_and_penalties(self, indices: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of the candidates at `indices`; with several parts they are measured by the whole pool."""
        cosines = self._buffer[: len(self._looked_at)]
        if not self._depends_on_the_pool:
            cosines = cosines[np.asarray(indices, dtype=np.intp)]
        parts = len(self._query.wanted)
        scores = wanted_scores(cosines[:, :parts], self._query.weights, self._query.products)
        costs = penalties(cosines[:, parts:], self._query.penalties, scores)
        if not self._depends_on_the_pool:
            return scores, costs
        return scores[np.asarray(indices, dtype=np.intp)], costs[np.asarray(indices, dtype=np.intp)]

    def _scored(self, indices: Sequence[int]) -> list[Scored]:
        scores, costs = self._scores_and_penalties(indices)
        return [
            Scored(candidate, float(score), float(cost), embedding)
            for index, score, cost in zip(indices, scores, costs, strict=True)
            for _, candidate, embedding in [self._looked_at[index]]
        ]
