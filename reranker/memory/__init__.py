"""What was encoded before: looked up in the process first, then on disk."""

from reranker.memory.encoded_pictures import EncodedPicture, EncodedPictures
from reranker.memory.memory import (
    EMBEDDINGS_FILE,
    FINGERPRINTS_FILE,
    PICTURES_FILE,
    TEXTS_FILE,
    Memory,
    store_of_texts,
)

__all__ = [
    "EMBEDDINGS_FILE",
    "FINGERPRINTS_FILE",
    "PICTURES_FILE",
    "TEXTS_FILE",
    "EncodedPicture",
    "EncodedPictures",
    "Memory",
    "store_of_texts",
]
