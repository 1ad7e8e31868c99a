"""Searches by the reranker's own code, on the stored vectors."""

from collections.abc import Mapping, Sequence

from benchmarks.real.clip_set import ClipSet, StoredVectors, candidate
from phrasepix_core.candidate import Candidate
from reranker.accumulator import ScoredOrder
from reranker.calibration import CalibratedScore
from reranker.encoder import Embeddings
from reranker.examples import Examples
from reranker.memory import EncodedPictures
from reranker.ordering import PLAIN, Ordering
from reranker.pictures import PictureLoader
from reranker.query import Query
from reranker.query_encoder import QueryEncoder
from reranker.ranked import RankedCandidate, calibrated_scores_of
from reranker.text_cache import TextEmbeddingCache


class Searches:
    """Searches in the set; `neutral` stand for the product's neutral texts and captions, by default all classes."""

    def __init__(self, clip: ClipSet, neutral: Embeddings | None = None) -> None:
        self.clip = clip
        encoder = StoredVectors(clip, clip.class_texts if neutral is None else neutral)
        self.texts = TextEmbeddingCache(encoder)
        self._candidates = {row: candidate(row) for row in range(len(clip))}
        self._loader = PictureLoader()

    def describe(self, candidates: Mapping[int, Candidate]) -> None:
        """Have the source say something of its pictures."""
        self._candidates.update(candidates)

    def order(
        self, query: str | Query, pool: Sequence[int], ordering: Ordering = PLAIN
    ) -> tuple[ScoredOrder, QueryEncoder]:
        """The pool, best first."""
        query = query if isinstance(query, Query) else Query.of_phrase(query)
        examples = Examples(query, self.texts.encoder, self.texts.in_use, self._loader, EncodedPictures(), None)
        asked = QueryEncoder(query, self.texts, examples, None, (), ordering)
        accumulator = asked.accumulator(len(pool))
        accumulator.add([self._candidates[row] for row in pool], [self.clip.images[row] for row in pool])
        return accumulator.in_order(), asked

    def rows(self, query: str | Query, pool: Sequence[int], ordering: Ordering = PLAIN) -> list[int]:
        """The pool's rows, best first."""
        return [int(one.candidate.id) for one in self.order(query, pool, ordering)[0]]

    def read(self, phrase: str, pool: Sequence[int], top: int = 10) -> list[tuple[int, CalibratedScore]]:
        """The best matches' rows, and what is read of each."""
        order, asked = self.order(phrase, pool)
        calibrator = asked.calibrator(order)
        shown = [RankedCandidate(one, calibrator) for one in order[:top]]
        return [
            (int(one.candidate.id), reading) for one, reading in zip(shown, calibrated_scores_of(shown), strict=True)
        ]
