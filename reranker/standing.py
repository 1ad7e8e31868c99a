"""The order of a pool as far as it was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings
from reranker.match import SkippedPicture
from reranker.ordering import PLAIN, Ordering, SourceWords, nearness
from reranker.query import EncodedQuery
from reranker.ranking import USUAL_PENALTY, Penalty, cosine_scores, penalties, top_indices, wanted_scores

Place = tuple[int, ...]
"""Where a candidate stands in its pool; ties are decided by it, the smaller first."""


_FIRST_ROOM = 64
"""Candidates there is room for before the buffer grows."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate, the cosine of its `embedding` to what is wanted, −1…1, and the `penalty` for what is not, from 0.

    `nearness` is taken off as well, and `bonus` added, if the order is not the plain one (`reranker.ordering`).
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
    difference. Their embeddings are held, not copied; beside them each takes some 200 bytes. Adding takes time by what
    is added, not by what is there.
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
        self._words = SourceWords(phrases) if ordering.words else None
        self._looked_at: list[tuple[Place, Candidate, Embeddings]] = []
        # Of each candidate: the cosine to each part that is wanted, then to each thing that is not, last its nearness.
        self._parts = np.concatenate([query.wanted, query.unwanted])
        self._buffer: NDArray[np.float32] = np.zeros((_FIRST_ROOM, len(self._parts) + 1), dtype=np.float32)
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
            grown = np.zeros((max(after, 2 * len(self._buffer)), self._buffer.shape[1]), dtype=np.float32)
            grown[:before] = self._buffer[:before]
            self._buffer = grown
        for column, one in enumerate(self._parts):
            self._buffer[before:after, column] = cosine_scores(one, rows)
        if self._captions is not None:
            self._buffer[before:after, -1] = nearness(rows, self._captions)
        if self._words is not None:
            self._words.add(candidate for _, candidate in looked_at)
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
            # With several parts, or words, a place depends on the whole pool: any candidate may be among the best now.
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
        return len(self._parts) > 1 or self._words is not None

    def _in_order(self, considered: Sequence[int], top: int) -> list[int]:
        measured = self._measured(considered)
        total = measured.scores - measured.nearness + measured.bonuses - measured.penalties
        if top < len(total):  # only what reaches the best is sorted by its place
            border = np.partition(total, len(total) - top)[len(total) - top]
            reaching = np.flatnonzero(total >= border).tolist()
        else:
            reaching = list(range(len(total)))
        reaching.sort(key=lambda number: self._looked_at[considered[number]][0])
        return [considered[reaching[number]] for number in top_indices(total[reaching], top)]

    def _measured(self, indices: Sequence[int]) -> "_Measured":
        """Of the candidates at `indices`; with several parts, or words, they are measured by the whole pool."""
        chosen = np.asarray(indices, dtype=np.intp)
        values = self._buffer[: len(self._looked_at)]
        if not self._depends_on_the_pool:
            values = values[chosen]
        parts, end = len(self._query.wanted), len(self._parts)
        scores = wanted_scores(values[:, :parts], self._query.weights, self._query.products)
        near = values[:, end]
        costs = penalties(values[:, parts:end], self._query.penalties, scores, self._penalty)
        bonuses = np.zeros(len(scores), dtype=np.float32)
        if self._words is not None and len(scores):
            bonuses = self._words.bonuses(self._ordering.words, scores - near)
        measured = _Measured(scores, near, bonuses, costs)
        return measured.at(chosen) if self._depends_on_the_pool else measured

    def _scored(self, indices: Sequence[int]) -> list[Scored]:
        measured = self._measured(indices)
        return [
            Scored(
                candidate,
                float(measured.scores[number]),
                float(measured.penalties[number]),
                embedding,
                nearness=float(measured.nearness[number]),
                bonus=float(measured.bonuses[number]),
            )
            for number, index in enumerate(indices)
            for _, candidate, embedding in [self._looked_at[index]]
        ]


@dataclass(frozen=True, slots=True)
class _Measured:
    """What ranks go by, float32 [n] each."""

    scores: NDArray[np.float32]
    nearness: NDArray[np.float32]
    bonuses: NDArray[np.float32]
    penalties: NDArray[np.float32]

    def at(self, chosen: NDArray[np.intp]) -> "_Measured":
        """Of the candidates at these positions."""
        return _Measured(self.scores[chosen], self.nearness[chosen], self.bonuses[chosen], self.penalties[chosen])
