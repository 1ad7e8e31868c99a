"""Openverse: openly licensed pictures of many collections, without a key."""

from retriever.api_source import ApiSource
from retriever.openverse.dialect import OpenverseDialect
from retriever.openverse.profile import OPENVERSE

__all__ = ["OPENVERSE", "SOURCE", "OpenverseDialect"]

SOURCE = ApiSource(OPENVERSE, OpenverseDialect, interval_s=1.0)  # it slows down those who ask faster
