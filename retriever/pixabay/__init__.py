"""Pixabay, and whatever else speaks its protocol."""

from contextlib import AbstractContextManager

from retriever.pixabay.profile import PIXABAY
from retriever.pixabay.request import PixabayRequest
from retriever.pixabay.retriever import PIXABAY_MANNERS, PixabayRetriever
from retriever.profile import SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening

__all__ = ["PIXABAY", "PIXABAY_MANNERS", "SOURCE", "PixabayRequest", "PixabayRetriever"]


class _Pixabay:
    profile: SourceProfile = PIXABAY

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        return PixabayRetriever(
            opening.key, base_url=opening.base_url, on_skip=opening.on_skip, offline=opening.offline
        )


SOURCE = _Pixabay()
