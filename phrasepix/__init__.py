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
    from phrasepix.api import find_images, stream_images
    from phrasepix.comparing.function import compare
    from phrasepix.config import Config
    from phrasepix.finder import Finder
    from phrasepix.live_results import LiveResults
    from phrasepix.request import SearchRequest
    from phrasepix.results import Results
    from phrasepix_core.candidate import Candidate
    from phrasepix_core.errors import PhrasepixError
    from reranker.match import Match
    from reranker.query import Example, Phrase, Query
    from retriever.filters import Filters

__all__ = [
    "Candidate",
    "Config",
    "Example",
    "Filters",
    "Finder",
    "LiveResults",
    "Match",
    "Phrase",
    "PhrasepixError",
    "Query",
    "Results",
    "SearchRequest",
    "compare",
    "errors",
    "find_images",
    "stream_images",
]

_HOMES = {
    "Candidate": "phrasepix_core.candidate",
    "Config": "phrasepix.config",
    "Example": "reranker.query",
    "Filters": "retriever.filters",
    "Finder": "phrasepix.finder",
    "LiveResults": "phrasepix.live_results",
    "Match": "reranker.match",
    "Phrase": "reranker.query",
    "PhrasepixError": "phrasepix_core.errors",
    "Query": "reranker.query",
    "Results": "phrasepix.results",
    "SearchRequest": "phrasepix.request",
    "compare": "phrasepix.comparing.function",
    "find_images": "phrasepix.api",
    "stream_images": "phrasepix.api",
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
