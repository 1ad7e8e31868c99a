"""Openverse: openly licensed pictures of many collections, without a key."""

from retriever.api.source import ApiSource
from retriever.openverse.adapter import OpenverseAdapter
from retriever.openverse.profile import OPENVERSE

__all__ = ["OPENVERSE", "SOURCE", "OpenverseAdapter"]

SOURCE = ApiSource(OPENVERSE, OpenverseAdapter, interval_s=1.0)  # it slows down those who ask faster
