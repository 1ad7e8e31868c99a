"""What a search has seen, as it waits to be remembered: without what reads a library's table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from phrasepix.library.description import EncoderColumn
from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings
from retriever.profile import SourceProfile

EmbeddingsOf = Callable[[Sequence[Candidate]], Mapping[tuple[str, str], Embeddings]]
"""Gives the embeddings, by identity, of those candidates that were encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSearch:
    """What a search has seen, and where that is to be remembered."""

    library: str
    """By its name."""
    encoder: EncoderColumn
    offered: Sequence[tuple[SourceProfile, Sequence[Candidate]]]
    """Of each source that may be remembered, what it has offered."""
    embeddings_of: EmbeddingsOf
    seen_at: datetime
