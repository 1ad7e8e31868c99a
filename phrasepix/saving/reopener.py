"""Opening a search's sources again, when the search is over."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from phrasepix.errors import SourceFaultError, UnknownSourceError
from phrasepix.sources.registry import registered_source, source_named
from retriever.protocol import Retriever
from retriever.source import Opening, Source


@dataclass(frozen=True, slots=True, repr=False)
class Reopener:
    """How the sources of a search are opened again, by the names that stand in `Candidate.source`.

    `openings` has the name by which each was asked for, and how it was opened; `retrievers` are a caller's own. With
    `offline` the search was to send nothing, and nor is what comes after it.

    An opening may hold a key: it is neither shown nor pickled. A source opened from what was unpickled looks for its
    key where it always does.
    """

    openings: Mapping[str, tuple[str, Opening]] = field(default_factory=dict)
    retrievers: Mapping[str, Retriever] = field(default_factory=dict)
    offline: bool = False
    remembered: Collection[str] = frozenset()
    """Sources that a library remembers pictures of, and that were perhaps not asked."""

    @contextmanager
    def open(self, source: str) -> Iterator[Retriever | None]:
        """The source named `source`, open; None where nothing of that name can be opened.

        Raises a `RetrieverError`, such as `KeyMissingError`, and `SourceFaultError` for one that is only remembered and
        not installed: nobody here knows what it demands at a download.
        """
        own = self._own(source)
        if own is not None:
            yield own
            return
        try:
            if source in self.openings:
                name, opening = self.openings[source]
                known: Source | None = source_named(name)
            else:
                known, opening = registered_source(source), Opening()
        except (UnknownSourceError, SourceFaultError):
            known = None
        if known is None:
            if source in self.remembered:
                raise SourceFaultError(
                    f"the library remembers the picture, but its source {source!r} is not installed here, which knows "
                    "what a download owes; install the package that adds it"
                )
            yield None
            return
        with known.open(opening) as retriever:
            yield retriever

    def _own(self, source: str) -> Retriever | None:
        """The caller's retriever that offered what says to come from `source`: a sole one may call it what it likes."""
        if source in self.retrievers or source in self.openings or len(self.retrievers) != 1:
            return self.retrievers.get(source)
        return next(iter(self.retrievers.values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Reopener, ({}, {}, self.offline, frozenset(self.remembered)))
