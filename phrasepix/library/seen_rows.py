"""Rows of candidates that were seen at stock sources, and the candidates that such rows hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import quote

from phrasepix.library.description import Description
from phrasepix.library.quoting import quoted
from phrasepix.library.schema import KEY, words_of
from phrasepix_core.candidate import Candidate
from phrasepix_core.candidate_json import candidate_from_json, candidate_to_json
from phrasepix_core.text import caseless
from reranker.encoder import Embeddings
from retriever.filters import Filters
from retriever.folder.names import shown
from retriever.profile import FOR_GOOD

_KEY: Final = "seen:"
_LARGEST: Final = (1 << 31) - 1
_CLOCKS_DIFFER: Final = timedelta(hours=1)
"""How far ahead a row's time may lie: beyond that the clock was wrong that it was written by."""
_ROUNDED_TO: Final = timedelta(minutes=10)
"""The time in a condition is rounded up to this: the planner counts the rows of each condition once."""


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A candidate as its source told of it at `seen_at`, which may be kept for `kept_for`; and its vectors by column.

    It is the row of its identity: seen again, what the source says then takes its place.
    """

    candidate: Candidate
    seen_at: datetime
    kept_for: timedelta
    vectors: Mapping[str, Embeddings] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The primary key, made of the candidate's identity."""
        return _KEY + "/".join(quote(part, safe="") for part in self.candidate.identity)

    @property
    def digest(self) -> str:
        """Its key: an identity names the same picture for good, so vectors of other encoders stay."""
        return self.key

    def with_vectors(self, vectors: Mapping[str, Embeddings]) -> Self:
        """Return the same row with other vectors."""
        return replace(self, vectors=vectors)

    def values(self, description: Description) -> dict[str, object]:
        """Return the columns beside the vectors, by name; what the source did not say is empty."""
        candidate, day = self.candidate, self.candidate.taken_on
        return {
            KEY: self.key,
            "digest": self.digest,
            "path": shown(candidate.page_url or candidate.image_url),
            "media": candidate.media_type,
            "width": _pixels(candidate.width),
            "height": _pixels(candidate.height),
            "taken_on": day,
            "taken_year": day.year if day else None,
            "taken_month": day.month if day else None,
            "taken_day": day.day if day else None,
            "tags": list(candidate.tags),
            "title": candidate.title,
            "creator": candidate.creator,
            "licence": candidate.licence,
            "licence_url": candidate.licence_url,
            "commercial_use": candidate.commercial_use,
            "modification": candidate.modification,
            "credit": candidate.attribution or candidate.credit,
            "ai_generated": candidate.ai_generated,
            "creator_key": caseless(candidate.creator),
            "tag_keys": [caseless(tag) for tag in candidate.tags],
            "words": words_of((candidate.found_by, candidate.title, *candidate.tags)),
            "frame_at": candidate.frame_at,
            "duration_s": candidate.duration_s,
            "source": candidate.source,
            "seen_at": self.seen_at,
            "kept_until": None if self.kept_for == FOR_GOOD else self.seen_at + self.kept_for,
            "g_rated": candidate.g_rated,
            "candidate": candidate_to_json(candidate),
        }


def _pixels(number: int) -> int | None:
    return number if 0 < number <= _LARGEST else None


def candidate_of_row(row: Mapping[str, Any], tag: str, description: Description) -> Candidate:
    """Return the candidate that a row holds. Raises `ValueError` if the row is damaged."""
    candidate = candidate_from_json(row["candidate"], tag)
    if candidate.source not in description.sources:
        raise ValueError("its source is none that the library has candidates of")
    return candidate


def condition_on_seen(description: Description, filters: Filters, now: datetime) -> str | None:
    """Return the condition that filters, and what the terms allow, put on rows of sources; None if there is none.

    What files do not say of themselves, sources do: whether it is a photograph, and whether it is fit for all ages.
    """
    if not description.sources:
        return None
    parts = []
    if filters.media_type not in {"all", "video"}:
        parts.append(f"media = {quoted(filters.media_type)}")
    if filters.safe_search:
        parts.append("g_rated IS NOT FALSE")
    if description.expires:
        parts.append(f"NOT ({expired(_rounded_up(now))})")
    return f"source IS NULL OR ({' AND '.join(parts)})" if parts else None


def expired(now: datetime) -> str:
    """Return the condition that a row may not be kept any more, or was written by a clock that was wrong."""
    is_over = f"kept_until <= {_timestamp(now)} OR seen_at > {_timestamp(now + _CLOCKS_DIFFER)}"
    return f"kept_until IS NOT NULL AND ({is_over})"


def _rounded_up(moment: datetime) -> datetime:
    return moment + (datetime.min.replace(tzinfo=UTC) - moment) % _ROUNDED_TO


def _timestamp(moment: datetime) -> str:
    return f"CAST('{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z' AS TIMESTAMP)"
