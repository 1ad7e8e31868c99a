"""Pictures, fetched and decoded with care."""

from reranker.pictures.loader import LoadedPicture, PictureLoader

__all__ = ["LoadedPicture", "PictureLoader"]
