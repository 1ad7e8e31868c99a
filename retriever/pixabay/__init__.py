"""Pixabay, and whatever else speaks its protocol."""

from retriever.api_source import ApiSource
from retriever.pixabay.dialect import PixabayDialect
from retriever.pixabay.profile import PIXABAY
from retriever.pixabay.request import PixabayRequest
from retriever.pixabay.retriever import PIXABAY_MANNERS, PixabayRetriever

__all__ = ["PIXABAY", "PIXABAY_MANNERS", "SOURCE", "PixabayRequest", "PixabayRetriever"]

SOURCE = ApiSource(PIXABAY, PixabayDialect)
