"""Candidates in an order, each with what reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.diversity import diversified
from reranker.folding import Likeness, places_kept
from reranker.match import Match
from reranker.reading import NO_READING, NOT_READ, Reader, Reading
from reranker.standing import InOrder, Scored


@dataclass(frozen=True, slots=True)
class Ranked:
    """A scored candidate, and the `reader` of the model that scored it."""

    scored: Scored
    reader: Reader = NOT_READ

    @property
    def candidate(self) -> Candidate:
        """The candidate."""
        return self.scored.candidate

    def match(
        self, rank: int, picture: Image.Image, siblings: tuple[Candidate, ...], reading: Reading = NO_READING
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
            stands_out=reading.stands_out,
            fit=reading.fit,
            share=reading.share,
            parts=self.reader.parts(scored.embedding),
            first_score=scored.first_score,
        )


class RankedOrder(Sequence[Ranked]):
    """An order of which each candidate is made when it is asked for; `first` may stand before it."""

    def __init__(
        self,
        in_order: InOrder,
        reader: Reader,
        first: tuple[Ranked, ...] = (),
        rest: NDArray[np.intp] | None = None,
    ) -> None:
        self._in_order = in_order
        self._reader = reader
        self._first = first
        self._rest = np.arange(len(in_order)) if rest is None else rest

    def __len__(self) -> int:
        return len(self._first) + len(self._rest)

    @overload
    def __getitem__(self, index: int) -> Ranked: ...

    @overload
    def __getitem__(self, index: slice) -> list[Ranked]: ...

    def __getitem__(self, index: int | slice) -> Ranked | list[Ranked]:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        if index < len(self._first):
            return self._first[index]
        return Ranked(self._in_order[int(self._rest[index - len(self._first)])], self._reader)

    def candidates(self) -> list[Candidate]:
        """The candidates, best first."""
        there = self._in_order.candidates()
        return [*(one.candidate for one in self._first), *(there[place] for place in self._rest)]

    def led_by(self, places: Sequence[int], instead: Sequence[Ranked] | None = None) -> "RankedOrder":
        """The order with what stands at these places brought to the front, or something else `instead` of it."""
        led = tuple(self[place] for place in places) if instead is None else tuple(instead)
        taken = set(places)
        behind = tuple(one for place, one in enumerate(self._first) if place not in taken)
        rest = np.delete(self._rest, [place - len(self._first) for place in places if place >= len(self._first)])
        return RankedOrder(self._in_order, self._reader, led + behind, rest)


def readings_of(shown: Sequence[Ranked]) -> list[Reading]:
    """What is read of those that are shown; beside each other are read those that one model scored."""
    readings: dict[int, Reading] = {}
    for reader in {id(one.reader): one.reader for one in shown}.values():
        places = [place for place, one in enumerate(shown) if one.reader is reader]
        read = reader.readings([shown[place].scored.embedding for place in places])
        readings.update(zip(places, read, strict=True))
    return [readings[place] for place in range(len(shown))]


def spread(order: RankedOrder, considered: int, diverse: float, likeness: Likeness | None) -> RankedOrder:
    """The order; of the `considered` best, no two of one picture, those that differ come first."""
    best = places_kept(order.candidates(), considered, likeness)
    fitness = np.array([order[place].scored.total for place in best])
    embeddings = np.array([order[place].scored.embedding for place in best])
    return order.led_by([best[place] for place in diversified(fitness, embeddings, diverse)])
