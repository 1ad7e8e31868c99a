"""Usage of pictures by a project: which were saved for it before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from phrasepix.results import FoundMatch
from phrasepix.saving.entries import CREDITS, identity_of, read_entries
from phrasepix.saving.likeness import likeness, look_alike
from phrasepix_core.candidate import Candidate
from phrasepix_core.files import reason_of
from reranker.match import Match

_MOST_LEFT_OUT = 40
"""How many matches more than wanted are ranked, so that as many as wanted are left without those used before."""


@dataclass(frozen=True, slots=True)
class ProjectUsage:
    """The files saved for a project, by the identity of their pictures and by how they look."""

    by_identity: dict[tuple[str, str], str]
    by_looks: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    """Why it is not known what was saved; empty if it is."""

    @classmethod
    def in_project(cls, directory: str | Path | None) -> Self:
        """What the project's directory says; nothing where there is none, or, as `problem` says, it cannot be read."""
        if directory is None:
            return cls({})
        directory = Path(directory)
        try:
            directory = directory.expanduser()
            entries = read_entries(directory)
        except (ValueError, OSError, RuntimeError) as error:  # no JSON, no name; a home nobody has
            where = directory / CREDITS
            return cls({}, problem=f"what was used before is not known: {where} cannot be read: {reason_of(error)}")
        looks = tuple((str(entry.get("likeness", "")), entry["file"]) for entry in entries)
        return cls({identity_of(entry): entry["file"] for entry in entries}, looks)

    @property
    def most_left_out(self) -> int:
        """How many matches may have to give way because they look like a picture that was saved."""
        return min(len(self.by_looks), _MOST_LEFT_OUT)

    def has(self, candidate: Candidate) -> bool:
        """Whether this very picture was saved."""
        return candidate.identity in self.by_identity

    def marked(self, matches: Iterable[Match], *, unused: bool = False) -> tuple[FoundMatch, ...]:
        """The matches, each that was saved, or looks like one that was, with its `used_before`.

        With `unused` without these, and the others ranked from 1.
        """
        marked = [FoundMatch.of(match, used_before=self._file(match)) for match in matches]
        if not unused:
            return tuple(marked)
        left = (match for match in marked if not match.used_before)
        return tuple(replace(match, rank=rank) for rank, match in enumerate(left, start=1))

    def _file(self, match: Match) -> str:
        if self.has(match.candidate):
            return self.by_identity[match.candidate.identity]
        if not self.by_looks:
            return ""
        looks = likeness(match.picture)
        return next((file for saved, file in self.by_looks if look_alike(looks, saved)), "")
