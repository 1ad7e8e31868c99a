"""Candidates in an order, each with what reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.accumulator import ScoredCandidate, ScoredOrder
from reranker.calibration import NO_CALIBRATED_SCORE, UNCALIBRATED, CalibratedScore, Calibrator
from reranker.dedup import DuplicateDetector, representatives
from reranker.diversity import diversified
from reranker.match import Match


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A scored candidate, and the `calibrator` of the model that scored it."""

    scored: ScoredCandidate
    calibrator: Calibrator = UNCALIBRATED

    @property
    def candidate(self) -> Candidate:
        """The candidate."""
        return self.scored.candidate

    def match(
        self,
        rank: int,
        picture: Image.Image,
        siblings: tuple[Candidate, ...],
        calibrated: CalibratedScore = NO_CALIBRATED_SCORE,
    ) -> Match:
        """The candidate as a match, with what was read of it."""
        scored = self.scored
        return Match(
            rank,
            scored.score,
            scored.candidate,
            picture,
            penalty=scored.penalty,
            siblings=siblings,
            nearness=scored.nearness,
            bonus=scored.bonus,
            stands_out=calibrated.stands_out,
            fit=calibrated.fit,
            share=calibrated.share,
            parts=self.calibrator.parts(scored.embedding),
            first_score=scored.first_score,
            agreement=scored.agreement,
        )


class RankedOrder(Sequence[RankedCandidate]):
    """An order of which each candidate is made when it is asked for; `first` may stand before it."""

    def __init__(
        self,
        in_order: ScoredOrder,
        calibrator: Calibrator,
        first: tuple[RankedCandidate, ...] = (),
        rest: NDArray[np.int32] | None = None,
    ) -> None:
        self._in_order = in_order
        self._calibrator = calibrator
        self._first = first
        self._rest = np.arange(len(in_order), dtype=np.int32) if rest is None else rest

    def __len__(self) -> int:
        return len(self._first) + len(self._rest)

    @overload
    def __getitem__(self, index: int) -> RankedCandidate: ...

    @overload
    def __getitem__(self, index: slice) -> list[RankedCandidate]: ...

    def __getitem__(self, index: int | slice) -> RankedCandidate | list[RankedCandidate]:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        if index < len(self._first):
            return self._first[index]
        return RankedCandidate(self._in_order[int(self._rest[index - len(self._first)])], self._calibrator)

    def candidates(self) -> list[Candidate]:
        """The candidates, best first."""
        there = self._in_order.candidates()
        return [*(one.candidate for one in self._first), *(there[place] for place in self._rest.tolist())]

    def led_by(self, places: Sequence[int], instead: Sequence[RankedCandidate] | None = None) -> "RankedOrder":
        """The order with what stands at these places brought to the front, or something else `instead` of it."""
        led = tuple(self[place] for place in places) if instead is None else tuple(instead)
        taken = set(places)
        behind = tuple(one for place, one in enumerate(self._first) if place not in taken)
        rest = np.delete(self._rest, [place - len(self._first) for place in places if place >= len(self._first)])
        return RankedOrder(self._in_order, self._calibrator, led + behind, rest)


def calibrated_scores_of(shown: Sequence[RankedCandidate]) -> list[CalibratedScore]:
    """What is read of those that are shown; beside each other are read those that one model scored."""
    calibrated_scores: dict[int, CalibratedScore] = {}
    for calibrator in {id(one.calibrator): one.calibrator for one in shown}.values():
        places = [place for place, one in enumerate(shown) if one.calibrator is calibrator]
        read = calibrator.calibrated_scores([shown[place].scored.embedding for place in places])
        calibrated_scores.update(zip(places, read, strict=True))
    return [calibrated_scores[place] for place in range(len(shown))]


def diversify(order: RankedOrder, considered: int, diverse: float, detector: DuplicateDetector | None) -> RankedOrder:
    """The order; of the `considered` best, no two of one picture, those that differ come first."""
    best = representatives(order.candidates(), considered, detector)
    fitness = np.array([order[place].scored.total for place in best])
    embeddings = np.array([order[place].scored.embedding for place in best])
    return order.led_by([best[place] for place in diversified(fitness, embeddings, diverse)])
