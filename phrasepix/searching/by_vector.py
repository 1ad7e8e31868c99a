"""Sources that find by vector: they are given the query's embeddings, and bring those of their candidates along."""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from phrasepix.searching.tag_strategies import TagLog
from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings
from reranker.query import EncodedQuery
from retriever.filters import Filters
from retriever.protocol import Retriever


@runtime_checkable
class FindsByVector(Protocol):
    """A retriever that keeps embeddings of its pictures, and finds those nearest to a query's."""

    def nearest(
        self, vectors: Embeddings, tower: str, tag: str = "", *, limit: int, filters: Filters
    ) -> Iterator[tuple[Candidate, Embeddings]]:
        """Yield candidates, each once with its embedding (float32 [d], L2 norm 1): the `limit` nearest to each vector.

        `vectors` are float32 [k, d], rows of L2 norm 1; `tower` is `reranker.encoder.image_tower_name` of the encoder
        in whose space they are. With a `tag`, those it stands for. Filters apply before the nearest are chosen.
        Raises a `RetrieverError`, or `WrongValueError` if it has no embeddings of that tower.
        """
        ...


def directions_of(query: EncodedQuery) -> Embeddings:
    """Return what pictures are to be near to: each part that is wanted and, of several, their weighted sum."""
    if len(query.wanted) == 1:
        return query.wanted
    whole = query.weights @ query.wanted.astype(np.float64)
    return np.concatenate([(whole / np.linalg.norm(whole)).astype(np.float32)[None], query.wanted])


@dataclass(frozen=True, slots=True)
class NearestToQuery:
    """What is nearest to the `vectors`, of each of the tags or, without one, of all; embeddings go to `brought`."""

    vectors: Embeddings
    tower: str
    tags: Sequence[str]
    brought: MutableMapping[tuple[str, str], Embeddings]

    def chunks(
        self, retriever: Retriever, limit: int, filters: Filters, record: TagLog
    ) -> Iterator[Sequence[Candidate]]:
        """Yield the candidates, as `TagStrategy` says."""
        assert isinstance(retriever, FindsByVector)  # noqa: S101  # others are asked by tags
        for tag in self.tags or [""]:
            record.note(retriever.name, tag)
            for candidate, embedding in retriever.nearest(self.vectors, self.tower, tag, limit=limit, filters=filters):
                self.brought[candidate.identity] = embedding
                record.note(retriever.name, tag, 1)
                yield (candidate,)
