"""What a search tells while it runs: where it is, and what people should know of its results."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from phrasepix_core.messages import Words, worded
from reranker.accumulator import ScoredCandidate

logger = logging.getLogger(__name__)


class Stage(StrEnum):
    """What a search is doing."""

    ASKING = "asking"
    LOADING_MODEL = "loading model"
    LOOKING = "looking"
    LOOKING_AGAIN = "looking again"
    RANKING_AGAIN = "ranking again"
    SAVING = "saving"


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """Where a search is."""

    step: str
    """What it does, in words for people."""
    done: int = 0
    """How many candidates were looked at."""
    total: int | None = None
    """Of how many; None if that is not known yet."""
    skipped: int = 0
    """How many of them could not be had."""
    best: tuple[ScoredCandidate, ...] = ()
    """The best so far, best first."""
    stage: Stage = Stage.LOOKING
    subject: str = ""
    """Whom the stage is about: the sources asked, or the model that is loaded."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What people should know of a search or its results, though it goes on."""

    parts: tuple[object, ...]
    """The message: texts, and `Hint`s that each face words its own way."""
    source: str = ""
    """The name of the source it is about; empty if it is about none."""

    def __str__(self) -> str:
        return worded(self.parts)

    def worded(self, words: Words) -> str:
        """Return the message with its hints in the words of a face."""
        return worded(self.parts, words)


Event: TypeAlias = SearchProgress | Notice
Listener: TypeAlias = Callable[[Event], None]
"""Is told each event, in the thread where it happens. What it raises ends its search, which raises it."""


def ignore(event: object) -> None:
    """Listen to nothing."""


def log_notices(event: object) -> None:
    """Say notices on the log: what happens if nobody listens."""
    if isinstance(event, Notice):
        logger.warning("%s", event)


def listener_of(on_progress: "Callable[[SearchProgress], None]") -> Listener:
    """Return a listener that passes on where a search is, and says notices on the log."""

    def listen(event: Event) -> None:
        if isinstance(event, SearchProgress):
            on_progress(event)
        else:
            log_notices(event)

    return listen
