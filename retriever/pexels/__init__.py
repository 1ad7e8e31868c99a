"""Pexels: photos, with a key."""

from retriever.api.source import ApiSource
from retriever.pexels.adapter import PexelsAdapter
from retriever.pexels.profile import PEXELS

__all__ = ["PEXELS", "SOURCE", "PexelsAdapter"]

SOURCE = ApiSource(PEXELS, PexelsAdapter, window_s=60 * 60)  # the header X-Ratelimit-Reset is the month's
