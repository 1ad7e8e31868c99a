"""phrasepix finds the picture a sentence describes.

from phrasepix import find_images

results = find_images("a tiger playing in the snow", tag="tiger", top=10)
results.save_gallery("tigers.html")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phrasepix_core import __version__ as __version__

if TYPE_CHECKING:
    from phrasepix import errors
    from phrasepix.results import Results
    from phrasepix.search import find_images, stream_images
    from phrasepix_core.candidate import Candidate
    from phrasepix_core.errors import PhrasepixError
    from reranker.match import Match
    from reranker.query import Example, Phrase, Query
    from retriever.filters import Filters

__all__ = [
    "Candidate",
    "Example",
    "Filters",
    "Match",
    "Phrase",
    "PhrasepixError",
    "Query",
    "Results",
    "errors",
    "find_images",
    "stream_images",
]

_HOMES = {
    "Candidate": "phrasepix_core.candidate",
    "Example": "reranker.query",
    "Filters": "retriever.filters",
    "Match": "reranker.match",
    "Phrase": "reranker.query",
    "PhrasepixError": "phrasepix_core.errors",
    "Query": "reranker.query",
    "Results": "phrasepix.results",
    "find_images": "phrasepix.search",
    "stream_images": "phrasepix.search",
}


def __getattr__(name: str) -> Any:
    # Imported when first asked for, so that `phrasepix --help` does not wait for what it does not use.
    if name == "errors":
        return import_module("phrasepix.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
