"""Pixabay, and whatever else speaks its protocol."""

from retriever.api.source import ApiSource
from retriever.pixabay.adapter import PixabayAdapter
from retriever.pixabay.profile import PIXABAY
from retriever.pixabay.request import PixabayRequest
from retriever.pixabay.retriever import PIXABAY_POLICY, PixabayRetriever

__all__ = ["PIXABAY", "PIXABAY_POLICY", "SOURCE", "PixabayRequest", "PixabayRetriever"]

SOURCE = ApiSource(PIXABAY, PixabayAdapter)
