"""Stage 1: a coarse tag in, candidate pictures out. Knows HTTP and sources; knows nothing of CLIP."""

from retriever.candidate import Candidate, Rendition
from retriever.errors import RetrieverError
from retriever.filters import Filters
from retriever.pixabay import PixabayRetriever
from retriever.profile import SourceProfile
from retriever.protocol import Downloads, KnowsItsFilters, Retriever
from retriever.source import Opening, SkippedHit, Source

__all__ = [
    "Candidate",
    "Downloads",
    "Filters",
    "KnowsItsFilters",
    "Opening",
    "PixabayRetriever",
    "Rendition",
    "Retriever",
    "RetrieverError",
    "SkippedHit",
    "Source",
    "SourceProfile",
]
