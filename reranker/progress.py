"""Progress of a search."""

from dataclasses import dataclass

from reranker.accumulator import ScoredCandidate


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is.

    Candidates looked at so far (`done`), of which `skipped` could not be had; the `best` of them, best first.
    """

    done: int
    skipped: int
    best: tuple[ScoredCandidate, ...] = ()
