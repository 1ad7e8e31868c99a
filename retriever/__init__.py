"""Stage 1: a coarse tag in, candidate pictures out. Knows HTTP and sources; knows nothing of CLIP."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from retriever.errors import RetrieverError

if TYPE_CHECKING:
    from phrasepix_core.candidate import Candidate, Rendition
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

_HOMES = {
    "Candidate": "phrasepix_core.candidate",
    "Downloads": "retriever.protocol",
    "Filters": "retriever.filters",
    "KnowsItsFilters": "retriever.protocol",
    "Opening": "retriever.source",
    "PixabayRetriever": "retriever.pixabay",
    "Rendition": "phrasepix_core.candidate",
    "Retriever": "retriever.protocol",
    "SkippedHit": "retriever.source",
    "Source": "retriever.source",
    "SourceProfile": "retriever.profile",
}


def __getattr__(name: str) -> Any:
    # Imported when first asked for: whoever needs one part of this package does without the others.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
