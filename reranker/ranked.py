"""Candidates in an order, each with what reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.diversity import diversified
from reranker.folding import Likeness, places_kept
from reranker.match import Match
from reranker.reading import NO_READING, NOT_READ, Reader, Reading
from reranker.standing import Scored


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


def readings_of(shown: Sequence[Ranked]) -> list[Reading]:
    """What is read of those that are shown; beside each other are read those that one model scored."""
    readings: dict[int, Reading] = {}
    for reader in {id(one.reader): one.reader for one in shown}.values():
        places = [place for place, one in enumerate(shown) if one.reader is reader]
        read = reader.readings([shown[place].scored.embedding for place in places])
        readings.update(zip(places, read, strict=True))
    return [readings[place] for place in range(len(shown))]


def spread(order: list[Ranked], considered: int, diverse: float, likeness: Likeness | None) -> list[Ranked]:
    """The order; of the `considered` best, no two of one picture, those that differ come first."""
    best = places_kept([one.candidate for one in order], considered, likeness)
    fitness = np.array([order[place].scored.total for place in best])
    embeddings = np.array([order[place].scored.embedding for place in best])
    first = [best[place] for place in diversified(fitness, embeddings, diverse)]
    taken = set(first)
    return [order[place] for place in (*first, *(one for one in range(len(order)) if one not in taken))]
