"""Manners towards every source's API: answers kept, limits honoured, failures retried, keys kept secret."""

from retriever.courtesy.manners import Manners

__all__ = ["Manners"]
