"""Unsplash: photos, with a key; shown by their own addresses."""

from retriever.api_source import ApiSource
from retriever.unsplash.dialect import UnsplashDialect
from retriever.unsplash.profile import UNSPLASH

__all__ = ["SOURCE", "UNSPLASH", "UnsplashDialect"]

SOURCE = ApiSource(UNSPLASH, UnsplashDialect, window_s=60 * 60)  # no header says when the hour is over
