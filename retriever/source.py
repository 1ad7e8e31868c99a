"""A source as a plug-in: what it is, and how it is opened.

A package adds a source by an entry point of the group `phrasepix.sources` whose name is the source's and whose value is
a `Source`. `docs/how-to/write-a-source.md` shows one from its code to its tests.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from retriever.profile import SourceProfile
from retriever.protocol import Retriever

logger = logging.getLogger(__name__)

Notify = Callable[[str], None]
"""Is told, in a sentence, what people should know of the answers to their search."""

GROUP = "phrasepix.sources"


@dataclass(frozen=True, slots=True)
class SkippedHit:
    """An entry of a source's answer that could not be used, and why."""

    source: str
    id: str
    reason: str


def log_skip(skipped: SkippedHit) -> None:
    """Say on the log that an entry was skipped: what happens where nobody counts them."""
    logger.warning("%s:%s skipped: %s", skipped.source, skipped.id, skipped.reason)


def log_notice(message: str) -> None:
    """Say on the log what people should know: what happens if nobody listens."""
    logger.warning("%s", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a source is opened.

    `key` and `base_url` stand in for the environment's and the config file's; `on_skip` is told of each entry of an
    answer that cannot be used; with `offline` nothing is sent, no key is needed and only kept answers are read: what is
    not kept raises `AnswerNotKeptError`.
    """

    key: str | None = field(default=None, repr=False)
    """Stands in for the environment's and the config file's."""
    base_url: str | None = None
    """Stands in for the environment's."""
    on_skip: Callable[[SkippedHit], None] = log_skip
    """Is told of each entry of an answer that cannot be used."""
    on_notice: Notify = log_notice
    """Is told what people should know of the answers."""
    offline: bool = False
    """Whether nothing is sent and only kept answers are read."""
    cache_directory: Path | None = None
    """Where answers are kept; None: the platform's own."""


@runtime_checkable
class ServesSeveralSearches(Protocol):
    """A retriever that stays open from one search to the next and may serve several at once, in any thread."""

    def reporting_to(self, on_skip: Callable[[SkippedHit], None], on_notice: Notify) -> Retriever:
        """Return the same retriever, sharing its connections, that tells others what it skips and what to know.

        It is not closed; the retriever itself is, when no search uses it any more.
        """
        ...


@runtime_checkable
class Source(Protocol):
    """Where pictures come from."""

    @property
    def profile(self) -> SourceProfile:
        """Who the source is and what it demands."""
        ...

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        """A retriever, open as long as the context. Raises a `RetrieverError`, such as `KeyMissingError`.

        A source may be opened again, and several times at once. A retriever that has a `close` may be closed twice,
        and left in the middle of a search.
        """
        ...
