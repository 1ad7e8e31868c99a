"""Unsplash: photos, with a key; shown by their own addresses."""

from retriever.api.source import ApiSource
from retriever.unsplash.adapter import UnsplashAdapter
from retriever.unsplash.profile import UNSPLASH

__all__ = ["SOURCE", "UNSPLASH", "UnsplashAdapter"]

SOURCE = ApiSource(UNSPLASH, UnsplashAdapter, window_s=60 * 60)  # no header says when the hour is over
