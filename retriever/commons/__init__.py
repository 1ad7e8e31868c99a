"""Wikimedia Commons: free pictures of everything, without a key."""

from retriever.api.source import ApiSource
from retriever.commons.adapter import CommonsAdapter
from retriever.commons.profile import COMMONS

__all__ = ["COMMONS", "SOURCE", "CommonsAdapter"]

SOURCE = ApiSource(COMMONS, CommonsAdapter, in_series=True)  # its etiquette: no two requests at once
