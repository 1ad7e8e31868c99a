"""The names of what ranks can go by; `reranker.ordering` says what each does."""

from typing import Final

COSINE, NORMALISED = "cosine", "normalised"
RANKS: Final = (COSINE, NORMALISED)
