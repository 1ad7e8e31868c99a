"""A source on trial: what its checks ask it for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from phrasepix_core.candidate import Candidate
from phrasepix_core.contracts import Contract, breach, nothing_to_check
from retriever.filters import Filters
from retriever.profile import SourceProfile
from retriever.protocol import Retriever, profile_of
from retriever.source import Opening, Source

EVERYTHING = Filters(media_type="all", safe_search=False)
"""No wish at all: whatever the source has for the tag."""


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """A `Source` (or a `Retriever` that is open already) and what it is asked for."""

    subject: Source | Retriever
    opening: Opening
    tag: str
    """A tag that the source has at least two pictures for."""
    unknown_tag: str
    """A tag that the source has no picture for."""
    limit: int

    @property
    def source(self) -> Source:
        """The source; for a retriever the check is skipped."""
        if isinstance(self.subject, Source):
            return self.subject
        nothing_to_check("it is a Retriever; give the Source that opens it")

    @contextmanager
    def opened(self, **changes: Any) -> Iterator[Retriever]:
        """Open the source; `changes` are fields of its `Opening`. A retriever is open already."""
        if not isinstance(self.subject, Source):
            yield self.subject
            return
        with self.subject.open(replace(self.opening, **changes)) as retriever:
            yield retriever

    def profile(self, retriever: Retriever) -> SourceProfile | None:
        """Return the profile of the source, or of the retriever."""
        return self.subject.profile if isinstance(self.subject, Source) else profile_of(retriever)

    def found(self, retriever: Retriever, tag: str | None = None, filters: Filters = EVERYTHING) -> list[Candidate]:
        """Return all candidates of `tag` (by default the trial's own) up to the limit."""
        return list(retriever.retrieve(self.tag if tag is None else tag, limit=self.limit, filters=filters))

    def asked(self, tag: str | None = None, limit: object = None, filters: str = "") -> str:
        """Return how a question is shown in an error."""
        wish = f", filters=Filters({filters})" if filters else ""
        return f"retrieve({self.tag if tag is None else tag!r}, limit={self.limit if limit is None else limit!r}{wish})"

    def some(self, retriever: Retriever) -> list[Candidate]:
        """Return the candidates of the trial's tag; ends the check if there are none."""
        found = self.found(retriever)
        for candidate in found:
            if not isinstance(candidate, Candidate):
                breach(self.asked(), f"{type(candidate).__name__}, which is no retriever.Candidate")
        if not found:
            nothing_to_check(f"nothing was found for the tag {self.tag!r}; name one that finds pictures: tag=…")
        return found


CONTRACT: Contract[SourceTrial] = Contract()
"""The promises of a source; the modules beside this one state them."""

RETRIEVER = "retriever.protocol.Retriever"
RETRIEVE = f"{RETRIEVER}.retrieve"
CANDIDATE = "phrasepix_core.candidate.Candidate"
SOURCE = "retriever.source.Source"
