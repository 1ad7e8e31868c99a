"""Wikimedia Commons: free pictures of everything, without a key."""

from retriever.api_source import ApiSource
from retriever.commons.dialect import CommonsDialect
from retriever.commons.profile import COMMONS

__all__ = ["COMMONS", "SOURCE", "CommonsDialect"]

SOURCE = ApiSource(COMMONS, CommonsDialect, in_series=True)  # its etiquette: no two requests at once
