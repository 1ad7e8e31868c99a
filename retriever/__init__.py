"""Stage 1: a coarse tag in, candidate pictures out. Knows HTTP and sources; knows nothing of CLIP."""

from retriever.candidate import Candidate, Rendition
from retriever.errors import RetrieverError
from retriever.filters import Filters
from retriever.pixabay import PixabayRetriever
from retriever.protocol import Retriever

__all__ = ["Candidate", "Filters", "PixabayRetriever", "Rendition", "Retriever", "RetrieverError"]
