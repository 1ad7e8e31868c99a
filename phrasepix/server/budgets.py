"""What is left of the sources' rate limits: in JSON, and in the headers of answers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import ceil

from pydantic import BaseModel, Field

from phrasepix.config import Config
from phrasepix.sources.budgets import requests_left
from phrasepix.sources.registry import registered_source
from retriever.http.budget import RequestsLeft
from retriever.profile import SourceProfile


class Budget(BaseModel):
    """What is left of a source's rate limit."""

    limit: int | None = Field(description="How many requests there are; null if the source does not say.")
    remaining: int
    resets_at: str = Field(description="When there are all of them again, in ISO 8601.")


def budget_of(profile: SourceProfile | None, config: Config) -> Budget | None:
    """Return what is left for a source; None if that is not known."""
    left = None if profile is None else requests_left(profile, config.key, config.base_url)
    if left is None:
        return None
    resets_at = datetime.now(UTC) + timedelta(seconds=left.renewed_in_s)
    return Budget(limit=left.limit, remaining=left.remaining, resets_at=resets_at.isoformat(timespec="seconds"))


def rate_limit_headers(sources: Iterable[str], config: Config) -> dict[str, str]:
    """Return `RateLimit` and `RateLimit-Policy` for the sources that say what is left; empty if none does.

    As in draft-ietf-httpapi-ratelimit-headers-10: of each the requests left (`r`), the seconds until there are all
    again (`t`) and how many these are (`q`).
    """
    known: dict[str, RequestsLeft] = {}
    for name in sources:
        source = registered_source(name)
        if source is not None and (left := requests_left(source.profile, config.key, config.base_url)):
            known[name] = left
    headers = {}
    if known:
        headers["RateLimit"] = ", ".join(
            f'"{name}";r={left.remaining};t={ceil(left.renewed_in_s)}' for name, left in known.items()
        )
    if limits := {name: left.limit for name, left in known.items() if left.limit is not None}:
        headers["RateLimit-Policy"] = ", ".join(f'"{name}";q={limit}' for name, limit in limits.items())
    return headers
