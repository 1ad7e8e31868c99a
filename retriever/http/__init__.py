"""HTTP client of every source's API: caches answers, keeps rate limits, retries, and keeps keys secret."""

from retriever.http.policy import RequestPolicy

__all__ = ["RequestPolicy"]
