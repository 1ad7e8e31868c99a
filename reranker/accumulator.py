"""Accumulator of scored candidates, ranked as far as the pool was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings
from reranker.match import SkippedPicture
from reranker.ordering import PLAIN, Ordering, SourceWords, WordsMeasure, nearness
from reranker.pairs import Agreement
from reranker.query import EncodedQuery
from reranker.rows import Rows
from reranker.scoring import USUAL_PENALTY, Penalty, UnwantedMeasure, WantedMeasure, cosine_scores, top_indices

if TYPE_CHECKING:
    from reranker.prepared_pools import PreparedPool

_MEASURED_EXACTLY = 2048
"""Up to how many candidates the pool is measured and put in order anew for each batch."""


PoolPosition = tuple[int, ...]
"""Where a candidate stands in its pool; ties are decided by it, the smaller first."""


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A candidate, the cosine of its `embedding` to what is wanted, −1…1, and the `penalty` for what is not, from 0.

    `nearness` is taken off as well, and `bonus` added, if the order is not the plain one (`reranker.ordering`).
    `first_score` is the first model's cosine, where this one is a second model's, or the `agreement`'s of a pair.
    """

    candidate: Candidate
    score: float
    penalty: float
    embedding: Embeddings = field(repr=False, compare=False)
    first_score: float | None = None
    nearness: float = 0.0
    bonus: float = 0.0
    agreement: Agreement | None = field(repr=False, compare=False, default=None)

    @property
    def total(self) -> float:
        """What ranks go by."""
        return self.score - self.nearness + self.bonus - self.penalty


class RankingAccumulator:
    """Candidates by score less penalty, best first; ties in the order of the pool.

    With an `ordering` other than the plain one their nearness to the `captions`, float32 [k, d], is taken off, and what
    their sources' words have of the `phrases` is added. Places differ. In which order candidates are added makes no
    difference. Of each, its embedding is copied, and some 40 bytes are kept beside. Adding takes time by what is added,
    not by what is there, and so does asking for the `best` each time: with several parts, or words, places depend on
    the whole pool, and a large one is measured anew only when it has grown by an eighth. In between, what is added is
    measured by what was there.
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
        self.prepared: PreparedPool | None = None
        """What was made ready of the pool before, if it is all that was looked at."""
        self._penalty = penalty
        self._query = query
        self._top = top
        self._ordering = ordering
        self._captions = captions if ordering.is_normalised else None
        self._words = SourceWords(phrases) if ordering.words else None
        self._candidates: list[Candidate] = []
        self._embeddings = Rows(query.wanted.shape[1], np.float32)
        self._places: Rows[np.int32] | None = None  # as wide as the first place is long
        # Of each candidate: the cosine to each part that is wanted, then to each thing that is not, last its nearness.
        self._parts = np.concatenate([query.wanted, query.unwanted])
        self._cosines = Rows(len(self._parts) + 1, np.float32)
        self._best = np.empty(0, dtype=np.intp)
        self._ranked = 0  # so many of those looked at were considered for the best
        self._measure: _Measure | None = None
        self._best_by: _Measure | None = None
        self._best_told: tuple[ScoredCandidate, ...] = ()
        self._order: tuple[NDArray[np.int32], _Measured] | None = None
        """Of a small pool as it was: the numbers, best first, and what was measured of each."""
        self._skipped: list[tuple[PoolPosition, SkippedPicture]] = []

    def add(
        self,
        candidates: Sequence[Candidate],
        embeddings: Sequence[Embeddings] | Embeddings,
        places: Sequence[PoolPosition] | None = None,
    ) -> None:
        """Add candidates and their embeddings, float32 [d] each or in a matrix, L2 norm 1.

        Their `places` are of one length; without any they stand in the order in which they are added.
        """
        if not candidates:
            return
        if places is None:
            in_rows = np.arange(len(self), len(self) + len(candidates), dtype=np.int32)[:, None]
        else:
            in_rows = np.asarray(places, dtype=np.int32)
        if self._places is None:
            self._places = Rows(in_rows.shape[1], np.int32)
        if self._words is not None:
            self._words.add(candidates)
        self._places.append(in_rows)
        if isinstance(embeddings, np.ndarray):
            added = self._embeddings.append_in_place(embeddings)
        else:
            added = self._embeddings.append_each(embeddings)
        for rows in added:
            self._cosines.append(self._cosines_of(rows))
        self._candidates += candidates

    def _cosines_of(self, rows: Embeddings) -> NDArray[np.float32]:
        """What is kept of embeddings [n, d], as a row each."""
        cosines = np.zeros((len(rows), len(self._parts) + 1), dtype=np.float32)
        for column, one in enumerate(self._parts):
            cosines[:, column] = cosine_scores(one, rows)
        if self._captions is not None:
            cosines[:, -1] = nearness(rows, self._captions)
        return cosines

    def skip(self, place: PoolPosition, candidate: Candidate, reason: str) -> None:
        """Count a candidate that could not be looked at."""
        self._skipped.append((place, SkippedPicture(candidate, reason)))

    def __len__(self) -> int:
        """How many candidates were looked at."""
        return len(self._candidates)

    @property
    def done(self) -> int:
        """How many candidates were looked at or skipped."""
        return len(self._candidates) + len(self._skipped)

    @property
    def best(self) -> tuple[ScoredCandidate, ...]:
        """The best by now, at most `top`."""
        if self._ranked < len(self) <= _MEASURED_EXACTLY:
            self._best_told, self._ranked = tuple(self.in_order()[: self._top]), len(self)
        elif self._ranked < len(self):
            measure = self._measure_by_now()
            if measure is self._best_by:
                considered = np.concatenate([self._best, np.arange(self._ranked, len(self))])
            else:  # any candidate may be among the best now
                considered = np.arange(len(self))
            self._best, self._best_by = self._best_of(considered, self._top, measure), measure
            self._ranked = len(self)
            measured = self._measured(self._best, measure)
            self._best_told = tuple(ScoredOrder(self, self._best.astype(np.int32), measured))
        return self._best_told

    @property
    def skipped(self) -> tuple[SkippedPicture, ...]:
        """What was skipped, in the order of the pool."""
        return tuple(skipped for _, skipped in sorted(self._skipped, key=lambda one: one[0]))

    def in_order(self) -> "ScoredOrder":
        """All that were looked at by now, best first."""
        if self._order is not None and len(self._order[0]) == len(self):
            return ScoredOrder(self, *self._order)
        measure = self._measure_of_all()
        numbers = self._best_of(np.arange(len(self)), len(self), measure)
        order = numbers.astype(np.int32), self._measured(numbers, measure)  # half the memory of a large pool's
        self._order = order if len(self) <= _MEASURED_EXACTLY else None
        return ScoredOrder(self, *order)

    def best_of(self, considered: Sequence[int], top: int) -> list[int]:
        """The best `top` of those considered by now, best first; each by its number, from 0, in the order of adding."""
        numbers: list[int] = self._best_of(np.asarray(considered, dtype=np.intp), top, self._measure_by_now()).tolist()
        return numbers

    def _best_of(self, chosen: NDArray[np.intp], top: int, measure: "_Measure") -> NDArray[np.intp]:
        measured = self._measured(chosen, measure)
        total = measured.scores - measured.nearness + measured.bonuses - measured.penalties
        if top < len(total):  # only what reaches the best is sorted by its place
            border = np.partition(total, len(total) - top)[len(total) - top]
            reaching = np.flatnonzero(total >= border)
        else:
            reaching = np.arange(len(total))
        if self._places is not None:
            places = self._places.at(chosen[reaching])
            reaching = reaching[np.lexsort(places.T[::-1])]
        found: NDArray[np.intp] = chosen[reaching[top_indices(total[reaching], top)]]
        return found

    def candidate(self, number: int) -> Candidate:
        """The candidate that was added as so many-th, from 0."""
        return self._candidates[number]

    @property
    def _depends_on_the_pool(self) -> bool:
        return len(self._parts) > 1 or self._words is not None

    def _measure_by_now(self) -> "_Measure":
        """What a small pool is measured by; of a large one, what it was before it last grew by an eighth."""
        measure = self._measure
        if measure is None or not _MEASURED_EXACTLY < len(self) <= measure.size + measure.size // 8:
            return self._measure_of_all()
        return measure

    def _measure_of_all(self) -> "_Measure":
        """What the whole pool is measured by; the same one if nothing that was added makes a difference."""
        measure = self._measure
        if measure is not None and (measure.size == len(self) or not self._depends_on_the_pool):
            return measure
        query, parts, end = self._query, len(self._query.wanted), len(self._parts)
        values = self._cosines.all() if self._depends_on_the_pool else self._cosines.at(np.empty(0, dtype=np.intp))
        wanted = WantedMeasure.of_pool(values[:, :parts], query.weights, query.products)
        scores = wanted.scores(values[:, :parts])
        unwanted = UnwantedMeasure.of_pool(values[:, parts:end], query.penalties, scores, self._penalty)
        words = None
        if self._words is not None and len(scores):
            words = self._words.measured(self._ordering.words, scores - values[:, end])
        self._measure = _Measure(len(self), wanted, unwanted, words)
        return self._measure

    def _measured(self, chosen: NDArray[np.intp], measure: "_Measure") -> "_Measured":
        """Of the candidates chosen."""
        values = self._cosines.at(chosen)
        parts, end = len(self._query.wanted), len(self._parts)
        bonuses = nearness_of = np.broadcast_to(np.float32(0), len(chosen))  # takes no memory
        if self._captions is not None:
            nearness_of = values[:, end].copy()  # a view would keep all columns
        if self._words is not None and measure.words is not None:
            bonuses = self._words.bonuses_of(chosen, measure.words)
        scores = measure.wanted.scores(values[:, :parts])
        return _Measured(scores, nearness_of, bonuses, measure.unwanted.costs(values[:, parts:end]))


class ScoredOrder(Sequence[ScoredCandidate]):
    """An order of an accumulator's candidates as it was measured; each is made when it is asked for."""

    def __init__(self, accumulator: RankingAccumulator, numbers: NDArray[np.int32], measured: "_Measured") -> None:
        self._accumulator = accumulator
        self._numbers = numbers
        self._measured = measured

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> ScoredCandidate: ...

    @overload
    def __getitem__(self, index: slice) -> list[ScoredCandidate]: ...

    def __getitem__(self, index: int | slice) -> ScoredCandidate | list[ScoredCandidate]:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        number, measured = int(self._numbers[index]), self._measured
        return ScoredCandidate(
            self._accumulator.candidate(number),
            float(measured.scores[index]),
            float(measured.penalties[index]),
            self._accumulator._embeddings[number],
            nearness=float(measured.nearness[index]),
            bonus=float(measured.bonuses[index]),
        )

    def candidates(self) -> list[Candidate]:
        """The candidates, best first."""
        there = self._accumulator._candidates
        return [there[number] for number in self._numbers.tolist()]

    def embeddings(self) -> list[Embeddings]:
        """Those of all candidates of the accumulator, in matrices, float32 [m, d] each, in the order of adding."""
        return list(self._accumulator._embeddings.chunks())


@dataclass(frozen=True, slots=True)
class _Measured:
    """What ranks go by, float32 [n] each."""

    scores: NDArray[np.float32]
    nearness: NDArray[np.float32]
    bonuses: NDArray[np.float32]
    penalties: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a pool of a size is measured by."""

    size: int
    wanted: WantedMeasure
    unwanted: UnwantedMeasure
    words: WordsMeasure | None
