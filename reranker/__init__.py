"""Stage 2: candidates and a phrase in, the top-N by cosine out. Knows CLIP and pixels; knows nothing of Pixabay."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reranker.errors import RerankerError

if TYPE_CHECKING:
    from reranker.clip_reranker import ClipReranker
    from reranker.encoder import (
        DeclaresFamily,
        Embeddings,
        Encoder,
        KnowsTexts,
        LoadsAhead,
        PreparesPictures,
        TellsWhatItReads,
    )
    from reranker.finish import Finish, Refinement
    from reranker.match import Match, Ranking, SkippedPicture
    from reranker.memory import Memory
    from reranker.models.open_clip_encoder import OpenClipEncoder
    from reranker.pictures import PictureLoader
    from reranker.progress import Progress
    from reranker.query import Example, Phrase, Query

__all__ = [
    "ClipReranker",
    "DeclaresFamily",
    "Embeddings",
    "Encoder",
    "Example",
    "Finish",
    "KnowsTexts",
    "LoadsAhead",
    "Match",
    "Memory",
    "OpenClipEncoder",
    "Phrase",
    "PictureLoader",
    "PreparesPictures",
    "Progress",
    "Query",
    "Ranking",
    "Refinement",
    "RerankerError",
    "SkippedPicture",
    "TellsWhatItReads",
]

_HOMES = {
    "ClipReranker": "reranker.clip_reranker",
    "DeclaresFamily": "reranker.encoder",
    "Embeddings": "reranker.encoder",
    "Encoder": "reranker.encoder",
    "Example": "reranker.query",
    "Finish": "reranker.finish",
    "KnowsTexts": "reranker.encoder",
    "LoadsAhead": "reranker.encoder",
    "Match": "reranker.match",
    "Memory": "reranker.memory",
    "OpenClipEncoder": "reranker.models.open_clip_encoder",
    "Phrase": "reranker.query",
    "PictureLoader": "reranker.pictures",
    "PreparesPictures": "reranker.encoder",
    "Progress": "reranker.progress",
    "Query": "reranker.query",
    "Ranking": "reranker.match",
    "Refinement": "reranker.finish",
    "SkippedPicture": "reranker.match",
    "TellsWhatItReads": "reranker.encoder",
}


def __getattr__(name: str) -> Any:
    # Imported when first asked for: OpenClipEncoder takes seconds, and a model is loaded while the others are imported.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
