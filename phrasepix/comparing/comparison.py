"""What several encoders found for one picture: plain data, a row an encoder."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.views.plain_json import plain_json
from phrasepix_core.text import shortened
from reranker.encoder_profile import EncoderProfile
from reranker.query import Example

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class KeyPointPair:
    """The key points of the question and of a match, and those that agree, as shares of width and height."""

    rank: int
    """Of the match, from 1."""
    in_question: NDArray[np.float32] = field(repr=False)
    """All of the question, float32 [n, 2]: x and y."""
    in_match: NDArray[np.float32] = field(repr=False)
    """All of the match, float32 [m, 2]."""
    agreeing: NDArray[np.float32] = field(repr=False)
    """Those that one perspective maps onto each other, float32 [k, 4]: x and y in the question, then in the match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderRow:
    """What one encoder found, or why it found nothing."""

    name: str
    """As it was asked for."""
    title: str
    """What people know it by."""
    profile: EncoderProfile | None = field(default=None, repr=False)
    results: LiveResults | None = None
    """None where it failed."""
    problem: tuple[object, ...] = field(default=(), repr=False)
    """Why it failed: texts, and what is a `Hint` each face words its own way; empty if it did not."""
    seconds: float | None = None
    """How long the search took, with what had to be loaded and encoded for it."""
    ms_per_picture: float | None = None
    """How long it encodes one picture, measured on some of those it found."""
    bytes_per_picture: int | None = None
    """What is remembered of a picture, at most."""
    pairs: tuple[KeyPointPair, ...] = field(default=(), repr=False)
    """Of an encoder that compares key points: the best pairs."""

    @property
    def matches(self) -> tuple[LiveMatch, ...]:
        """What it found, best first."""
        return () if self.results is None else self.results.matches


@dataclass(frozen=True, eq=False)
class Comparison:
    """The rows of several encoders that were asked with one picture, by index or by the encoder's name."""

    question: Example
    rows: tuple[EncoderRow, ...] = field(repr=False)
    picture: Image.Image | None = field(repr=False, default=None)
    """The question in RGB, to be shown; None where it is not at hand."""
    top: int = 10
    """How many each was asked for."""

    def __getitem__(self, key: int | str) -> EncoderRow:
        if isinstance(key, int):
            return self.rows[key]
        return next((row for row in self.rows if row.name == key), None) or self._no_row(key)

    def _no_row(self, name: str) -> NoReturn:
        raise KeyError(f"{name!r} was not compared; these were: {', '.join(row.name for row in self.rows)}")

    def __iter__(self) -> Iterator[EncoderRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def answered(self) -> int:
        """How many encoders did not fail."""
        return sum(row.results is not None for row in self.rows)

    @property
    def pool_size(self) -> int:
        """How many pictures were looked at, by the encoder that looked at most."""
        return max((row.results.pool_size for row in self.rows if row.results is not None), default=0)

    def rows_with(self, match: LiveMatch) -> int:
        """Return how many rows have found a picture: itself, or one that was folded into the same match."""
        own = _identities(match)
        return sum(any(own & _identities(other) for other in row.matches if is_found(other)) for row in self.rows)

    def is_only_here(self, match: LiveMatch) -> bool:
        """Whether one row alone has found a picture, of several that answered."""
        return self.answered > 1 and is_found(match) and self.rows_with(match) == 1

    def to_json(self) -> str:
        """One JSON object: the question, and a row an encoder with its matches."""
        return plain_json(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes, as Python holds JSON."""
        return {
            "question": self.question.title,
            "top": self.top,
            "pool_size": self.pool_size,
            "rows": [self._row_as_json(row) for row in self.rows],
        }

    def _row_as_json(self, row: EncoderRow) -> dict[str, Any]:
        found = {} if row.results is None else row.results.to_dict()
        seen = [
            {"found": is_found(match), "only_here": self.is_only_here(match), "rows": self.rows_with(match)}
            for match in row.matches
        ]
        return {
            **facts_of(row),
            "problem": "".join(map(str, row.problem)) or None,
            "pairs": [pair_as_json(pair) for pair in row.pairs],
            "matches": [match | known for match, known in zip(found.get("matches", ()), seen, strict=True)],
            "skipped": found.get("skipped", []),
            "notices": found.get("notices", []),
        }

    def __repr__(self) -> str:
        asked = ", ".join(row.name for row in self.rows)
        return f"<{type(self).__name__} of {asked} for {shortened(self.question.title)!r}>"


def is_found(match: LiveMatch) -> bool:
    """Whether an encoder says that a match is like the question, and not only that nothing else is nearer.

    One that compares key points says of a pair that does not agree that it is not of the same thing.
    """
    return match.agreement is None or len(match.agreement.points) > 0


def facts_of(row: EncoderRow) -> dict[str, Any]:
    """Return what is known of a row's encoder, as Python holds JSON."""
    return {
        "encoder": row.name,
        "title": row.title,
        "model": None if row.results is None else row.results.model,
        "licence": None if row.profile is None else row.profile.licence,
        "bytes_per_picture": row.bytes_per_picture,
        "ms_per_picture": None if row.ms_per_picture is None else round(row.ms_per_picture, 2),
        "seconds": None if row.seconds is None else round(row.seconds, 3),
    }


def pair_as_json(pair: KeyPointPair) -> dict[str, Any]:
    """Return the points of a pair that agree as Python holds JSON, each share to a thousandth."""
    return {"rank": pair.rank, "agreeing": [[round(share, 3) for share in point] for point in pair.agreeing.tolist()]}


def _identities(match: LiveMatch) -> set[Identity]:
    return {match.candidate.identity, *(one.identity for one in match.siblings)}
