"""Pixabay, and whatever else speaks its protocol."""

from retriever.pixabay.profile import PIXABAY, SourceProfile
from retriever.pixabay.request import PixabayRequest
from retriever.pixabay.retriever import PIXABAY_MANNERS, PixabayRetriever, SkippedHit

__all__ = ["PIXABAY", "PIXABAY_MANNERS", "PixabayRequest", "PixabayRetriever", "SkippedHit", "SourceProfile"]
