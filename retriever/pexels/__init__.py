"""Pexels: photos, with a key."""

from retriever.api_source import ApiSource
from retriever.pexels.dialect import PexelsDialect
from retriever.pexels.profile import PEXELS

__all__ = ["PEXELS", "SOURCE", "PexelsDialect"]

SOURCE = ApiSource(PEXELS, PexelsDialect, window_s=60 * 60)  # the header X-Ratelimit-Reset is the month's
