"""What a search has seen, as it waits to be remembered: without what reads a library's table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from phrasepix.library.description import EncoderColumn
from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings
from retriever.api_key import ApiKey
from retriever.profile import SourceProfile

EmbeddingsOf = Callable[[Sequence[Candidate]], Mapping[tuple[str, str], Embeddings]]
"""Gives the embeddings, by identity, of those candidates that were encoded."""


@dataclass(frozen=True, slots=True)
class OfferedCandidates:
    """What one source has offered, its terms, and the key that it was asked by, which is not to be written down."""

    profile: SourceProfile
    candidates: Sequence[Candidate]
    key: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many pictures of a source, by its name and title, are not remembered, and why."""

    source: str
    title: str
    count: int
    why: str

    def __str__(self) -> str:
        pictures = "1 picture" if self.count == 1 else f"{self.count} pictures"
        return f"{pictures} of {self.title} {'is' if self.count == 1 else 'are'} not remembered: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSearch:
    """What a search has seen, and where that is to be remembered."""

    library: str
    """By its name."""
    encoder: EncoderColumn
    offered: Sequence[OfferedCandidates]
    """Of each source that may be remembered."""
    embeddings_of: EmbeddingsOf
    seen_at: datetime
