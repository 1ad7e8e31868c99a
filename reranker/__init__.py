"""Stage 2: candidates and a phrase in, the top-N by cosine out. Knows CLIP and pixels; knows nothing of Pixabay."""

from typing import TYPE_CHECKING, Any

from reranker.clip_reranker import ClipReranker, Progress
from reranker.encoder import Embeddings, Encoder, KnowsTexts, LoadsAhead, PreparesPictures
from reranker.errors import RerankerError
from reranker.finish import Finish, Refinement
from reranker.match import Match, Ranking, SkippedPicture
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.query import Example, Phrase, Query

if TYPE_CHECKING:
    from reranker.models.open_clip_encoder import OpenClipEncoder

__all__ = [
    "ClipReranker",
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
]


def __getattr__(name: str) -> Any:
    if name == "OpenClipEncoder":  # imports torch, which takes seconds: only when asked for
        from reranker.models.open_clip_encoder import OpenClipEncoder

        return OpenClipEncoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
