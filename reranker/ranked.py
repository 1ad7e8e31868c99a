"""Candidates in an order, each with what reads it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from reranker.diversity import diversified
from reranker.folding import Likeness, places_kept
from reranker.match import Match
from reranker.reading import NOT_READ, Reader
from reranker.standing import Scored
from retriever.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Ranked:
    """A scored candidate, and the `reader` of the model that scored it."""

    scored: Scored
    reader: Reader = NOT_READ

    @property
    def candidate(self) -> Candidate:
        """The candidate."""
        return self.scored.candidate

    def match(self, rank: int, picture: Image.Image, siblings: tuple[Candidate, ...]) -> Match:
        """The candidate as a match."""
        scored = self.scored
        return Match(
            rank,
            scored.score,
            scored.candidate,
            picture,
            penalty=scored.penalty,
            siblings=siblings,
            stands_out=self.reader.stands_out(scored.embedding),
            parts=self.reader.parts(scored.embedding),
            first_score=scored.first_score,
        )


def spread(order: list[Ranked], considered: int, diverse: float, likeness: Likeness | None) -> list[Ranked]:
    """The order; of the `considered` best, no two of one picture, those that differ come first."""
    best = places_kept([one.candidate for one in order], considered, likeness)
    fitness = np.array([order[place].scored.score - order[place].scored.penalty for place in best])
    embeddings = np.array([order[place].scored.embedding for place in best])
    first = [best[place] for place in diversified(fitness, embeddings, diverse)]
    taken = set(first)
    return [order[place] for place in (*first, *(one for one in range(len(order)) if one not in taken))]
