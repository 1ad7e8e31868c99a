"""The order of a pool as far as it was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings
from reranker.match import SkippedPicture
from reranker.ordering import PLAIN, Ordering, SourceWords, nearness
from reranker.query import EncodedQuery
from reranker.ranking import USUAL_PENALTY, Penalty, cosine_scores, penalties, top_indices, wanted_scores
from retriever.candidate import Candidate

Place = tuple[int, ...]
"""Where a candidate stands in its pool; ties are decided by it, the smaller first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate, the cosine of its `embedding` to what is wanted, −1…1, and the `penalty` for what is not, from 0.

    `nearness` is taken off as well, and `bonus` added, where the order is not the plain one (`reranker.ordering`).
    `first_score` is the first model's cosine, where this one is a second model's.
    """

    candidate: Candidate
    score: float
    penalty: float
    embedding: Embeddings = field(repr=False, compare=False)
    first_score: float | None = None
    nearness: float = 0.0
    bonus: float = 0.0

    @property
    def total(self) -> float:
        """What ranks go by."""
        return self.score - self.nearness + self.bonus - self.penalty


class Standing:
    """Candidates by score less penalty, best first; ties in the order of the pool.

    With an `ordering` other than the plain one their nearness to the `captions`, float32 [k, d], is taken off, and what
    their sources' words have of the `phrases` is added. Places differ. In which order candidates are added makes no
    difference. Their embeddings are held, not copied.
    """

    def __init__(
        self,
        query: EncodedQuery,
        top: int,
        ordering: Ordering = PLAIN,
        captions: Embeddings | None = None,
        phrases: Sequence[str] = (),
        penalty: Penalty = USUAL_PENALTY,
    ) -> None:
        self._penalty = penalty
        self._query = query
        self._top = top
        self._ordering = ordering
        self._captions = captions if ordering.is_normalised else None
        self._nearness: list[NDArray[np.float32]] = []
        self._words = SourceWords(phrases) if ordering.words else None
        self._looked_at: list[tuple[Place, Candidate, Embeddings]] = []
        # Of each candidate: the cosine to each part that is wanted, then to each thing that is not.
        self._parts = np.concatenate([query.wanted, query.unwanted])
        self._cosines: NDArray[np.float32] = np.empty((0, len(self._parts)), dtype=np.float32)
        self._best: list[int] = []
        self._skipped: list[tuple[Place, SkippedPicture]] = []

    def add(self, looked_at: Sequence[tuple[Place, Candidate]], embeddings: Sequence[Embeddings]) -> None:
        """Add candidates, each with its place, and their embeddings, float32 [d] each, L2 norm 1."""
        if not looked_at:
            return
        rows = np.stack(embeddings)
        cosines = [cosine_scores(one, rows) for one in self._parts]
        self._cosines = np.concatenate([self._cosines, np.stack(cosines, axis=1)])
        if self._captions is not None:
            self._nearness.append(nearness(rows, self._captions))
        if self._words is not None:
            self._words.add(candidate for _, candidate in looked_at)
        added = range(len(self._looked_at), len(self._looked_at) + len(looked_at))
        self._looked_at += [(*one, embedding) for one, embedding in zip(looked_at, embeddings, strict=True)]
        # With several parts, or words, a place depends on the whole pool: any candidate may be among the best now.
        is_independent = len(self._parts) == 1 and self._words is None
        considered = [*self._best, *added] if is_independent else range(len(self._looked_at))
        self._best = self._in_order(considered, self._top)

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
        return tuple(self._scored(self._best))

    @property
    def skipped(self) -> tuple[SkippedPicture, ...]:
        """What was skipped, in the order of the pool."""
        return tuple(skipped for _, skipped in sorted(self._skipped, key=lambda one: one[0]))

    def in_order(self) -> list[Scored]:
        """All that were looked at, best first."""
        return self._scored(self._in_order(range(len(self._looked_at)), len(self._looked_at)))

    def _in_order(self, considered: Sequence[int], top: int) -> list[int]:
        by_place = sorted(considered, key=lambda index: self._looked_at[index][0])
        scores, costs = self._scores_and_penalties()
        near, bonuses = self._nearness_and_bonuses(scores)
        return [by_place[index] for index in top_indices((scores - near + bonuses - costs)[by_place], top)]

    def _nearness_and_bonuses(self, scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        none = np.zeros(len(scores), dtype=np.float32)
        near = np.concatenate(self._nearness) if self._nearness else none
        if self._words is None or not len(scores):
            return near, none
        return near, self._words.bonuses(self._ordering.words, scores - near)

    def _scores_and_penalties(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        parts = len(self._query.wanted)
        scores = wanted_scores(self._cosines[:, :parts], self._query.weights, self._query.products)
        return scores, penalties(self._cosines[:, parts:], self._query.penalties, scores, self._penalty)

    def _scored(self, indices: Sequence[int]) -> list[Scored]:
        scores, costs = self._scores_and_penalties()
        near, bonuses = self._nearness_and_bonuses(scores)
        return [
            Scored(
                candidate,
                float(scores[index]),
                float(costs[index]),
                embedding,
                nearness=float(near[index]),
                bonus=float(bonuses[index]),
            )
            for index in indices
            for _, candidate, embedding in [self._looked_at[index]]
        ]
