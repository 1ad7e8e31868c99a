"""Encoder of one query by one model."""

import numpy as np

from phrasepix_core.text import shortened
from reranker.accumulator import RankingAccumulator, ScoredOrder
from reranker.calibration import UNCALIBRATED, Baseline, Calibrator
from reranker.encoder import Embeddings
from reranker.errors import WrongQueryError
from reranker.examples import Examples
from reranker.families import LIMITS, penalty_of
from reranker.memory.embedding_store import EmbeddingStore
from reranker.ordering import PLAIN, Ordering
from reranker.prepared_pools import PreparedPool
from reranker.query import EncodedQuery, Example, Part, Phrase, Query, TaughtName
from reranker.taught_names import NamesInPool
from reranker.text_cache import TextEmbeddingCache


class QueryEncoder:
    """A `query` in an encoder's space, by its `texts` and `examples`; matches are read by `parts` of its phrases too,
    and by those of its names that are among these.

    `store` keeps the embeddings of the neutral phrases and the captions. Matches are read `in_words` where the limits
    of the model's family are known.
    """

    def __init__(
        self,
        query: Query,
        texts: TextEmbeddingCache,
        examples: Examples,
        store: EmbeddingStore | None,
        parts: tuple[str, ...] = (),
        ordering: Ordering = PLAIN,
        *,
        in_words: bool = True,
    ) -> None:
        self.query = query
        self.examples = examples
        self._texts = texts
        self._store = store
        titles = {name.title for name in query.names}
        self._parts = tuple(part for part in parts if part not in titles)
        self._names = tuple(name for name in query.names if name.title in parts)
        self.ordering = ordering
        self._penalty = penalty_of(texts.family)
        self._limits = LIMITS.get(texts.family) if in_words else None

    def encoded(self) -> EncodedQuery:
        """All of it: texts before pictures, for one tower is in memory at a time.

        Raises `WrongQueryError`, and `PictureUnreachableError` where an example cannot be fetched.
        """
        for phrase in self.query.phrases:
            self._texts.phrase(phrase.text)
        self._texts.parts(self._parts)
        if self._is_read:
            self._texts.neutral(self._store)
        self._captions()
        return EncodedQuery.of(self.query, self._embedding_of)

    @property
    def notices(self) -> tuple[str, ...]:
        """What people should know of how it is read."""
        unread = (self._texts.unread(phrase.text) for phrase in self.query.phrases)
        return tuple(
            f"the phrase is longer than the model reads; not read: “{shortened(words, 200)}”"
            for words in unread
            if words
        )

    def accumulator(self, top: int) -> RankingAccumulator:
        """Return an empty accumulator for the query. Raises the errors of `encoded`."""
        phrases = [part.text for part in self.query.wanted if isinstance(part, Phrase)]
        return RankingAccumulator(self.encoded(), top, self.ordering, self._captions(), phrases, self._penalty)

    def calibrator(self, pool: ScoredOrder, prepared: PreparedPool | None = None) -> Calibrator:
        """Return what calibrates the scores of the pool's matches: by the phrases, but where a picture is wanted too by
        the parts alone. What was `prepared` of the very pool is used."""
        neutral = self._texts.neutral(self._store) if pool and self._is_read else ()
        names = None
        if pool and self._names:
            names = NamesInPool([(name.title, self._embedding_of(name)) for name in self._names], pool.embeddings())
        if not len(neutral):
            return UNCALIBRATED if names is None else Calibrator(None, (), names=names)
        wanted = self.query.wanted
        phrases = [(self._texts.phrase(part.text), part.weight) for part in wanted if isinstance(part, Phrase)]
        smaller = self._limits is not None and self._limits.smaller
        if prepared is not None:
            baseline = prepared.baseline(np.asarray(neutral), smaller=smaller)
        else:
            baseline = Baseline(np.asarray(neutral), pool.embeddings(), smaller=smaller)
        return Calibrator(
            baseline,
            phrases if len(phrases) == len(wanted) else (),
            self._texts.parts(self._parts),
            self._limits,
            names,
        )

    def demand_pictures(self) -> None:
        """Raise `WrongQueryError` where an example is an embedding, which another encoder cannot use."""
        if any(isinstance(example.picture, np.ndarray) for example in self.query.examples):
            raise WrongQueryError(
                "a second model cannot refine by the embedding of an example, which is the first one's; "
                "give its picture"
            )

    @property
    def _is_read(self) -> bool:
        return any(isinstance(part, Phrase) for part in self.query.wanted)

    def _captions(self) -> Embeddings | None:
        """What pictures may be too near to: of phrases alone, for no caption is as near as another picture."""
        if not self.ordering.is_normalised or not all(isinstance(part, Phrase) for part in self.query.wanted):
            return None
        return self._texts.captions(self._store)

    def _embedding_of(self, part: Part) -> Embeddings:
        if isinstance(part, TaughtName):
            return self.examples.direction_of(part)
        if isinstance(part, Example):
            return self.examples.encoded(part).embedding
        return self._texts.phrase(part.text)
