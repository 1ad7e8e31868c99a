"""What a search found: plain data, which may be pickled, sent and read by every face."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, overload

from phrasepix.events import Notice
from phrasepix.request import SearchRequest
from phrasepix.views.links import address_of, path_shown
from phrasepix.views.plain_json import plain_json
from phrasepix_core.candidate import Candidate
from phrasepix_core.errors import PhrasepixError
from phrasepix_core.text import shortened
from reranker.match import Match, fits_well
from reranker.query import Part, Phrase, Query, TaughtName
from retriever.protocol import Retriever, is_on_loopback, profile_of


@dataclass(frozen=True, slots=True)
class Origin:
    """Where pictures of a search come from."""

    name: str
    """The source's name, as in `Candidate.source`."""
    title: str
    """What people call it."""
    mention: str
    """What must stand wherever its pictures are shown."""
    home_url: str = ""
    is_on_loopback: bool = False
    """Whether its pictures and pages may be on this machine."""

    @classmethod
    def of_retriever(cls, retriever: Retriever) -> Self:
        """Return what a retriever says of its source; one that says nothing is called by its name."""
        profile, here = profile_of(retriever), is_on_loopback(retriever)
        if profile is None:
            return cls(retriever.name, retriever.name, f"Pictures from {retriever.name}", is_on_loopback=here)
        return cls(profile.name, profile.title, profile.mention, profile.home_url, here)


@dataclass(frozen=True, slots=True)
class Failure:
    """A source of several that could not be asked, or not to the end, and why."""

    source: str
    title: str
    reason: str
    parts: tuple[object, ...] = field(default=(), compare=False, repr=False)
    """The reason as an error has it: texts, and `Hint`s that each face words its own way."""

    @classmethod
    def of(cls, source: str, title: str, error: PhrasepixError) -> Self:
        """Return the failure that an error is."""
        return cls(source, title, str(error), error.args)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture or an entry of an answer that could not be used, and why; `catalogue` is as for a `Candidate`."""

    source: str
    id: str
    reason: str
    catalogue: str = ""

    @classmethod
    def of(cls, candidate: Candidate, reason: str) -> "Skipped":
        """A candidate that could not be used."""
        return cls(candidate.source, candidate.id, reason, candidate.catalogue)

    @property
    def identity(self) -> tuple[str, str]:
        """Whose id, and the id: that of the candidate."""
        return (self.catalogue or self.source, self.id)


@dataclass(frozen=True, slots=True)
class AskedTag:
    """A tag that a source was asked for."""

    source: str
    tag: str
    brought: int
    """How many pictures it brought that no tag before it had."""
    problem: str = ""
    """Why it could not be asked, in a few words; empty if it could."""


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """The candidates that a search has looked at, and whose pictures may come from where."""

    candidates: Sequence[Candidate] = ()
    positions: Sequence[tuple[int, ...]] = ()
    """Of each candidate the number in its source's answers, and the source's number. It decides ties."""
    loopback_sources: Collection[str] = frozenset()
    """Sources whose pictures may come from a server on this machine."""
    local_sources: Collection[str] = frozenset()
    """Sources whose pictures are files of this machine."""
    unkept_sources: Collection[str] = frozenset()
    """Sources of whose pictures no file is kept."""


@dataclass(frozen=True, slots=True, repr=False)
class FoundMatch(Match):
    """A match of a search."""

    used_before: str = ""
    """The name of the file as which the picture was saved before in the request's project; empty if it was not."""

    @classmethod
    def of(cls, match: Match, **more: Any) -> Self:
        """Return a match of the second stage with what is known of it besides."""
        same = {name: getattr(match, name) for name in _FIELDS_OF_A_MATCH if hasattr(match, name)}
        return cls(**(same | more))


_FIELDS_OF_A_MATCH = tuple(one.name for one in fields(FoundMatch))


@dataclass(frozen=True, eq=False)
class Results(Sequence[FoundMatch]):
    """The ranked matches of one search, best first."""

    phrase: str
    """What was looked for, for people."""
    tags: tuple[str, ...]
    """The tags that were asked for."""
    origins: tuple[Origin, ...]
    """The sources that were asked."""
    model: str
    """What people call the model that ranked."""
    matches: tuple[FoundMatch, ...] = field(repr=False)
    skipped: tuple[Skipped, ...] = field(repr=False, default=())
    pool_size: int = 0
    """How many candidates the matches were chosen from."""
    is_final: bool = True
    """Whether the search is over."""
    failures: tuple[Failure, ...] = ()
    """The sources that did not answer to the end."""
    asked: tuple[AskedTag, ...] = ()
    """Which source was asked for which tag, in order; a folder looked through without a tag is not there."""
    refined_by: str = ""
    """The model that ranked the best again; empty if none did."""
    diverse: float = 0.0
    """How far the best were spread, 0…1."""
    language: str = ""
    """The tags' language, two letters; empty if none was asked."""
    query: Query | None = field(repr=False, default=None)
    """All that was wanted and not wanted."""
    notices: tuple[Notice, ...] = field(repr=False, default=())
    """What people should know of this search."""
    request: SearchRequest | None = field(repr=False, default=None)
    """What was asked for."""
    pool: PoolSnapshot = field(repr=False, default_factory=PoolSnapshot)
    """What the matches were chosen from, once the search is over."""

    @overload
    def __getitem__(self, index: int) -> FoundMatch: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FoundMatch, ...]: ...
    def __getitem__(self, index: int | slice) -> FoundMatch | tuple[FoundMatch, ...]:
        return self.matches[index]

    def __len__(self) -> int:
        return len(self.matches)

    @property
    def fits_well(self) -> bool | None:
        """Whether any match stands out as showing the phrase; None if that is not known."""
        return fits_well(self.matches) if self.is_final else None

    @property
    def mention(self) -> str:
        """What must stand wherever the results are shown."""
        return " · ".join(origin.mention for origin in self.origins)

    @property
    def loopback_sources(self) -> frozenset[str]:
        """The names of the sources whose addresses may be on this machine."""
        return frozenset(origin.name for origin in self.origins if origin.is_on_loopback)

    @property
    def unwanted(self) -> tuple[Part, ...]:
        """What was to be kept away from."""
        return self.query.unwanted if self.query else ()

    def to_json(self) -> str:
        """One JSON object: phrase, query, tags and what each brought, sources, model, matches, skipped, failures."""
        return plain_json(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes, as Python holds JSON."""
        return {
            "phrase": self.phrase,
            "query": {
                "wanted": [_part_as_json(part) for part in (self.query.wanted if self.query else ())],
                "unwanted": [_part_as_json(part) for part in self.unwanted],
            },
            "tags": list(self.tags),
            "asked": [asdict(one) for one in self.asked],
            "language": self.language,
            "sources": [origin.name for origin in self.origins],
            "model": self.model,
            "refined_by": self.refined_by or None,
            "pool_size": self.pool_size,
            "fits_well": self.fits_well,
            "matches": [_match_as_json(match, self.loopback_sources) for match in self.matches],
            "skipped": [{"id": one.id, "source": one.source, "reason": one.reason} for one in self.skipped],
            "failures": [{"source": one.source, "reason": one.reason} for one in self.failures],
            "notices": [str(one) for one in self.notices],
        }

    def __repr__(self) -> str:
        of = f"{len(self.matches)} of {self.pool_size} pictures{'' if self.is_final else ' so far'}"
        tagged = f" tagged {', '.join(self.tags)}" if any(self.tags) else ""
        asked = " and ".join(one.title for one in self.origins)
        return f"<Results for {shortened(self.phrase)!r}: {of}{tagged} from {asked}>"


def _part_as_json(part: Part) -> dict[str, Any]:
    kind = "phrase" if isinstance(part, Phrase) else "name" if isinstance(part, TaughtName) else "picture"
    return {kind: part.title, "weight": round(part.weight, 6)}


def _match_as_json(match: FoundMatch, loopback_sources: Collection[str]) -> dict[str, Any]:
    candidate = match.candidate

    def address(url: str) -> str:
        return address_of(candidate, url, loopback_sources)

    return {
        "rank": match.rank,
        "score": round(match.score, 6),
        "penalty": round(match.penalty, 6),
        "nearness": round(match.nearness, 6),
        "bonus": round(match.bonus, 6),
        "first_score": _rounded(match.first_score, 6),
        "agreeing_points": None if match.agreement is None else len(match.agreement.points),
        "stands_out": _rounded(match.stands_out, 3),
        "fit": match.fit or None,
        "parts": [
            {"text": one.text, "stands_out": _rounded(one.stands_out, 3), "fit": one.fit or None} for one in match.parts
        ],
        "source": candidate.source,
        "id": candidate.id,
        "title": candidate.title,
        "page_url": address(candidate.page_url),
        "image_url": address(candidate.image_url),
        "path": path_shown(candidate) or None,
        "width": candidate.width,
        "height": candidate.height,
        "media_type": candidate.media_type,
        "duration_s": candidate.duration_s,
        "frame_at": candidate.frame_at,
        "clips": [{"url": address(clip.url), "width": clip.width, "height": clip.height} for clip in candidate.clips],
        "tags": list(candidate.tags),
        "colours": list(candidate.colours),
        "taken_on": candidate.taken_on and candidate.taken_on.isoformat(),
        "uploaded_on": candidate.uploaded_on and candidate.uploaded_on.isoformat(),
        "found_by": candidate.found_by,
        "creator": candidate.creator,
        "creator_url": address(candidate.creator_url),
        "licence": candidate.licence,
        "licence_url": address(candidate.licence_url),
        "commercial_use": candidate.commercial_use,
        "modification": candidate.modification,
        "credit_owed": candidate.credit_owed,
        "credit": candidate.credit,
        "credit_line": {form: match.credit(form) for form in ("text", "markdown", "html")},
        "used_before": match.used_before or None,
        "ai_generated": candidate.ai_generated,
        "no_ai_training": candidate.no_ai_training,
        "g_rated": candidate.g_rated,
        "siblings": [
            {
                "source": one.source,
                "id": one.id,
                "page_url": address_of(one, one.page_url, loopback_sources),
                "credit": one.credit,
            }
            for one in match.siblings
        ],
    }


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
